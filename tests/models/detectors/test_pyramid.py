"""Crops from a picture's halves show what the whole picture's do, at a fraction of the pixels read."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from multifaceswap.models.detectors import pyramid
from multifaceswap.models.detectors.pyramid import Pyramid
from multifaceswap.pipeline.bands import to_float
from multifaceswap.pipeline.geometry import Region, extract_crop
from multifaceswap.pipeline.types import Placement, Size


def waves(size, dtype=np.uint8, channels=3):
    y, x = np.mgrid[: size.height, : size.width]
    values = 0.5 + 0.4 * np.sin(x / 60)[..., None] * np.cos(y / 50)[..., None] * np.array([1, 0.6, 0.3, 1])
    values = values[..., :channels]
    return values.astype(dtype) if np.dtype(dtype).kind == "f" else (values * np.iinfo(dtype).max).astype(dtype)


def view(region, side=192):
    scale = side / max(region.size)
    return Placement(np.array([[scale, 0, -region.left * scale], [0, scale, -region.top * scale]]), Size(side, side))


@pytest.mark.parametrize("size", [Size(1600, 1200), Size(1601, 1203)])
@pytest.mark.parametrize(("dtype", "channels"), [(np.uint8, 3), (np.uint8, 1), (np.uint16, 4), (np.float32, 3)])
@pytest.mark.parametrize("region", [Region(0, 0, 1600, 1200), Region(301, 107, 901, 707), Region(5, 9, 205, 209)])
def test_crops_are_those_of_the_whole_picture(size, dtype, channels, region):
    picture = waves(size, dtype, channels)
    placement = view(region)
    crop = Pyramid(picture, 192).crop(placement, max(region.size) / 192)
    expected = extract_crop(picture, placement)
    inside = np.s_[: round(192 * region.size.height / max(region.size)) - 2]
    assert np.abs(crop[inside] - expected[inside]).max() < 0.03


def test_crops_at_scale_are_the_picture_itself():
    picture = waves(Size(800, 600), np.uint16, 3)
    crop = Pyramid(picture, 192).crop(view(Region(7, 11, 199, 203)), 1.0)
    np.testing.assert_array_equal(crop, to_float(picture)[11:203, 7:199])


def test_far_smaller_crops_read_far_fewer_pixels(monkeypatch):
    read = []

    def counted(picture, placement):
        read.append(picture.shape[0] * picture.shape[1])
        return extract_crop(picture, placement)

    monkeypatch.setattr(pyramid, "extract_crop", counted)
    halves = Pyramid(np.zeros((1600, 3200, 3), np.uint8), 192)
    for side in (3200, 1700, 800, 400, 200):
        halves.crop(view(Region(0, 0, side, side)), side / 192)
    assert read == [3200 * 1600 // 4**level for level in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize("shape", [(1, 4000, 3), (4000, 1, 3), (1, 1, 3), (2, 3000, 1)])
def test_slivers_have_crops_too(shape):
    crop = Pyramid(np.full(shape, 200, np.uint8), 192).crop(view(Region(0, 0, *shape[1::-1])), max(shape) / 192)
    assert crop.shape == (192, 192, 3)
    assert np.isfinite(crop).all()
    assert crop.max() <= 200 / 255 + 0.01


def test_halves_average_all_pixels():
    picture = np.random.default_rng(3).integers(0, 255, (640, 960, 3), np.uint8)
    crop = Pyramid(picture, 192).crop(view(Region(0, 0, 960, 640), 240), 4)
    expected = cv2.resize(picture, (240, 160), interpolation=cv2.INTER_AREA) / 255
    assert np.abs(crop[:160] - expected).max() < 2.5 / 255


@pytest.mark.parametrize("dtype", [">f4", ">f8", np.float16, np.float64, np.longdouble])
def test_floats_of_all_kinds_have_the_same_halves(dtype):
    picture = waves(Size(800, 600), np.float32).round(2)
    placement = view(Region(0, 0, 800, 600))
    expected = Pyramid(picture, 192).crop(placement, 800 / 192)
    np.testing.assert_allclose(Pyramid(picture.astype(dtype), 192).crop(placement, 800 / 192), expected, atol=1.5 / 255)
