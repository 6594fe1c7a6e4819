"""Faces that others made, however odd, are refused or go through: no foreign errors, no endless work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from multifaceswap import Face, FaceSet, IndexMap
from multifaceswap.pipeline.errors import MismatchError, SettingsError
from multifaceswap.pipeline.types import Pair, Size

ODD = {
    "one place": lambda face: {"landmarks": np.full((5, 2), 100.0)},
    "the corner": lambda face: {"landmarks": np.zeros((5, 2)), "box": np.zeros(4)},
    "outside": lambda face: {"landmarks": face.landmarks + 9e5, "box": face.box + 9e5},
    "inverted": lambda face: {"box": face.box[[2, 3, 0, 1]]},
    "a line": lambda face: {"landmarks": np.stack([np.arange(5.0) * 10, np.full(5, 50.0)], 1)},
    "the largest": lambda face: {
        "landmarks": (face.landmarks - face.landmarks.mean(0)) * 3000,
        "box": np.array([-9e5, -9e5, 9e5, 9e5]),
        "mesh": (face.mesh - face.mesh.mean(0)) * 2500,
    },
    "a mesh in one place": lambda face: {"mesh": face.mesh * 0 + 50},
    "a mesh of one pixel": lambda face: {"mesh": face.mesh[:1] + (face.mesh - face.mesh[:1]) * 1e-4},
    "a flat mesh": lambda face: {"mesh": face.mesh * np.array([1, 0, 0])},
    "a torn mesh": lambda face: {"mesh": np.where(np.arange(468)[:, None] % 2, face.mesh * 0, face.mesh * 0 + 300)},
}


@pytest.fixture(scope="module")
def faces(session, hopper, astronaut):
    return session.detect([hopper]).flat()[0], session.detect([astronaut]).flat()[0]


def _map(target, source, hopper, astronaut, **more):
    return IndexMap(((Pair(target, source),),), (), Size.of(hopper), Size.of(astronaut), 1, **more)


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("side", ["target", "source", "other"])
@pytest.mark.filterwarnings("ignore:(divide|invalid|overflow):RuntimeWarning")
def test_odd_places_are_swapped_for_what_they_are_worth(session, faces, hopper, astronaut, name, side):
    target, source = faces
    odd = replace(source if side == "source" else target, **ODD[name](source if side == "source" else target))
    index_map = {
        "target": lambda: _map(odd, source, hopper, astronaut),
        "source": lambda: _map(target, odd, hopper, astronaut),
        "other": lambda: _map(target, source, hopper, astronaut, others=((odd,),)),
    }[side]()
    image = session.swap([hopper], [astronaut], index_map).images[0]
    assert image.shape == hopper.shape and image.dtype == np.uint8


@pytest.mark.parametrize(
    ("odd", "told"),
    [
        ({"landmarks": np.full((5, 2), np.nan)}, r"landmarks: expected finite numbers of shape \(5, 2\), got NaN"),
        ({"landmarks": np.full((5, 2), 1e7)}, "landmarks: expected pixels within ±1,000,000, got 1e\\+07"),
        ({"landmarks": [[1, 2], [3]]}, "landmarks: expected finite numbers"),
        ({"landmarks": None}, r"landmarks: expected finite numbers of shape \(5, 2\), got \(\)"),
        ({"box": "face"}, "box: expected finite numbers of shape"),
        ({"box": [0, 0, 1e300, 1]}, "box: expected finite numbers"),
        ({"score": float("nan")}, "score: expected a number from 0 to 1, got nan"),
    ],
)
def test_no_places_are_no_face(odd, told):
    good = {"box": [0, 0, 9, 9], "landmarks": np.zeros((5, 2)), "score": 1.0}
    with pytest.raises(SettingsError, match=told):
        Face(**{**good, **odd})


def test_a_donor_of_a_picture_that_is_not_there_is_refused(session, faces, hopper, astronaut):
    target, source = faces
    with pytest.raises(MismatchError, match=r"of the pictures \[7\], but 1 came with them"):
        session.swap([hopper], [astronaut], _map(target, replace(source, frame=7), hopper, astronaut))


def test_numbers_beyond_floats_are_refused(session, faces):
    found = FaceSet((faces[:1],), Size(512, 600))
    for value in (10**400, 10**5000, float("nan"), float("inf"), np.float32("nan")):
        with pytest.raises(SettingsError, match="limit: expected a whole number"):
            session.order(found, limit=value)
