"""Bands give what OpenCV gives for the whole picture, in a fraction of its memory."""

from __future__ import annotations

import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multifaceswap.pipeline import bands, geometry
from multifaceswap.pipeline.bands import resized_bilinear, resized_by_area, to_float
from multifaceswap.pipeline.types import Placement, Size

BY_FLAG = {cv2.INTER_AREA: resized_by_area, cv2.INTER_LINEAR: resized_bilinear}
KINDS = [(dtype, channels) for dtype in ("uint8", "uint16", "float16", "float32", "float64") for channels in (1, 3, 4)]


def noise(height, width, dtype="uint8", channels=3):
    values = np.random.default_rng(5).random((height, width, channels))
    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    return (values * top).astype(dtype)


def beyond_result(make, *args):
    """What `make(*args)` gives, and the most bytes that were held beside it."""
    tracemalloc.start()
    result = make(*args)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return result, peak - result.nbytes


@pytest.fixture
def small_bands(monkeypatch):
    """Bands of a few rows for pictures of every size."""
    monkeypatch.setattr(bands, "_AT_ONCE", 0)
    monkeypatch.setattr(bands, "_BAND_PIXELS", 500)


@pytest.mark.parametrize("flag", BY_FLAG)
@pytest.mark.parametrize(("dtype", "channels"), KINDS)
def test_every_kind_of_picture_is_resized_as_opencv_resizes_its_float_copy(small_bands, flag, dtype, channels):
    picture = noise(101, 67, dtype, channels)
    found = BY_FLAG[flag](picture, Size(23, 31))
    assert (found.dtype, found.shape) == (np.float32, (31, 23, 3))
    np.testing.assert_allclose(found, cv2.resize(to_float(picture), (23, 31), interpolation=flag), atol=5e-6)


@pytest.mark.parametrize("flag", BY_FLAG)
@pytest.mark.parametrize("seen", [lambda p: np.rot90(p), lambda p: p[::-1, :, ::-1], lambda p: p[5:70, 3:60]])
def test_views_of_other_pictures_are_read_as_they_are_seen(small_bands, flag, seen):
    for picture in (noise(90, 70), noise(90, 70, "float32")):
        wanted = cv2.resize(to_float(np.ascontiguousarray(seen(picture))), (20, 24), interpolation=flag)
        np.testing.assert_allclose(BY_FLAG[flag](seen(picture), Size(20, 24)), wanted, atol=1e-6)


sides = st.integers(1, 60)


@given(sides, sides, st.floats(0.01, 1), st.floats(0.01, 1), st.integers(1, 900), st.sampled_from(sorted(BY_FLAG)))
def test_any_size_and_height_of_bands_gives_the_same(height, width, tall, wide, pixels, flag):
    picture, size = noise(height, width), Size(max(int(width * wide), 1), max(int(height * tall), 1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bands, "_AT_ONCE", 0)
        patch.setattr(bands, "_BAND_PIXELS", pixels)
        found = BY_FLAG[flag](picture, size)
    np.testing.assert_allclose(found, cv2.resize(to_float(picture), size, interpolation=flag), atol=5e-6)


def test_bilinear_grows_as_opencv_does(small_bands):
    picture = noise(37, 41)
    wanted = cv2.resize(to_float(picture), (90, 83), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(resized_bilinear(picture, Size(90, 83)), wanted, atol=1e-6)


@pytest.mark.parametrize("flag", BY_FLAG)
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", "float64"])
@pytest.mark.parametrize("channels", [3, 4])
def test_a_large_picture_is_never_held_as_float_as_a_whole(flag, dtype, channels):
    picture = np.zeros((1600, 2000, channels), dtype)
    _, beyond = beyond_result(BY_FLAG[flag], picture, Size(1000, 800))
    assert beyond < 4_000_000  # as float32 it is 38 MB


def test_whole_numbers_become_floats_in_one_step():
    picture = noise(500, 400)
    kept = picture.copy()
    values, beyond = beyond_result(to_float, picture)
    assert beyond < values.nbytes / 50
    np.testing.assert_allclose(values, kept / 255, atol=1e-7)
    np.testing.assert_array_equal(picture, kept)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("outside", [None, (0.2, 0.4, 0.6)])
def test_a_crop_of_a_whole_large_picture_takes_little_and_is_that_of_its_float_copy(dtype, outside):
    picture = noise(1600, 2000, dtype)
    inside = Placement(np.array([[0.08, 0.01, 0.5], [-0.01, 0.08, 22.25]]), Size(170, 160))
    crop, beyond = beyond_result(geometry.extract_crop, picture, inside, "Bilinear", outside)
    # With a colour around it the picture is made wider first, in its own dtype.
    assert beyond < 4_000_000 + (0 if outside is None else 1.2 * picture.nbytes)
    wanted = geometry.extract_crop(to_float(picture), inside, "Bilinear", outside)
    np.testing.assert_allclose(crop, wanted, atol=2e-6)
    assert wanted.std() > 0.01
