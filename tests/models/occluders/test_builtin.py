"""What lies before a face, drawn onto the shipped portraits: found without a model, and left as it is."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from multifaceswap.app import functions as api
from multifaceswap.models.occluders.builtin import BuiltinParser
from multifaceswap.pipeline.faces import mesh_points as points
from multifaceswap.pipeline.geometry import extract_crop, inverse, warp
from multifaceswap.pipeline.types import Crop, Face, Size


@pytest.fixture(scope="module", params=["astronaut", "hopper"])
def portrait(request, session):
    picture = request.getfixturevalue(request.param)
    return picture, api.detect_faces([picture], session=session).frames[0][0]


def _at(face, *numbers):
    return face.mesh[list(numbers), :2].mean(0)


def _drawn(picture, face, start, end, thick, colour):
    """The picture with a line across the face, and where on the face it lies."""
    result, line = picture.copy(), np.zeros(picture.shape[:2], np.uint8)
    width = max(round(thick * float(np.ptp(face.mesh[:, 0]))), 1)
    for canvas, ink in ((result, colour), (line, 1)):
        cv2.line(canvas, np.int32(start).tolist(), np.int32(end).tolist(), ink, width)
    oval = np.zeros_like(line)
    cv2.fillPoly(oval, [np.int32(face.mesh[list(points.OVAL), :2])], 1)
    return result, (line & oval) > 0


def _hidden(picture, face):
    """Where the parser sees no face, in the picture."""
    parser = BuiltinParser()
    placement = parser.place(face)
    (mask,) = parser.parse([Crop(extract_crop(picture, placement), placement.matrix, face)])
    return warp(1 - mask, inverse(placement.matrix), Size.of(picture)) > 0.5


def _swap(session, target, donor, **settings):
    target_faces, source_faces = (api.detect_faces([one], session=session) for one in (target, donor))
    index_map = api.map_indexes(target_faces, source_faces, "0", "0")
    return api.swap_faces([target], [donor], index_map, session=session, **settings).images[0]


def _thing(picture, face, colour):
    """Something like a microphone before the mouth."""
    chin, up = _at(face, 152), _at(face, 10) - _at(face, 152)
    return _drawn(picture, face, chin - 0.3 * up, _at(face, 13), 0.3, colour)


@pytest.mark.parametrize(
    "colour",
    [(30, 60, 160), (150, 30, 140), (40, 140, 60), (240, 200, 20), (25, 25, 28), (235, 235, 238)],
    ids=["blue", "violet", "green", "yellow", "black", "white"],
)
def test_things_of_another_colour_are_found(portrait, colour):
    picture, line = _thing(*portrait, colour)
    hidden = _hidden(picture, portrait[1])
    assert hidden[line].mean() > 0.9
    assert (hidden & ~line).sum() < 0.25 * line.sum() + _hidden(*portrait).sum()


@pytest.mark.parametrize(("start", "end"), [(67, 205), (109, 9), (10, 8)])
def test_dark_strands_of_hair_are_found(session, astronaut, start, end):
    face = api.detect_faces([astronaut], session=session).frames[0][0]
    up = _at(face, 10) - _at(face, 152)
    picture, line = _drawn(astronaut, face, _at(face, start) + 0.2 * up, _at(face, end), 0.02, (25, 20, 15))
    forehead = np.arange(len(picture))[:, None] < _at(face, *points.BROW_LEFT)[1]
    assert _hidden(picture, face)[line & forehead].mean() > 0.6


def _cheeks(picture, face):
    """The face below the eyes, without its rim, where hair lies before it."""
    oval = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(oval, [np.int32(face.mesh[list(points.OVAL), :2])], 1)
    inner = cv2.erode(oval, np.ones((3, 3), np.uint8), iterations=round(0.06 * float(np.ptp(face.mesh[:, 0]))))
    return (inner > 0) & (np.arange(len(picture))[:, None] > _at(face, *points.EYE_LEFT, *points.EYE_RIGHT)[1])


def test_bare_faces_are_left_whole(portrait):
    assert not (_hidden(*portrait) & _cheeks(*portrait)).any()


def test_in_grey_pictures_no_colour_is_strange(portrait):
    picture, face = portrait
    grey = np.repeat(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)[..., None], 3, 2)
    assert not (_hidden(grey, face) & _cheeks(picture, face)).any()


def test_faces_without_a_mesh_are_taken_to_be_bare():
    face = Face((10, 10, 90, 90), np.zeros((5, 2), np.float32), 1.0)
    placement = BuiltinParser().place(face)
    image = np.random.default_rng(0).random((placement.size.height, placement.size.width, 3), np.float32)
    (mask,) = BuiltinParser().parse([Crop(image, placement.matrix, face)])
    assert mask.shape == image.shape[:2] and (mask == 1).all()


def test_what_is_found_stays_bit_for_bit(portrait, session, astronaut, hopper):
    picture, line = _thing(*portrait, (30, 60, 160))
    donor = hopper if portrait[0] is astronaut else astronaut
    swapped = [_swap(session, picture, donor, occluder=occluder) for occluder in ("builtin", "none")]
    same = [(image == picture).all(2)[line].mean() for image in swapped]
    assert same[0] > 0.85
    assert same[1] < 0.4


def test_auto_is_builtin_for_mesh(session, portrait, astronaut, hopper):
    picture, _ = _thing(*portrait, (30, 60, 160))
    donor = hopper if portrait[0] is astronaut else astronaut
    one, other = _swap(session, picture, donor), _swap(session, picture, donor, occluder="builtin")
    np.testing.assert_array_equal(one, other)
