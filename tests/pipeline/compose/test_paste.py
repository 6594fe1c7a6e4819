from __future__ import annotations

import cv2
import numpy as np
import pytest
import recipe
from hypothesis import given
from hypothesis import strategies as st
from multifaceswap.pipeline.compose.masks import combined, square_mask
from multifaceswap.pipeline.compose.paste import paste
from multifaceswap.pipeline.geometry import extract_crop, inverse, shifted
from multifaceswap.pipeline.types import Placement, Size
from rounding import LEVEL

SHIFT = np.array([[1.0, 0, -5], [0, 1.0, -3]])
"""A crop that lies at (5, 3), unscaled."""
TURNED = np.array([[1.9, -0.6, -20.3], [0.6, 1.9, -31.7]])


def noise(dtype, channels=3, size=(60, 70)):
    random = np.random.RandomState(4)
    if np.dtype(dtype).kind == "u":
        return random.randint(0, np.iinfo(dtype).max + 1, (*size, channels)).astype(dtype)
    return random.rand(*size, channels).astype(dtype)


def disc(side=64):
    """A soft disc within a crop."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return np.clip((side * 0.4 - np.hypot(x, y)) / 6, 0, 1).astype(np.float32)


def test_an_empty_mask_and_a_crop_beyond_the_picture_change_nothing():
    out = noise(np.uint8)
    kept, changed = out.copy(), np.zeros(out.shape[:2], np.float32)
    image = np.ones((64, 64, 3), np.float32)
    paste(out, image, np.zeros((64, 64), np.float32), TURNED, changed=changed)
    paste(out, image, disc(), np.array([[1.0, 0, 500], [0, 1.0, 0]]), changed=changed)
    np.testing.assert_array_equal(out, kept)
    assert not changed.any()


@pytest.mark.parametrize(("dtype", "whole"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1), (np.float64, 1)])
def test_a_shifted_crop_is_blended_exactly(dtype, whole):
    out = noise(dtype)
    wanted = out.astype(np.float64)
    image, mask = noise(np.float32, size=(20, 24)), np.linspace(0, 1, 480, dtype=np.float32).reshape(20, 24)
    area = wanted[3:23, 5:29]
    area += (image * whole - area) * mask[..., None]
    paste(out, image, mask, SHIFT)
    assert out.dtype == dtype
    if whole == 1:
        np.testing.assert_allclose(out, wanted, atol=1e-6)
    else:
        assert np.abs(out - wanted).max() <= 0.51


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("interpolation", ["Nearest", "Bilinear", "Bicubic", "Lanczos"])
def test_every_bit_outside_the_mask_stays(dtype, channels, interpolation):
    out = noise(dtype, channels)
    kept, changed = out.copy(), np.zeros(out.shape[:2], np.float32)
    paste(out, noise(np.float32, size=(64, 64)), disc(), TURNED, interpolation, changed=changed)
    outside = changed == 0
    assert 0.2 < outside.mean() < 0.9
    np.testing.assert_array_equal(out[outside], kept[outside])
    inside = changed == 1
    assert (out[inside][:, : min(channels, 3)] != kept[inside][:, : min(channels, 3)]).mean() > 0.8
    if channels == 4:
        np.testing.assert_array_equal(out[..., 3], kept[..., 3])


def test_odd_floats_outside_the_mask_keep_their_bits():
    out = np.full((30, 30, 3), np.nan, np.float32)
    out[:, 1] = [-np.inf, 7.5, -0.0]
    kept = out.copy()
    mask = np.zeros((8, 8), np.float32)
    mask[2:6, 2:6] = 1
    paste(out, np.full((8, 8, 3), 0.25, np.float32), mask, np.array([[1.0, 0, -10], [0, 1.0, -10]]))
    out[12:16, 12:16] = kept[12:16, 12:16]
    assert out.tobytes() == kept.tobytes()


def test_values_beyond_the_range_are_cut_off_in_whole_numbers():
    out = np.full((20, 20, 3), 100, np.uint8)
    image = np.full((8, 8, 3), 1.7, np.float32)
    image[:, 4:] = -0.4
    paste(out, image, np.ones((8, 8), np.float32), np.array([[1.0, 0, -4], [0, 1.0, -4]]))
    assert (out[4:12, 4:8] == 255).all() and (out[4:12, 8:12] == 0).all()


def test_grey_pictures_get_the_faces_brightness():
    out = np.zeros((20, 20, 1), np.float32)
    image = np.broadcast_to(np.float32([1, 0.5, 0.25]), (8, 8, 3))
    paste(out, image, np.ones((8, 8), np.float32), np.array([[1.0, 0, -4], [0, 1.0, -4]]))
    np.testing.assert_allclose(out[4:12, 4:12, 0], 0.299 + 0.5 * 0.587 + 0.25 * 0.114, atol=1e-6)


def test_a_limit_scales_the_weight_and_what_changed_is_collected():
    out = np.zeros((20, 20, 3), np.float32)
    limit = np.zeros((20, 20), np.float32)
    limit[:, :8] = 0.5
    changed = np.zeros((20, 20), np.float32)
    changed[5, 5], changed[0, 0] = 0.9, 0.3
    matrix = np.array([[1.0, 0, -4], [0, 1.0, -4]])
    paste(out, np.ones((8, 8, 3), np.float32), np.ones((8, 8), np.float32), matrix, changed=changed, limit=limit)
    wanted = np.zeros((20, 20), np.float32)
    wanted[4:12, 4:8] = 0.5
    np.testing.assert_array_equal(out, np.repeat(wanted[..., None], 3, 2))
    wanted[5, 5], wanted[0, 0] = 0.9, 0.3
    np.testing.assert_array_equal(changed, wanted)


@pytest.mark.parametrize("corner", [(-30, -20), (50, -25), (-25, 45), (45, 40)])
def test_faces_that_leave_the_frame_are_pasted_as_far_as_it_goes(corner):
    """As in a larger frame around it, to the bit."""
    margin = 64
    large = noise(np.uint8, size=(60 + 2 * margin, 70 + 2 * margin))
    small = large[margin:-margin, margin:-margin].copy()
    image, mask = noise(np.float32, size=(64, 64)), disc()
    turned = np.array([[1.1, -0.3, 8.0], [0.3, 1.1, -9.0]])
    matrix = np.hstack([turned[:, :2], (turned[:, 2] - turned[:, :2] @ corner)[:, None]])
    inner = np.hstack([matrix[:, :2], (matrix[:, 2] - matrix[:, :2] @ [margin, margin])[:, None]])
    before = small.copy()
    paste(small, image, mask, matrix)
    paste(large, image, mask, inner)
    assert (small != before).any() and (small == before).all(2).mean() > 0.3
    assert np.abs(small.astype(int) - large[margin:-margin, margin:-margin]).max() <= 1


def test_a_smaller_face_is_averaged_and_not_picked():
    out = np.zeros((40, 40, 3), np.float32)
    image = np.zeros((256, 256, 3), np.float32)
    image[:, ::2] = 1
    paste(out, image, np.ones((256, 256), np.float32), np.array([[8.0, 0, -32], [0, 8.0, -32]]))
    assert np.abs(out[6:34, 6:34] - 0.5).max() < 0.1


@pytest.fixture(scope="module")
def facexlib():
    return recipe.vectors("facexlib_paste")


def restored(facexlib, number):
    """What the vectors paste: the negative of the crop, of which every 8th pixel is kept."""
    matrix = facexlib["M"][number]
    crop = cv2.warpAffine(facexlib["image_bgr_u8"], matrix, (512, 512), borderValue=(135, 133, 132))
    off = crop[::8, ::8].astype(int) - facexlib["crop_stride8"][number]
    assert np.abs(off).max() <= LEVEL
    return np.float32(255 - crop) / 255


def parsed():
    """The vectors' classes: an ellipse of skin, its lower end something else."""
    y, x = np.mgrid[:512, :512]
    return ((((y - 270) / 200) ** 2 + ((x - 256) / 150) ** 2 < 1) & (y <= 440)).astype(np.float32)


