"""Faces cut out as aligned squares, and their masks."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import cv2
import numpy as np
import pytest
from facemaking import face, faces_of, noise
from multifaceswap.pipeline.compose.face_crops import CropSettings, crop_batch, face_mask, place, require_crops
from multifaceswap.pipeline.errors import MismatchError, SettingsError
from multifaceswap.pipeline.geometry import extract_crop, transform_points
from multifaceswap.pipeline.templates import FFHQ_512, arcface
from multifaceswap.pipeline.types import FaceSet, Size

SIDE = 256


def test_no_pictures_and_no_faces_give_no_crops():
    for pictures in ([], [noise(), noise()]):
        faces = FaceSet(((),) * len(pictures), Size.holding(pictures))
        images, masks, crops, report = crop_batch(pictures, faces, CropSettings(SIDE))
        assert images.shape == (0, SIDE, SIDE, 3) and masks.shape == (0, SIDE, SIDE)
        assert (crops.count, crops.pictures) == (0, len(pictures))
        assert report == tuple(f"frame {number}: no face to crop" for number in range(len(pictures)))


def test_an_upright_crop_of_a_face_as_large_as_it_is_the_picture_itself():
    picture = noise()
    found = replace(face((200, 150), 100), box=(136, 86, 264, 214))
    settings = CropSettings(SIDE, "upright", 0.5)
    images, _, crops, _ = crop_batch([picture], faces_of(picture, [found]), settings)
    np.testing.assert_array_equal(images[0], picture[22:278, 72:328])
    np.testing.assert_allclose(crops.crops[0].matrix, [[1, 0, -72], [0, 1, -22]], atol=1e-9)


@pytest.mark.parametrize(("margin", "shown"), [(0, 128), (0.5, 256), (2, 640)])
@pytest.mark.parametrize("degrees", [0, 40])
def test_the_margin_is_room_on_each_side_of_the_longer_side_and_the_face_stays_as_turned(margin, shown, degrees):
    found = replace(face((200, 150), 100, degrees), box=(150, 86, 250, 214))
    matrix, size = place(found, CropSettings(512, "upright", margin))
    assert size == (512, 512)
    np.testing.assert_allclose(matrix[:, :2], np.eye(2) * 512 / shown, atol=1e-9)
    np.testing.assert_allclose(transform_points(matrix, [[200, 150]]), [[256, 256]], atol=1e-6)


def test_a_mesh_frames_the_upright_crop_where_there_is_one():
    matrix, _ = place(face((200, 150), 100, mesh=True), CropSettings(300, "upright", 0))
    np.testing.assert_allclose(transform_points(matrix, [[170, 120], [230, 180]]), [[0, 0], [300, 300]], atol=1e-2)


@pytest.mark.parametrize("side", [256, 448, 512])
@pytest.mark.parametrize("alignment", ["ffhq", "arcface"])
@pytest.mark.parametrize("degrees", [0, -35, 170])
def test_landmarks_lie_on_the_template_counted_from_pixel_middles(alignment, side, degrees):
    found = face((200, 150), 120, degrees)
    template = FFHQ_512 * side if alignment == "ffhq" else arcface(side).template * side
    if alignment == "arcface":
        found = replace(found, landmarks=arcface(side).template * 90 + 100)
    matrix, _ = place(found, CropSettings(side, alignment))
    np.testing.assert_allclose(transform_points(matrix, found.landmarks + 0.5), template + 0.5, atol=side * 2e-3)


def test_the_side_and_the_order_of_the_crops():
    picture = noise()
    frames = [face((100, 100), 80), face((300, 200), 60, index=1)], [], [face((150, 150), 90)]
    images, masks, crops, report = crop_batch([picture] * 3, faces_of(picture, *frames), CropSettings(320))
    assert images.shape == (3, 320, 320, 3) and masks.shape == (3, 320, 320)
    assert images.dtype == masks.dtype == np.float32
    assert [(crop.frame, crop.face.index) for crop in crops.crops] == [(0, 0), (0, 1), (2, 0)]
    assert report == ("frame 1: no face to crop",)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float64])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_crops_are_rgb_from_0_to_1_whatever_the_picture_is(dtype, channels):
    picture = noise(channels=channels, dtype=dtype)
    found = faces_of(picture, [face((200, 150), 200)])
    images = crop_batch([picture], found, CropSettings(SIDE, interpolation="Lanczos")).images
    assert images.shape == (1, SIDE, SIDE, 3) and 0 <= images.min() < 0.1 and 0.9 < images.max() <= 1


def test_beyond_the_picture_its_edge_goes_on_and_the_mask_is_black():
    picture = np.zeros((100, 100, 3), np.float32)
    picture[:, 0] = 0.25
    picture[:, 1:] = 0.75
    found = replace(face((5, 50), 40), box=(-27, 18, 37, 82))
    images, masks, _, report = crop_batch([picture], faces_of(picture, [found]), CropSettings(SIDE, "upright", 0.5))
    outside = (SIDE // 2) - 5 * 2
    np.testing.assert_array_equal(images[0, :, : outside - 4], np.full((SIDE, outside - 4, 3), 0.25, np.float32))
    assert images[0, :, outside + 8 :].min() == pytest.approx(0.75)
    assert not masks[0, :, : outside - 1].any() and masks[0, SIDE // 2, outside + 2] > 0.9
    # 128 pixels around (5, 50) in 100 × 100: 69 × 100 of them lie inside.
    (line,) = report
    share = int(line.removeprefix("frame 0, face 0: ").split("%")[0]) / 100
    assert line.endswith("of the crop lies beyond the picture, whose edge is continued there")
    assert share == pytest.approx(1 - 69 * 100 / 128**2, abs=0.02)


def test_a_crop_that_lies_beyond_the_picture_as_a_whole_is_black():
    picture = noise()
    images, masks, _, _ = crop_batch([picture], faces_of(picture, [face((5000, 150), 100)]), CropSettings(SIDE))
    assert not images.any() and not masks.any()


def test_coarser_crops_than_their_pictures_are_reported():
    picture = noise(900, 900)
    found = replace(face((450, 450), 300), box=(100, 100, 800, 800))
    settings = CropSettings(SIDE, "upright", 0)
    report = crop_batch([picture], faces_of(picture, [found]), settings).report
    assert report == ("frame 0, face 0: 700 pixels of the picture became 256: a larger crop_size keeps more",)


@pytest.mark.parametrize("margin", [0.25, 0.5, 2])
@pytest.mark.parametrize("mesh", [False, True], ids=["box", "mesh"])
def test_the_mask_is_the_face_with_a_soft_rim_of_its_own_size(margin, mesh):
    """Whatever share of the crop the face is: what is white is the face, and the rim is as wide of it."""
    picture = noise(2000, 2000)
    found = face((1000, 1000), 200, mesh=mesh)
    found = found if mesh else replace(found, box=(940, 940, 1060, 1060))
    settings = CropSettings(512, "upright", margin)
    _, masks, crops, _ = crop_batch([picture], faces_of(picture, [found]), settings)
    radius = 60 * crops.crops[0].matrix[0, 0]
    y, x = np.mgrid[:512, :512] + 0.5 - 256
    away = np.hypot(x, y) / radius
    assert masks[0][away < 0.85].min() > 0.95
    assert masks[0][away > 1.45].max(initial=0) == 0
    assert masks[0][np.abs(away - 1.13) < 0.02].mean() == pytest.approx(0.34, abs=0.02)


@pytest.mark.parametrize("alignment", ["ffhq", "arcface", "upright"])
def test_masks_end_before_the_crops_border(alignment):
    picture = noise()
    large = face((200, 150), 200)
    large = replace(large, box=(0, 0, 400, 300))
    masks = crop_batch([picture], faces_of(picture, [large]), CropSettings(SIDE, alignment, 0)).masks
    assert masks[0].max() == 1 and not masks[0][[0, -1]].any() and not masks[0][:, [0, -1]].any()


def test_a_limit_bounds_the_mask_and_goes_along():
    picture = noise()
    found = replace(face((200, 150), 100), box=(136, 86, 264, 214))
    limit = np.zeros((300, 400), np.float32)
    limit[:, 200:] = 0.5
    settings = CropSettings(SIDE, "upright", 0.5)
    free = crop_batch([picture], faces_of(picture, [found]), settings)
    bound = crop_batch([picture], faces_of(picture, [found]), settings, limits=[limit])
    np.testing.assert_allclose(bound.masks[0], free.masks[0] * limit[22:278, 72:328], atol=1e-6)
    np.testing.assert_array_equal(bound.images, free.images)
    assert bound.crops.limits is not None and bound.crops.limits[0] is limit and free.crops.limits is None


def test_a_face_in_front_or_beside_is_no_part_of_the_mask():
    picture = noise()
    one, other = face((150, 150), 120, mesh=True), face((230, 150), 120, index=1, mesh=True)
    alone = crop_batch([picture], faces_of(picture, [one]), CropSettings(SIDE, "upright", 1)).masks
    both = crop_batch([picture], faces_of(picture, [one, other]), CropSettings(SIDE, "upright", 1))
    left_out = crop_batch(
        [picture], replace(faces_of(picture, [one]), others=((other,),)), CropSettings(SIDE, "upright", 1)
    )
    hull = transform_points(both.crops.crops[0].matrix, other.mesh[:, :2])
    area = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillConvexPoly(area, np.rint(hull - 0.5).astype(np.int32), 1)
    assert alone[0][area > 0].max() > 0.05
    assert not both.masks[0][area > 0].any() and not left_out.masks[0][area > 0].any()
    assert both.masks[0].max() == 1


def test_the_same_mask_is_drawn_at_any_side():
    picture = noise()
    (crop,) = crop_batch([picture], faces_of(picture, [face((200, 150), 120)]), CropSettings(512)).crops.crops
    small = crop._replace(matrix=crop.matrix * 0.5)
    reduced = cv2.resize(face_mask(crop, 512), (256, 256), interpolation=cv2.INTER_AREA)
    np.testing.assert_allclose(reduced, face_mask(small, 256), atol=0.02)


def test_progress_is_told_of_every_face_and_may_stop_the_work():
    picture, told = noise(), []
    faces = faces_of(picture, [face((100, 100), 80), face((300, 200), 60)])
    crop_batch([picture], faces, CropSettings(SIDE), progress=lambda *done: told.append(done))
    assert told == [(1, 2), (2, 2)]


def test_faces_of_other_pictures_and_settings_out_of_range_are_refused():
    picture = noise()
    with pytest.raises(MismatchError, match=r"cropped faces were found in 1 picture\(s\) of 400×300"):
        crop_batch([picture[:50]], faces_of(picture, []), CropSettings())
    with pytest.raises(SettingsError, match="alignment: expected one of ffhq, arcface, upright"):
        CropSettings(alignment="tilted")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="crop_margin: expected 0 to"):
        CropSettings(margin=-0.1)
    with pytest.raises(SettingsError, match="crop_data: expected FaceCrops, as cropping gives them, got list"):
        require_crops([], "crop_data")


def test_a_batch_of_crops_is_made_once():
    picture = noise(600, 800)
    faces = faces_of(picture, *[[face((400, 300), 200)]] * 40)
    crop_batch([picture], faces_of(picture, [face((400, 300), 200)]), CropSettings(SIDE))
    tracemalloc.start()
    images, masks, _, _ = crop_batch([picture] * 40, faces, CropSettings(SIDE))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - images.nbytes - masks.nbytes < 8 * images[0].nbytes


def test_pictures_are_only_read():
    picture = noise()
    picture.flags.writeable = False
    kept = picture.copy()
    images = crop_batch([picture], faces_of(picture, [face((200, 150), 120)]), CropSettings(SIDE)).images
    images += 1
    np.testing.assert_array_equal(picture, kept)


@pytest.mark.parametrize("interpolation", ["Nearest", "Bilinear", "Bicubic", "Lanczos"])
@pytest.mark.parametrize("scale", [0.2, 1, 3])
def test_what_lies_beyond_a_picture_is_the_nearest_edge(interpolation, scale):
    picture = np.full((120, 120, 3), 0.5, np.float32)
    found = replace(face((0, 0), 40), box=(-20, -20, 20, 20))
    placement = place(found, CropSettings(round(160 * scale), "upright", 1.5))
    crop = extract_crop(picture, placement, interpolation, continued=True)
    np.testing.assert_allclose(crop, 0.5, atol=1e-6)
    assert extract_crop(picture, placement, interpolation).min() <= 1e-6
