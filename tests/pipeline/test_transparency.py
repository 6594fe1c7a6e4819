from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.pipeline.transparency import extended, greyed, seen_part
from multifaceswap.pipeline.types import Crop, Face

FACE = Face(np.array([0, 0, 8, 8]), np.zeros((5, 2)), 1.0)
SHIFT = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


def _picture(dtype: type, whole: float) -> np.ndarray:
    picture = np.zeros((4, 6, 4), dtype)
    picture[..., :3] = np.linspace(0.1, 0.9, 6)[None, :, None] * whole
    picture[:, 1:4, 3] = whole
    return picture


@pytest.mark.parametrize(("dtype", "whole"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1)])
def test_hidden_pixels_become_grey_or_the_nearest_that_is_seen(dtype, whole):
    picture = _picture(dtype, whole)
    picture.flags.writeable = False
    (grey,), (near,) = greyed([picture]), extended([picture])
    assert grey.dtype == near.dtype == dtype
    assert (grey[:, 1:4] == picture[:, 1:4]).all() and (near[:, 1:4] == picture[:, 1:4]).all()
    assert (grey[..., 3] == picture[..., 3]).all() and (near[..., 3] == picture[..., 3]).all()
    assert np.abs(grey[:, [0, 4, 5], :3] / whole - 0.5).max() <= 0.5 / 127
    assert (near[:, 0, :3] == picture[:, 1, :3]).all() and (near[:, 4:, :3] == picture[:, [3], :3]).all()


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_what_hides_nothing_is_the_very_same(channels):
    picture = np.full((4, 6, channels), 1, np.uint8)  # alpha of 1 in 255 is seen
    assert greyed([picture])[0] is picture and extended([picture])[0] is picture
    crop = Crop(np.zeros((4, 6, 3), np.float32), SHIFT, FACE)
    assert seen_part(crop, picture) is crop


def test_a_picture_that_hides_all_is_grey():
    assert (extended([np.zeros((4, 4, 4), np.uint8)])[0][..., :3] == 127).all()


def test_a_grey_picture_of_nothing_takes_no_memory():
    nothing = np.zeros((50, 40, 4), np.uint16)
    grey = greyed([nothing])[0]
    assert grey.shape == nothing.shape and grey.strides[:2] == (0, 0)
    assert grey[7, 9].tolist() == [32_767] * 3 + [0]


def test_a_crop_knows_what_is_hidden_and_what_lies_outside():
    picture = np.full((8, 8, 4), 255, np.uint8)
    picture[:, :4, 3] = 0
    valid = seen_part(Crop(np.zeros((8, 8, 3), np.float32), SHIFT, FACE), picture).valid
    assert valid is not None and (valid[:, :32] == 0).all() and (valid[:, 32:] == 1).all()
    outside = np.ones((8, 8), np.float32)
    outside[:2] = 0
    valid = seen_part(Crop(np.zeros((8, 8, 3), np.float32), SHIFT, FACE, outside), picture).valid
    assert valid is not None and valid.sum() == 6 * 4 and (valid[2:, 4:] == 1).all()
