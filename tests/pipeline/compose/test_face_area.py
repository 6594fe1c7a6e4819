"""Masks of where faces lie."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from multifaceswap.pipeline.compose.face_area import areas_of
from multifaceswap.pipeline.types import MESH_POINTS, Face, FaceSet, Size

SIZE = Size(300, 200)


def face(left, top, right, bottom, mesh=None):
    return Face((left, top, right, bottom), np.zeros((5, 2)), 1.0, mesh=mesh)


def square_mesh(left, top, right, bottom):
    corners = np.array([(left, top, 0), (right, top, 0), (right, bottom, 0), (left, bottom, 0)])
    return np.resize(corners, (MESH_POINTS, 3))


def test_no_pictures_and_pictures_without_faces_are_black():
    assert areas_of(FaceSet((), SIZE)).shape == (0, 200, 300)
    assert not areas_of(FaceSet(((), ()), SIZE)).any()


def test_each_picture_shows_its_own_faces_as_ellipse_or_hull_of_the_mesh():
    meshed = face(0, 0, 1, 1, square_mesh(100.5, 20.5, 150.5, 80.5))
    areas = areas_of(FaceSet(((face(20, 30, 80, 130), meshed), (), (face(250, 150, 350, 250),)), SIZE))
    assert (areas.shape, areas.dtype) == ((3, 200, 300), np.float32)
    assert set(np.unique(areas)) == {0, 1}
    assert areas[0, :, :90].sum() == pytest.approx(np.pi * 30 * 50, rel=0.05)
    assert areas[0, 20:81, 100:151].all() and areas[0, :, 95:].sum() == 61 * 51
    assert not areas[1].any()
    assert areas[2, 199, 299] == 1 and areas[2, 151, 251] == 0


def test_a_batch_is_made_once():
    found = FaceSet(((face(20, 30, 80, 130),),) * 40, SIZE)
    tracemalloc.start()
    areas = areas_of(found)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - areas.nbytes < areas[0].nbytes
