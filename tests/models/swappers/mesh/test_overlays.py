"""Whose glasses a face wears, and strands of hair: drawn onto a bare portrait, so that what they hide is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from multifaceswap.app import functions as api
from multifaceswap.pipeline.compose.lines import lines_of
from multifaceswap.pipeline.faces import mesh_points as points

_BLACK = (22, 22, 25)


def _with_glasses(picture, face):
    """The picture with round glasses, and where they are: on the face, and on the temples beside it."""
    result, frames = picture.copy(), np.zeros(picture.shape[:2], np.uint8)
    mesh = face.mesh[:, :2]
    width = float(np.ptp(mesh[:, 0]))
    left, right = mesh[list(points.EYE_LEFT)].mean(0), mesh[list(points.EYE_RIGHT)].mean(0)
    across = (right - left) / np.linalg.norm(right - left)
    radius, thick = 0.16 * width, max(round(0.025 * width), 2)
    for canvas, ink in ((result, _BLACK), (frames, 1)):
        for eye in (left, right):
            cv2.circle(canvas, np.int32(eye).tolist(), round(radius), ink, thick, cv2.LINE_8)
        ends = ((left + radius * across, right - radius * across),)
        ends += ((left - radius * across, mesh[127] - 0.05 * width * across),)
        ends += ((right + radius * across, mesh[356] + 0.05 * width * across),)
        for start, end in ends:
            cv2.line(canvas, np.int32(start).tolist(), np.int32(end).tolist(), ink, thick)
    oval = np.zeros_like(frames)
    cv2.fillPoly(oval, [np.int32(mesh[list(points.OVAL)])], 1)
    return result, (frames & oval) > 0, (frames & ~oval) > 0


@pytest.fixture(scope="module")
def worn(session, astronaut):
    face = api.detect_faces([astronaut], session=session).frames[0][0]
    return _with_glasses(astronaut, face)


def _swap(session, target, donor, **settings):
    target_faces, source_faces = (api.detect_faces([one], session=session) for one in (target, donor))
    index_map = api.map_indexes(target_faces, source_faces, "0", "0")
    return api.swap_faces([target], [donor], index_map, session=session, **settings).images[0]


def test_the_targets_glasses_stay(session, worn, hopper):
    picture, on_face, _ = worn
    kept = {}
    for whose in ("target", "donor"):
        image = _swap(session, picture, hopper, glasses=whose)
        kept[whose] = (image == picture).all(2)[on_face].mean()
    assert kept["target"] > 0.7
    assert kept["donor"] < 0.2


@pytest.mark.parametrize("whose", ["donor", "none"])
def test_nothing_of_the_targets_glasses_is_left_at_the_temples(session, worn, astronaut, hopper, whose):
    picture, _, beside = worn
    image = _swap(session, picture, hopper, glasses=whose).astype(int)
    away = np.abs(image - astronaut)[beside].mean(1)
    drawn = np.abs(picture.astype(int) - astronaut)[beside].mean(1)
    assert beside.sum() > 20
    assert drawn.mean() > 20
    assert away.mean() < 0.6 * drawn.mean()


@pytest.mark.parametrize("side", [(127, 356), (356, 127)])
def test_hair_at_the_temples_is_no_part_of_the_glasses(session, worn, astronaut, side):
    """A dark lock that the arm of the glasses crosses: above and below the arm it stays when they are taken off."""
    picture, mesh = worn[0].copy(), api.detect_faces([astronaut], session=session).frames[0][0].mesh
    width, (here, there) = float(np.ptp(mesh[:, 0])), mesh[list(side), :2]
    beside, down = here + 0.04 * (here - there), np.array([0, width])
    ends = [np.int32(beside + share * down).tolist() for share in (-0.2, 0.2)]
    for ink, thick in (((230, 190, 170), 0.1), ((22, 22, 25), 0.03)):
        cv2.line(picture, *ends, ink, round(thick * width))
    glasses = lines_of(picture.astype(np.float32) / 255, mesh).glasses
    rows = np.nonzero(glasses[:, slice(*sorted((int(beside[0] - 1), int(beside[0] + 2))))])[0]
    assert rows.size > 0
    assert beside[1] - 0.14 * width < rows.min() < rows.max() < beside[1] + 0.08 * width


def test_the_donors_glasses_come_along_or_are_taken_off(session, worn, astronaut, hopper):
    """Onto a face without glasses, of the same mesh: what the frames hide is what the bare donor shows there."""
    picture, on_face, _ = worn
    bare = _swap(session, astronaut, astronaut).astype(int)
    away = {
        whose: float(np.abs(_swap(session, astronaut, picture, glasses=whose).astype(int) - bare)[on_face].mean())
        for whose in ("donor", "target", "none")
    }
    assert away["donor"] > 40
    assert away["target"] == away["none"] < 0.6 * away["donor"]


def test_bare_faces_look_the_same_whosever_glasses_are_asked_for(session, astronaut):
    one, other, third = (_swap(session, astronaut, astronaut, glasses=whose) for whose in ("donor", "target", "none"))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one, third)


@pytest.mark.parametrize(("start", "bend"), [(10, 0.08), (109, -0.06), (338, 0.05)])
def test_a_donors_strands_of_hair_are_left_behind(session, astronaut, start, bend):
    """From the hairline, at a mesh point of the outline, to near the brows: what they hide is what is around them."""
    mesh = api.detect_faces([astronaut], session=session).frames[0][0].mesh[:, :2]
    width = float(np.ptp(mesh[:, 0]))
    top, low = mesh[start] - [0, 0.12 * width], mesh[9] + (mesh[start] - mesh[9]) * 0.35
    path = [top + (low - top) * at + [bend * width * np.sin(3 * at), 0] for at in np.linspace(0, 1, 20)]
    picture, strand = astronaut.copy(), np.zeros(astronaut.shape[:2], np.uint8)
    for canvas, ink in ((picture, (40, 28, 20)), (strand, 1)):
        cv2.polylines(canvas, [np.int32(path)], False, ink, max(round(0.02 * width), 2))
    oval = cv2.fillPoly(np.zeros_like(strand), [np.int32(mesh[list(points.OVAL)])], 1)
    inside = (strand & oval) > 0
    drawn = np.abs(picture.astype(int) - astronaut)[inside].mean()
    left = np.abs(_swap(session, astronaut, picture).astype(int) - _swap(session, astronaut, astronaut))[inside].mean()
    assert inside.sum() > 30 and drawn > 60
    assert left < 0.18 * drawn