@pytest.mark.parametrize("parse", [0, 1])
def test_restored_faces_are_pasted_as_facexlib_pastes_them(facexlib, parse):
    """In the picture facexlib erodes and blurs whole-pixel masks; ours are made in the crop: rims differ slightly. It
    softens what was parsed to both sides, we inwards: up to 9 pixels from a rim nothing is compared."""
    out = facexlib["image_bgr_u8"].astype(np.float32) / 255
    changed = np.zeros(out.shape[:2], np.float32)
    mask = combined([square_mask(512)], [parsed()] if parse else [])
    for number in range(2):
        matrix = shifted(facexlib["M"][number], -0.5, 0.5)
        paste(out, restored(facexlib, number), mask, matrix, changed=changed)
    # facexlib cuts fractions off where we would round, and doesn't average before it makes smaller.
    difference = np.abs(out * 255 - facexlib[f"result_parse{parse}"]).max(2)
    inside = cv2.erode((changed > 0.999).astype(np.uint8), np.ones((17, 17), np.uint8)) > 0
    assert inside.sum() > 3000 and difference[inside].max() < 5 and difference[inside].mean() < 1
    outside = cv2.erode((changed == 0).astype(np.uint8), np.ones((17, 17) if parse else (1, 1), np.uint8)) > 0
    assert difference[outside].mean() < (0.2 if parse else 0.1)
    if parse:
        assert difference[outside].max() <= 2 and difference.mean() < 1
    else:
        assert difference.mean() < 0.8 and np.percentile(difference[~inside], 99) < 15


