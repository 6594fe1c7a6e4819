"""Fits, crops and their way back, against exact numbers and a published implementation's matrices."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multifaceswap.pipeline import geometry
from multifaceswap.pipeline.errors import SettingsError
from multifaceswap.pipeline.geometry import Region
from multifaceswap.pipeline.templates import ARCFACE_112, ARCFACE_128, FFHQ_512, arcface
from multifaceswap.pipeline.types import Face, Placement, Size

VECTORS = np.load(Path(__file__).parent.parent / "vectors" / "align.npz", allow_pickle=False)
TURN = np.array([[0.6, -0.8, 5.0], [0.8, 0.6, -2.0]]) * 1.5
points = st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=3, max_size=8)


def _gradient(height, width, channels=3):
    y, x = np.mgrid[:height, :width]
    return np.stack([x / width, y / height, (x + y) / (width + height)][:channels], 2).astype(np.float32)


@pytest.mark.parametrize("size", [112, 128, 224, 256, 512])
def test_alignment_equals_insightfaces(size):
    template = arcface(size).template * size
    for landmarks, expected in zip(VECTORS["kps"], VECTORS[f"insightface_M_{size}"], strict=True):
        assert np.abs(geometry.similarity(landmarks, template) - expected).max() < 2e-4


def test_ffhq_alignment_equals_least_squares():
    for landmarks, expected in zip(VECTORS["kps"], VECTORS["umeyama_M_ffhq512"], strict=True):
        assert np.abs(geometry.similarity(landmarks, FFHQ_512 * 512) - expected).max() < 2e-4


def test_the_two_arcface_templates():
    assert arcface(224).template is ARCFACE_112
    assert arcface(256).template is ARCFACE_128
    assert np.allclose(ARCFACE_128 * 128, ARCFACE_112 * 112 + [8, 0], atol=1e-4)


def test_align_brings_landmarks_onto_the_template_in_the_pictures_own_coordinates():
    landmarks = ARCFACE_112 * 112 * 2 + 10
    placement = geometry.align(Face((0, 0, 300, 300), landmarks, 1.0), arcface(112))
    assert placement.size == Size(112, 112)
    assert np.allclose(geometry.transform_points(placement.matrix, landmarks), ARCFACE_112 * 112, atol=1e-3)


@given(points)
def test_similarity_finds_what_was_done(some):
    source = np.array(some)
    moved = geometry.transform_points(TURN, source)
    found = geometry.similarity(source, moved)
    assert np.allclose(geometry.transform_points(found, source), moved, atol=1e-6)


@given(points)
def test_inverse_undoes(some):
    there = geometry.transform_points(TURN, some)
    assert np.allclose(geometry.transform_points(geometry.inverse(TURN), there), some, atol=1e-8)


def test_similarity_of_one_place_is_a_shift():
    assert np.allclose(geometry.similarity([[1, 1]] * 5, [[4, 6]] * 5), [[1, 0, 3], [0, 1, 5]])
    assert np.allclose(geometry.similarity([[1, 1], [1 + 1e-12, 1]], [[4, 6]] * 2), [[1, 0, 3], [0, 1, 5]])


def test_similarity_never_mirrors():
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])
    assert np.linalg.det(geometry.similarity(square, square * [-1, 1])[:, :2]) >= 0


def test_scale_and_before():
    assert geometry.scale_of(TURN) == pytest.approx(1.5)
    both = geometry.compose(TURN, geometry.inverse(TURN))
    assert np.allclose(both, [[1, 0, 0], [0, 1, 0]])


def test_a_shifted_crop_is_the_pictures_own_pixels():
    picture = _gradient(40, 50)
    crop = geometry.extract_crop(picture, Placement(np.array([[1.0, 0, -7], [0, 1.0, -3]]), Size(20, 10)))
    assert (crop == picture[3:13, 7:27]).all()


placements = st.one_of(
    st.builds(lambda x, y: [[1, 0, x], [0, 1, y]], st.integers(-30, 12), st.integers(-30, 12)),
    st.builds(
        lambda a, x, y: [[a, 0, x], [0, a, y]], st.sampled_from([0.1, 0.7, 2]), st.floats(-30, 9), st.floats(-30, 9)
    ),
)


# The region of this crop is whole rows of a float32 picture: nothing on the way needs to copy it.
@example(np.float32, 3, [[1, 0, 0], [0, 1, -3]], Size(24, 10), None, True)
@given(
    st.sampled_from([np.uint8, np.uint16, np.float16, np.float32, np.float64]),
    st.sampled_from([1, 3, 4]),
    placements,
    st.sampled_from([Size(24, 20), Size(9, 7), Size(24, 1)]),
    st.sampled_from([None, (0.5, 0.5, 0.5)]),
    st.booleans(),
)
def test_writing_into_a_crop_leaves_the_picture_as_it_is(dtype, channels, matrix, size, outside, writeable):
    picture = np.full((20, 24, channels), 1, dtype)
    picture.flags.writeable = writeable
    crop = geometry.extract_crop(picture, Placement(np.array(matrix, float), size), "Bilinear", outside)
    assert crop.shape == (size.height, size.width, 3) and crop.dtype == np.float32
    assert crop.flags.writeable and not np.shares_memory(crop, picture)
    crop[:] = 7
    assert (picture == 1).all()


@pytest.mark.parametrize("interpolation", geometry.INTERPOLATIONS)
def test_a_crop_shows_what_lies_at_its_places(interpolation):
    picture = _gradient(200, 300)
    matrix = geometry.similarity([[100, 60], [180, 100]], [[10, 10], [90, 20]])
    crop = geometry.extract_crop(picture, Placement(matrix, Size(100, 40)), interpolation)
    x, y = geometry.transform_points(geometry.inverse(matrix), [[50.5, 20.5]])[0]
    assert crop[20, 50] == pytest.approx([(x - 0.5) / 300, (y - 0.5) / 200, (x + y - 1) / 500], abs=4e-3)


def test_a_crop_beyond_the_picture_is_black_there():
    white = np.ones((20, 20, 3), np.float32)
    crop = geometry.extract_crop(white, Placement(np.array([[1.0, 0, 10], [0, 1.0, 0]]), Size(20, 20)))
    assert (crop[:, :10] == 0).all()
    assert (crop[:, 10:] == 1).all()
    nothing = geometry.extract_crop(np.ones((20, 20, 3)), Placement(np.array([[1.0, 0, 500], [0, 1.0, 0]]), Size(8, 6)))
    assert nothing.shape == (6, 8, 3)
    assert not nothing.any()


def test_a_strong_reduction_is_averaged_and_not_picked():
    stripes = np.zeros((256, 256, 3), np.float32)
    stripes[:, ::2] = 1
    crop = geometry.extract_crop(
        stripes, Placement(np.array([[1 / 16, 0, 0], [0, 1 / 16, 0]]), Size(16, 16)), "Nearest"
    )
    assert np.abs(crop - 0.5).max() < 0.01


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_whole_numbers_become_shares(dtype):
    top = np.iinfo(dtype).max
    assert geometry.to_float(np.full((1, 1, 3), top, dtype)) == pytest.approx(np.ones((1, 1, 3)))


def test_grey_is_repeated_and_alpha_dropped():
    assert geometry.to_float(np.full((1, 1, 1), 0.25, np.float32)).tolist() == [[[0.25, 0.25, 0.25]]]
    assert geometry.to_float(np.array([[[0.1, 0.2, 0.3, 0.9]]], np.float32)).shape == (1, 1, 3)


def test_unknown_interpolation_names_the_known_ones():
    with pytest.raises(SettingsError, match="Nearest, Bilinear, Bicubic, Lanczos, got 'Best'"):
        geometry.warp(np.ones((4, 4, 3), np.float32), TURN, Size(4, 4), "Best")


def test_regions():
    region = Region(-5, 2, 30, 40)
    assert region.size == Size(35, 38)
    assert region.within(Size(20, 20)) == Region(0, 2, 20, 20)
    assert Region(25, 0, 30, 5).within(Size(20, 20)).empty
    assert geometry.bounds([[0.2, 1.5], [3.1, 4.0]]) == Region(0, 1, 4, 4)
