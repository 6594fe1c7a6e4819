"""Edited crops back into their pictures."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from facemaking import face, faces_of, noise
from multifaceswap.pipeline.bands import full_scale
from multifaceswap.pipeline.compose.crops import SwapSettings
from multifaceswap.pipeline.compose.face_crops import CropSettings, crop_batch
from multifaceswap.pipeline.compose.face_paste import paste_batch
from multifaceswap.pipeline.errors import MismatchError

SIDE = 256
PLAIN = SwapSettings(colour_match="none")
UNSCALED = CropSettings(SIDE, "upright", 0.5)
DTYPES = [np.uint8, np.uint16, np.float16, np.float32, np.float64]


def unscaled(middle=(200, 150), index=0):
    """A face whose upright crop is 256 pixels of the picture, not resampled."""
    box = np.concatenate([np.array(middle) - 64, np.array(middle) + 64])
    return replace(face(middle, 100, index=index), box=box)


def smooth(height=300, width=400):
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.stack([np.sin(x / 29), np.cos(y / 27), np.sin((x + y) / 33)], 2) * 0.35 + 0.5


def cut(picture, *faces, settings=UNSCALED, **more):
    return crop_batch([picture], faces_of(picture, faces), settings, **more)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("settings", [CropSettings(SIDE), CropSettings(320, "arcface", interpolation="Lanczos")])
def test_unedited_crops_change_no_bit(dtype, channels, settings):
    picture = noise(channels=channels, dtype=dtype)
    made = cut(picture, face((120, 150), 90, 20), face((300, 100), 150, -10, index=1), settings=settings)
    result = paste_batch([picture], made.images, made.crops, PLAIN)
    np.testing.assert_array_equal(result.images[0], picture)
    assert result.images[0].dtype == dtype and not result.masks[0].any() and result.faces.count == 0
    assert result.report == tuple(f"frame 0, face {n}: its crop is as it was: nothing was pasted" for n in (0, 1))


@pytest.mark.parametrize("stored", ["truncated", "rounded", "half"])
def test_crops_that_went_through_8_bits_or_half_precision_change_no_bit(stored):
    picture = noise()
    made = cut(picture, face((200, 150), 120, 15), settings=CropSettings(SIDE))
    crop = made.images[0]
    kept = {"truncated": (crop * 255).astype(np.uint8), "rounded": np.rint(crop * 255).astype(np.uint8)}
    result = paste_batch([picture], [kept.get(stored, crop.astype(np.float16))], made.crops, PLAIN)
    np.testing.assert_array_equal(result.images[0], picture)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_edited_crops_change_what_lies_in_the_mask_and_no_bit_beside_it(dtype, channels):
    picture = noise(channels=channels, dtype=dtype)
    made = cut(picture, unscaled())
    edited = 1 - made.images[0]
    result = paste_batch([picture], [edited], made.crops, PLAIN)
    image, mask = result.images[0], result.masks[0]
    assert image.shape == picture.shape and image.dtype == dtype
    np.testing.assert_array_equal(image[mask == 0], picture[mask == 0])
    np.testing.assert_allclose(mask[22:278, 72:328], made.masks[0], atol=1e-6)
    if channels == 4:
        np.testing.assert_array_equal(image[..., 3], picture[..., 3])
    whole = full_scale(picture)
    inside = mask == 1
    assert inside.sum() > 8000
    wanted = whole - picture[inside][:, : min(channels, 3)].astype(np.float64)
    rounding = 1.01 if whole > 1 else 2e-3 * (dtype == np.float16) + 1e-6
    np.testing.assert_allclose(image[inside][:, : min(channels, 3)], wanted, atol=rounding)
    assert result.report == () and [f.index for f in result.faces.flat()] == [0]


@pytest.mark.parametrize("size", [(512, 512), (128, 128), (257, 255), (512, 256), (2048, 2048)])
def test_crops_of_any_size_come_back_to_their_place(size):
    picture = smooth()
    made = cut(picture, unscaled())
    scaled = cv2.resize(made.images[0], size, interpolation=cv2.INTER_LINEAR)
    result = paste_batch([picture], [scaled], made.crops, PLAIN)
    assert (result.masks[0] == 1).sum() > 8000
    assert np.abs(result.images[0] - picture).max() < 0.01
    edited = paste_batch([picture], [1 - scaled], made.crops, PLAIN).images[0]
    inside = result.masks[0] == 1
    assert np.abs(edited[inside] - (1 - picture[inside])).max() < 0.01


@pytest.mark.parametrize("degrees", [0, 25, 180])
@pytest.mark.parametrize("side", [256, 512])
def test_turned_crops_come_back_within_resampling(degrees, side):
    picture = smooth()
    made = cut(picture, face((200, 150), 150, degrees), settings=CropSettings(side))
    result = paste_batch([picture], [1 - made.images[0]], made.crops, PLAIN)
    inside = result.masks[0] == 1
    assert inside.sum() > 4000
    assert np.abs(result.images[0][inside] - (1 - picture[inside])).max() < 0.004


def test_only_the_part_that_was_edited_is_pasted():
    picture = noise()
    made = cut(picture, unscaled())
    edited = made.images[0].copy()
    edited[120:130, 100:110] = 1 - edited[120:130, 100:110]
    result = paste_batch([picture], [edited], made.crops, PLAIN)
    image, mask = result.images[0], result.masks[0]
    np.testing.assert_allclose(image[142:152, 172:182], 1 - picture[142:152, 172:182], atol=1e-6)
    reach = 6
    assert mask[142:152, 172:182].min() == 1
    mask[142 - reach : 152 + reach, 172 - reach : 182 + reach] = 0
    assert not mask.any()
    assert np.abs(image - picture)[:142].max() < 1e-6  # around it the crop is the picture's own, where it isn't scaled


def test_edits_outside_the_mask_are_no_edits():
    picture = noise()
    made = cut(picture, unscaled())
    edited = made.images[0].copy()
    edited[:8] = 1 - edited[:8]
    result = paste_batch([picture], [edited], made.crops, PLAIN)
    np.testing.assert_array_equal(result.images[0], picture)
    assert result.report == ("frame 0, face 0: nothing was edited within its mask: nothing was pasted",)


def test_a_mask_of_ones_own_says_what_is_pasted_and_an_empty_one_pastes_nothing():
    picture = noise()
    made = cut(picture, unscaled())
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[:, :100] = 1
    result = paste_batch([picture], [1 - made.images[0]], made.crops, PLAIN, masks=[mask])
    np.testing.assert_allclose(result.images[0][22:278, 72:172], 1 - picture[22:278, 72:172], atol=1e-6)
    assert result.masks[0].sum() == SIDE * 100
    empty = paste_batch([picture], [1 - made.images[0]], made.crops, PLAIN, masks=[np.zeros_like(mask)])
    np.testing.assert_array_equal(empty.images[0], picture)
    assert empty.report == ("frame 0, face 0: its mask is empty: nothing was pasted",)


def test_strength_is_the_share_of_the_edited_crop():
    picture = noise()
    made = cut(picture, unscaled())
    edited = 1 - made.images[0]
    whole, half, none = (
        paste_batch([picture], [edited], made.crops, replace(PLAIN, strength=share)).images[0] for share in (1, 0.5, 0)
    )
    np.testing.assert_allclose(half, (whole + picture) / 2, atol=1e-6)
    np.testing.assert_array_equal(none, picture)


def test_feather_softens_the_mask_inwards():
    picture = noise()
    made = cut(picture, unscaled())
    plain, soft = (
        paste_batch([picture], [1 - made.images[0]], made.crops, replace(PLAIN, mask_feather=share)).masks[0]
        for share in (0, 0.4)
    )
    assert (soft <= plain).all() and soft.sum() < 0.7 * plain.sum() and soft.max() == pytest.approx(1)


def test_colours_that_drifted_are_taken_back_where_that_is_asked_for():
    picture = smooth()
    made = cut(picture, unscaled())
    drifted = np.clip(made.images[0] * 0.8 + 0.08, 0, 1)
    auto, plain, matched = (
        paste_batch([picture], [drifted], made.crops, SwapSettings(colour_match=way))
        for way in ("auto", "none", "mean")
    )
    np.testing.assert_array_equal(auto.images[0], plain.images[0])
    inside = plain.masks[0] == 1
    off, left = (np.abs(result.images[0] - picture)[inside].mean() for result in (plain, matched))
    assert off > 0.04 and left < 0.01


def test_a_crop_beyond_the_picture_is_pasted_as_far_as_that_goes():
    picture = noise(200, 200)
    for middle in ((0, 0), (200, 100), (100, 210), (-30, -30)):
        made = cut(picture, unscaled(middle))
        white = np.ones((SIDE, SIDE), np.float32)
        result = paste_batch([picture], [1 - made.images[0]], made.crops, PLAIN, masks=[white])
        assert result.images[0].shape == picture.shape
        touched = result.masks[0] > 0
        assert touched.any()
        np.testing.assert_array_equal(result.images[0][~touched], picture[~touched])
        np.testing.assert_allclose(result.images[0][touched], 1 - picture[touched], atol=1e-5)


def test_a_limit_holds_whatever_mask_comes_with_the_crops():
    picture = noise()
    limit = np.zeros((300, 400), np.float32)
    limit[:, 200:] = 1
    made = cut(picture, unscaled(), limits=[limit])
    white = np.ones((SIDE, SIDE), np.float32)
    result = paste_batch([picture], [1 - made.images[0]], made.crops, PLAIN, masks=[white])
    np.testing.assert_array_equal(result.images[0][:, :200], picture[:, :200])
    np.testing.assert_allclose(result.images[0][22:278, 200:328], 1 - picture[22:278, 200:328], atol=1e-6)


def test_each_crop_goes_into_its_own_picture():
    pictures = [noise(), noise()[::-1].copy(), noise()[:, ::-1].copy()]
    faces = faces_of(pictures[0], [unscaled(), unscaled((90, 150), 1)], [], [unscaled()])
    made = crop_batch(pictures, faces, UNSCALED)
    edited = [made.images[0], made.images[1], 1 - made.images[2]]
    result = paste_batch(pictures, edited, made.crops, PLAIN)
    for number in (0, 1):
        np.testing.assert_array_equal(result.images[number], pictures[number])
    assert [len(faces) for faces in result.faces] == [0, 0, 1]
    assert (result.masks[2] == 1).sum() > 8000


@pytest.mark.parametrize("first", [0, 1])
def test_where_faces_overlap_the_one_in_front_is_pasted_last_and_stays_whole(first):
    """Whoever is numbered first: the larger one is in front, as nothing else tells."""
    picture = noise()
    front, behind = face((200, 150), 160, mesh=True), face((255, 150), 110, mesh=True)
    pair = [replace(one, index=n) for n, one in enumerate((front, behind) if first == 0 else (behind, front))]
    made = cut(picture, *pair, settings=CropSettings(SIDE, "upright", 0.5))
    ahead = [bool(crop.in_front) for crop in made.crops.crops].index(False)
    colours = [np.zeros_like(made.images[0]), np.zeros_like(made.images[0])]
    colours[ahead][..., 0], colours[1 - ahead][..., 1] = 1, 1
    white = [np.ones((SIDE, SIDE), np.float32)] * 2
    image = paste_batch([picture], colours, made.crops, PLAIN, masks=white).images[0]
    hull = np.zeros(picture.shape[:2], np.uint8)
    mesh = pair[ahead].mesh[:, :2]
    middle = mesh.mean(0)
    cv2.fillConvexPoly(hull, np.rint(middle + (mesh - middle) * 0.9).astype(np.int32), 1)
    np.testing.assert_allclose(image[hull > 0], np.tile([1, 0, 0], (int(hull.sum()), 1)), atol=1e-3)


def test_a_neighbour_that_is_not_cropped_stays_bit_for_bit():
    picture = noise()
    one, other = face((150, 150), 120, mesh=True), face((230, 150), 120, index=1, mesh=True)
    faces = replace(faces_of(picture, [one]), others=((other,),))
    made = crop_batch([picture], faces, CropSettings(SIDE, "upright", 1))
    white = np.ones((SIDE, SIDE), np.float32)
    result = paste_batch([picture], [1 - made.images[0]], made.crops, PLAIN, masks=[white])
    hull = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillConvexPoly(hull, np.rint(other.mesh[:, :2] - 0.5).astype(np.int32), 1)
    np.testing.assert_array_equal(result.images[0][hull > 0], picture[hull > 0])


def test_other_pictures_and_another_number_of_crops_are_refused():
    picture = noise()
    made = cut(picture, unscaled(), unscaled((100, 100), 1))
    for edited in ([], made.images[:1], [*made.images, made.images[0]]):
        with pytest.raises(
            MismatchError, match=rf"^crops: expected 2 picture\(s\), one for each crop, got {len(edited)}$"
        ):
            paste_batch([picture], edited, made.crops, PLAIN)
    for pictures in ([picture[:200]], [picture, picture], []):
        with pytest.raises(MismatchError, match=r"the crops are of 1 picture\(s\) of 400×300, but"):
            paste_batch(pictures, made.images, made.crops, PLAIN)


def test_progress_is_told_of_every_face():
    picture, told = noise(), []
    made = cut(picture, unscaled(), unscaled((100, 100), 1))
    paste_batch([picture], made.images, made.crops, PLAIN, progress=lambda *done: told.append(done))
    assert told == [(1, 2), (2, 2)]


def test_inputs_are_only_read():
    picture = noise()
    made = cut(picture, unscaled())
    edited, mask = 1 - made.images[0], np.ones((SIDE, SIDE), np.float32)
    for array in (picture, edited, mask):
        array.flags.writeable = False
    result = paste_batch([picture], [edited], made.crops, PLAIN, masks=[mask])
    assert (result.images[0] != picture).any()