def test_a_crop_put_back_where_it_came_from_is_the_picture():
    y, x = np.mgrid[:120, :160]
    smooth = np.stack([np.sin(x / 9), np.cos(y / 7), np.sin((x + y) / 11)], 2).astype(np.float32) * 0.4 + 0.5
    for matrix in (TURNED, inverse(TURNED) * 3, np.array([[-1.2, 0.1, 160.0], [-0.1, -1.2, 150.0]])):
        out = smooth.copy()
        crop = extract_crop(smooth, Placement(matrix, Size(256, 256)), "Bicubic", (0.5, 0.5, 0.5))
        changed = np.zeros(out.shape[:2], np.float32)
        paste(out, crop, square_mask(256), matrix, "Bicubic", changed=changed)
        assert (changed == 1).sum() > 500
        np.testing.assert_allclose(out, smooth, atol=0.02)


@given(
    st.sampled_from(["Nearest", "Bilinear", "Bicubic", "Lanczos"]),
    st.sampled_from([np.uint8, np.uint16, np.float16, np.float32, np.float64]),
    st.sampled_from([np.float32, np.float64]),
    st.integers(40, 300),
    st.floats(0.3, 12),
    st.floats(0, 360),
    st.floats(0.9, 1.1),
)
def test_no_weight_leaves_its_range(interpolation, dtype, weights, side, scale, degrees, top):
    """Not even where a mask is averaged, is made by a kernel that overshoots, or was above 1 before."""
    mask = cv2.resize(np.full((16, 16), top, weights), (side, side), interpolation=cv2.INTER_LANCZOS4)
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), degrees, scale)
    for limit in (None, np.full((60, 70), top, np.float32)):
        out, changed = noise(dtype), np.zeros((60, 70), np.float32)
        paste(out, np.ones((side, side, 3), np.float32), mask, matrix, interpolation, changed=changed, limit=limit)
        assert changed.min() >= 0 and changed.max() <= 1
        assert out.max() <= (np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1)


def test_a_mask_of_ones_that_is_averaged_weighs_one_and_no_more():
    out, changed = np.zeros((100, 100, 3), np.float32), np.zeros((100, 100), np.float32)
    paste(
        out, np.ones((571, 571, 3), np.float32), np.ones((571, 571), np.float32), np.eye(2, 3) * 5.71, changed=changed
    )
    assert changed.max() == out.max() == 1 and changed.mean() > 0.97
