"""Faces of real pictures cut out, edited, and put back through the Python API."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from multifaceswap import crop_faces, paste_faces
from multifaceswap.pipeline.errors import MismatchError, SettingsError
from multifaceswap.pipeline.types import FaceSet, Size
from overlaps import Scene, overlap, well_inside

SCENES = [Scene("astronaut", 0.8, 180, 0.8, mirrored=True), Scene("hopper", 1.0, 0, 0.65, mirrored=True)]


@pytest.fixture(scope="module")
def faces(session, group):
    return session.order(session.detect([group]), detection_face_order="left-right")


def negatives(crops):
    return [1 - crop for crop in crops]


@pytest.mark.parametrize("alignment", ["ffhq", "arcface", "upright"])
def test_four_people_there_and_back(session, group, faces, alignment):
    made = crop_faces([group], faces, 256, alignment, session=session)
    assert made.images.shape == (4, 256, 256, 3)
    assert made.report[0] == "4 crops of 256×256 from 1 picture"
    same = paste_faces([group], made.images, made.crops, session=session)
    np.testing.assert_array_equal(same.images[0], group)
    assert same.report[0] == "0 of 4 crops pasted" and len(same.report) == 5
    other = paste_faces([group], negatives(made.images), made.crops, session=session)
    mask = other.masks[0]
    np.testing.assert_array_equal(other.images[0][mask == 0], group[mask == 0])
    assert other.report == ("4 of 4 crops pasted",) and other.faces.count == 4
    for face in faces.flat():
        column, row = face.landmarks.mean(0).astype(int)
        assert mask[row, column] == 1
        assert np.abs(other.images[0][row, column].astype(int) + group[row, column] - 255).max() < 25


@pytest.mark.parametrize("alignment", ["ffhq", "arcface"])
def test_eyes_and_mouths_lie_alike_in_all_aligned_crops(session, group, faces, alignment):
    """Four faces of several sizes, one tilted by 20 degrees: found again in their crops, in the same places."""
    crops = session.crop([group], faces, alignment=alignment).images
    found = session.detect(crops)
    assert [len(frame) for frame in found] == [1, 1, 1, 1]
    landmarks = np.stack([face.landmarks for face in found.flat()])
    assert np.abs(landmarks[:, :2] - landmarks[:, :2].mean(0)).max() < 16
    tilts = landmarks[:, 1, 1] - landmarks[:, 0, 1]
    assert np.abs(tilts).max() < 12


@pytest.mark.parametrize("scale", [2, 0.5])
def test_upscaled_and_reduced_crops_come_back_in_place(session, group, faces, scale):
    made = session.crop([group], faces)
    flag = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    scaled = [cv2.resize(crop, None, fx=scale, fy=scale, interpolation=flag) for crop in made.images]
    result = session.paste([group], scaled, made.crops)
    off = np.abs(result.images[0].astype(int) - group)
    mask = result.masks[0]
    assert off[mask == 0].max() == 0 and off[mask > 0].mean() < (1.6 if scale > 1 else 3)


@pytest.mark.parametrize("match", ["mean", "lighting"])
def test_the_targets_colours_come_back_where_they_are_matched(session, group, faces, match):
    made = session.crop([group], faces)
    tinted = [np.clip(crop * [1.3, 1, 0.7] + 0.05, 0, 1) for crop in made.images]
    plain, matched = (session.paste([group], tinted, made.crops, colour_match=way) for way in ("none", match))
    inside = plain.masks[0] > 0.99
    off, left = (np.abs(one.images[0].astype(int) - group)[inside].mean() for one in (plain, matched))
    assert off > 18 and left < off / 3


def test_the_faces_of_a_swap_go_on_to_be_edited(session, group, faces):
    index_map = session.map(faces, faces, "0,1", "1,0")
    swapped = session.swap([group], [group], index_map)
    made = session.crop(swapped.images, swapped.faces, crop_size=256)
    assert [crop.face.index for crop in made.crops.crops] == [0, 1]
    result = session.paste(swapped.images, negatives(made.images), made.crops)
    changed = (result.images[0] != swapped.images[0]).any(2)
    assert changed[:, :1100].any() and not changed[:, 1100:].any()
    assert not changed[result.masks[0] == 0].any()


def test_boxes_of_another_detector_give_crops(session, group, faces):
    boxes = [[face.box + np.array([-9, -9, 9, 9]) for face in faces.flat()[2:]]]
    made = session.crop([group], session.locate([group], boxes), crop_size=256)
    wanted = session.crop([group], replace(faces, frames=(faces.frames[0][2:],)), crop_size=256)
    assert made.crops.count == 2
    for crop, other in zip(made.crops.crops, wanted.crops.crops, strict=True):
        # In pixels of the picture: how far apart the crops' corners lie.
        apart = np.linalg.norm(crop.face.landmarks - other.face.landmarks, axis=1).max()
        assert apart < 0.03 * (other.face.box[2] - other.face.box[0])


def test_faces_without_a_mesh_get_one_for_their_mask(session, group, faces):
    bare = replace(faces, frames=(tuple(replace(face, mesh=None) for face in faces.frames[0]),))
    for mask, wanted in zip(session.crop([group], bare).masks, session.crop([group], faces).masks, strict=True):
        assert np.minimum(mask, wanted).sum() / np.maximum(mask, wanted).sum() > 0.93


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize("edited", ["behind", "both"])
@pytest.mark.parametrize("whole", [False, True], ids=["faces", "whole crops"])
def test_a_face_in_front_keeps_its_own_pixels(session, pool, astronaut, hopper, scene, edited, whole):
    made = overlap({"astronaut": astronaut, "hopper": hopper}, scene, pool.detector("builtin"))
    picture, front = made.picture, well_inside(made.front, made.picture, 0.8)
    crops = session.crop([picture], made.faces, alignment="upright", crop_margin=1.0)
    mask = [np.ones((512, 512), np.float32)] * 2 if whole else None
    red, green = (np.zeros_like(crops.images[0]) for _ in range(2))
    red[..., 0] = green[..., 1] = 1
    given = [red, crops.images[1] if edited == "behind" else green]
    image = session.paste([picture], given, crops.crops, mask=mask).images[0]
    if edited == "behind":
        np.testing.assert_array_equal(image[front], picture[front])
    else:
        assert np.abs(image[front].astype(int) - [0, 255, 0]).max() <= 1
    behind = well_inside(made.behind, picture, 0.8) & ~well_inside(made.front, picture, 1.4)
    assert behind.sum() > 100
    # Whoever is in front goes over the other one, as far as the mask of their crop reaches.
    wanted = [0, 255, 0] if whole and edited == "both" else [255, 0, 0]
    assert np.abs(image[behind].astype(int) - wanted).mean() < 3


def test_no_faces_give_no_crops_and_the_pictures_come_back(session, group):
    nobody = FaceSet(((),), Size.of(group))
    made = crop_faces([group], nobody, session=session)
    assert made.images.shape == (0, 512, 512, 3)
    assert made.report == ("0 crops of 512×512 from 1 picture", "frame 0: no face to crop")
    result = paste_faces([group], made.images, made.crops, session=session)
    np.testing.assert_array_equal(result.images[0], group)
    assert result.report == ("no face was cropped: the pictures are as they came in",)


def test_what_a_picture_hides_continues_what_is_seen(session, group, faces):
    """Transparent beside a face: the crop shows none of the colours there, and unedited it changes nothing."""
    hidden = np.concatenate([group, np.full((*group.shape[:2], 1), 255, np.uint8)], 2)
    hidden[:, :150] = (0, 255, 0, 0)
    one = replace(faces, frames=(faces.frames[0][:1],))
    made = session.crop([hidden], one, alignment="upright")
    assert not ((made.images[0, ..., 1] > 0.95) & (made.images[0, ..., 0] < 0.05)).any()
    result = session.paste([hidden], made.images, made.crops)
    np.testing.assert_array_equal(result.images[0], hidden)
    other = session.paste([hidden], negatives(made.images), made.crops)
    np.testing.assert_array_equal(other.images[0][..., 3], hidden[..., 3])


def test_masks_of_the_crops_proportions_are_scaled_and_others_refused(session, group, faces):
    made = session.crop([group], faces, crop_size=256)
    edited, white = negatives(made.images), np.ones((64, 64), np.float32)
    result = session.paste([group], edited, made.crops, mask=[white] * 4)
    assert result.masks[0].mean() > session.paste([group], edited, made.crops).masks[0].mean()
    with pytest.raises(MismatchError, match=r"^mask: expected 4 mask\(s\), one for each crop, got 3$"):
        session.paste([group], edited, made.crops, mask=[white] * 3)
    with pytest.raises(MismatchError, match="mask: expected the target's size 256×256 or its proportions, got 64×32"):
        session.paste([group], edited, made.crops, mask=[white[:32]] * 4)
    with pytest.raises(SettingsError, match="mask, mask 0: expected float in"):
        session.paste([group], edited, made.crops, mask=[white * 255] * 4)


def test_a_limit_holds_from_the_crop_to_the_picture(session, group, faces):
    limit = np.zeros(group.shape[:2], np.float32)
    limit[:, 300:] = 1
    made = session.crop([group], faces, crop_size=256, mask=[limit])
    result = session.paste([group], negatives(made.images), made.crops)
    np.testing.assert_array_equal(result.images[0][:, :300], group[:, :300])
    assert (result.masks[0][:, 300:440] > 0.9).any()


def test_settings_and_inputs_that_cannot_be_are_refused(session, group, faces):
    made = session.crop([group], faces, crop_size=256)
    with pytest.raises(SettingsError, match="crop_size: expected a whole number from 256 to 2,048, got 100"):
        session.crop([group], faces, crop_size=100)
    with pytest.raises(SettingsError, match="alignment: expected one of ffhq, arcface, upright"):
        session.crop([group], faces, alignment="tilted")
    with pytest.raises(SettingsError, match="keep: no such setting here"):
        session.paste([group], made.images, made.crops, keep="eyes")
    with pytest.raises(SettingsError, match="crop_data: expected FaceCrops"):
        session.paste([group], made.images, faces)
    with pytest.raises(SettingsError, match=r"crops, picture 1: expected an array .* with NaN"):
        session.paste([group], [made.images[0], made.images[1] * np.nan, *made.images[2:]], made.crops)
    with pytest.raises(SettingsError, match="faces: expected a FaceSet"):
        session.crop([group], [[]])


def test_a_margin_that_has_no_effect_is_reported(session, group, faces):
    report = session.crop([group], faces, alignment="arcface", crop_margin=1.0).report
    assert report[-1] == "crop_margin 1.0 has no effect: alignment is arcface"
    assert not [
        line for line in session.crop([group], faces, alignment="upright", crop_margin=1.0).report if "no " in line
    ]
