"""The flow from faces to restored pictures, with restorers of a few lines."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from multifaceswap.pipeline.compose.restore import Batches, RestoreSettings, restore_batch, untouched
from multifaceswap.pipeline.errors import CancelledError, MismatchError, OutOfMemoryError, SettingsError
from multifaceswap.pipeline.geometry import align, extract_crop, shifted
from multifaceswap.pipeline.templates import FFHQ_512
from multifaceswap.pipeline.types import CropSpec, Face, FaceSet, Size

PLAIN = RestoreSettings(colour_correct=False)
SIDE = 128


class Restorer:
    """Gives every crop to `change`, as a network of 128 pixels that takes several at once."""

    fidelity = False

    def __init__(self, change=lambda crop: crop, batch=3, room=99):
        self.change, self.batch, self.room = change, batch, room
        self.batches, self.weights, self.seen = [], [], []

    def place(self, face):
        placement = align(face, CropSpec(FFHQ_512, SIDE))
        return placement._replace(matrix=shifted(placement.matrix, -0.5, 0.5))

    def restore(self, crops, weight):
        self.batches.append(len(crops))
        if len(crops) > self.room:
            raise OutOfMemoryError("a.pth failed on cuda: the device's memory is full")
        self.weights.append(weight)
        self.seen += [crop.copy() for crop in crops]
        return [self.change(crop) for crop in crops]


def negative(crop):
    return 1 - crop


def face(middle, side, degrees=0.0, index=0, frame=0):
    """A face whose crop is a square of `side` pixels around `middle`."""
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    landmarks = (FFHQ_512 - 0.5) @ rotation * side + np.array(middle)
    box = np.concatenate([landmarks.min(0), landmarks.max(0)])
    return Face(box, landmarks, 0.9, frame, index)


def faces_of(size, *frames):
    return FaceSet(tuple(tuple(frame) for frame in frames), size)


def smooth(width=160, height=120, channels=3, dtype=np.float32):
    """A picture without detail finer than a few pixels, so that resampling hardly changes it."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    waves = [np.sin(x / 19 + 1), np.cos(y / 17), np.sin((x + y) / 23), np.cos(x / 29)]
    picture = np.stack(waves[:channels], 2) * 0.35 + 0.5
    whole = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    return np.rint(picture * whole).astype(dtype) if whole > 1 else picture.astype(dtype)


def test_an_empty_set_restores_nobody_and_says_so():
    restorer, pictures = Restorer(negative), [smooth(), smooth()]
    result = restore_batch(pictures, faces_of(Size(160, 120), [], []), restorer, PLAIN)
    assert restorer.batches == [] and result.faces.count == 0
    for image, picture, mask in zip(result.images, pictures, result.masks, strict=True):
        assert image is not picture and not mask.any()
        np.testing.assert_array_equal(image, picture)
    assert result.report == ("frame 0: no face to restore", "frame 1: no face to restore")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_exactly_the_faces_handed_over_are_restored(dtype, channels):
    picture = smooth(channels=channels, dtype=dtype)
    kept = picture.copy()
    picture.flags.writeable = False
    faces = faces_of(Size(160, 120), [face((40, 60), 60, index=2)])
    result = restore_batch([picture], faces, Restorer(negative), PLAIN)
    (image,), (mask,) = result.images, result.masks
    assert image.dtype == dtype and image.shape == picture.shape and result.faces is faces
    np.testing.assert_array_equal(picture, kept)
    np.testing.assert_array_equal(image[mask == 0], kept[mask == 0])
    assert (mask == 0)[:, 72:].all() and 0.1 < (mask > 0).mean() < 0.25
    whole = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1
    middle = (slice(45, 75), slice(25, 55), slice(0, min(channels, 3)))
    wanted = whole - kept[middle].astype(np.float64)
    np.testing.assert_allclose(image[middle] / whole, wanted / whole, atol=0.02)
    if channels == 4:
        np.testing.assert_array_equal(image[..., 3], kept[..., 3])


def test_a_batch_that_is_one_array_stays_one():
    pictures = np.stack([smooth(), smooth()])
    faces = faces_of(Size(160, 120), [], [face((80, 60), 60)])
    result = restore_batch(pictures, faces, Restorer(negative), PLAIN)
    assert isinstance(result.images, np.ndarray) and result.images.shape == pictures.shape
    assert isinstance(result.masks, np.ndarray) and result.masks.shape == (2, 120, 160)
    np.testing.assert_array_equal(result.images[0], pictures[0])
    assert (result.images[1] != pictures[1]).any() and not np.shares_memory(result.images, pictures)


def test_faces_of_other_pictures_are_refused():
    with pytest.raises(MismatchError, match="160×120"):
        restore_batch([smooth(80, 60)], faces_of(Size(160, 120), [face((80, 60), 60)]), Restorer(), PLAIN)
    with pytest.raises(MismatchError):
        restore_batch([smooth()] * 2, faces_of(Size(160, 120), [face((80, 60), 60)]), Restorer(), PLAIN)


@pytest.mark.parametrize("setting", [{"weight": 1.1}, {"visibility": -0.1}, {"interpolation": "Linear"}])
def test_settings_that_mean_nothing_are_refused(setting):
    with pytest.raises(SettingsError):
        RestoreSettings(**setting)


@pytest.mark.parametrize("degrees", [0, 35, 90, 180, -120])
def test_turned_faces_stand_upright_in_their_crops_and_go_back_turned(degrees):
    picture = smooth()
    marked = picture.copy()
    target = face((80, 60), 64, degrees)
    eye = tuple(int(value) for value in target.landmarks[0])
    cv2.circle(marked, eye, 4, (1, 0, 0), -1)
    restorer = Restorer()
    result = restore_batch([marked], faces_of(Size(160, 120), [target]), restorer, PLAIN)
    x, y = np.rint(FFHQ_512[0] * SIDE - 0.5).astype(int)
    np.testing.assert_allclose(restorer.seen[0][y, x], [1, 0, 0], atol=0.05)
    far = cv2.dilate((np.abs(marked - picture).max(2) > 0).astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    np.testing.assert_allclose(result.images[0][far], marked[far], atol=0.02)
    assert result.masks[0][eye[1], eye[0]] == 1


@pytest.mark.parametrize("middle", [(0, 60), (160, 60), (80, 0), (80, 120), (3, 4), (158, 118)])
@pytest.mark.parametrize("side", [30, 70, 400])
def test_faces_at_the_border_keep_its_colours(middle, side):
    """What a restorer sees beyond the edge is grey, and none of it comes back into the picture's border."""
    picture = smooth()
    restorer = Restorer()
    result = restore_batch([picture], faces_of(Size(160, 120), [face(middle, side)]), restorer, PLAIN)
    assert result.masks[0].max() == 1
    np.testing.assert_allclose(result.images[0], picture, atol=0.03)
    grey = np.abs(restorer.seen[0] - np.float32([132, 133, 135]) / 255).max(2) < 1e-3
    assert grey.mean() > 0.1


@pytest.mark.parametrize("size", [Size(24, 20), Size(9, 40), Size(3840, 2160)])
def test_frames_of_every_size(size):
    picture = smooth(*size, dtype=np.uint8)
    side = min(size) * 0.8
    faces = faces_of(size, [face((size.width / 2, size.height / 2), side)])
    result = restore_batch([picture], faces, Restorer(negative), PLAIN)
    found, was = (image[size.height // 2, size.width // 2].astype(int) for image in (result.images[0], picture))
    assert np.abs(found - (255 - was)).max() <= 6
    np.testing.assert_array_equal(result.images[0][result.masks[0] == 0], picture[result.masks[0] == 0])


def test_faces_of_several_pictures_share_batches_in_order():
    shades = [np.full((60, 60, 3), shade, np.float32) for shade in (0.1, 0.3, 0.5, 0.7, 0.9)]
    frames = [[face((30, 30), 40, frame=n), face((10, 10), 10, index=1, frame=n)] for n in range(5)]
    restorer = Restorer(negative, batch=4)
    progress = []
    result = restore_batch(
        shades, faces_of(Size(60, 60), *frames), restorer, PLAIN, progress=lambda *at: progress.append(at)
    )
    assert restorer.batches == [4, 4, 2] and result.report == ()
    assert progress == [(done, 10) for done in range(1, 11)]
    for image, shade in zip(result.images, shades, strict=True):
        np.testing.assert_allclose(image[30, 30], 1 - shade[30, 30], atol=1e-5)


def test_of_two_that_overlap_the_larger_lies_on_top():
    colours = iter([0.0, 1.0])
    paint = Restorer(lambda crop: np.full_like(crop, next(colours)))
    faces = faces_of(Size(160, 120), [face((80, 60), 80), face((90, 60), 30, index=1)])
    image = restore_batch([smooth()], faces, paint, PLAIN).images[0]
    np.testing.assert_array_equal(image[60, 90], [1, 1, 1])


def test_the_work_stops_where_progress_says_so():
    def stop(done, total):
        raise CancelledError

    with pytest.raises(CancelledError):
        restore_batch([smooth()], faces_of(Size(160, 120), [face((80, 60), 60)]), Restorer(), PLAIN, progress=stop)


def test_full_memory_halves_the_batch_and_is_reported():
    pictures = [smooth()] * 9
    faces = faces_of(Size(160, 120), *[[face((80, 60), 60, frame=n)] for n in range(9)])
    restorer = Restorer(negative, batch=8, room=3)
    result = restore_batch(pictures, faces, restorer, PLAIN)
    assert restorer.batches == [8, 4, 2, 2, 2, 2, 1]
    assert result.report == (
        "memory was full with 8 faces at once: restored 4 at once",
        "memory was full with 4 faces at once: restored 2 at once",
    )
    wanted = restore_batch(pictures, faces, Restorer(negative), PLAIN)
    for one, other in zip(result.images, wanted.images, strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_face_too_many_is_an_error_that_says_what_to_do():
    faces = faces_of(Size(160, 120), [face((80, 60), 60)])
    with pytest.raises(OutOfMemoryError, match=r"a\.pth failed on cuda.*Not even one face fits: free memory"):
        restore_batch([smooth()], faces, Restorer(room=0), PLAIN)


def test_batches_keep_the_order_and_the_smaller_size():
    told = []
    restorer = Restorer(negative, batch=5, room=2)
    batches = Batches(restorer, 0.25, told.append)
    crops = [np.full((2, 2, 3), value) for value in np.arange(7) / 10]
    assert [float(crop[0, 0, 0]) for crop in batches.restore(crops)] == pytest.approx([1 - n / 10 for n in range(7)])
    batches.restore(crops[:3])
    assert restorer.batches == [5, 2, 2, 2, 1, 2, 1]
    assert set(restorer.weights) == {0.25} and len(told) == 1
    assert batches.restore([]) == []


@pytest.mark.parametrize("visibility", [0.0, 0.4, 1.0])
def test_visibility_fades_the_whole(visibility):
    picture = smooth()
    faces = faces_of(Size(160, 120), [face((80, 60), 60)])
    white = Restorer(np.ones_like)
    result = restore_batch([picture], faces, white, replace(PLAIN, visibility=visibility))
    np.testing.assert_allclose(result.images[0][60, 80], picture[60, 80] * (1 - visibility) + visibility, atol=1e-6)
    assert result.masks[0].max() == pytest.approx(visibility)
    if not visibility:
        np.testing.assert_array_equal(result.images[0], picture)


def detail(crop):
    """Fine stripes that a restorer adds, of the mean 0."""
    stripes = np.zeros_like(crop)
    stripes[:, ::2] += 0.05
    return stripes - 0.025


@pytest.mark.parametrize("place", [(80, 60), (0, 20)])
def test_colour_drift_is_taken_back_and_detail_stays(place):
    picture = smooth()
    faces = faces_of(Size(160, 120), [face(place, SIDE)])
    tint = np.float32([0.12, -0.08, 0.05])
    fade = np.linspace(-0.1, 0.1, SIDE, dtype=np.float32)[:, None, None]
    drifting = Restorer(lambda crop: crop + tint + fade + detail(crop))
    fixed = restore_batch([picture], faces, drifting, RestoreSettings())
    tinted = restore_batch([picture], faces, drifting, PLAIN)
    wanted = restore_batch([picture], faces, Restorer(lambda crop: crop + detail(crop)), PLAIN)
    inside = fixed.masks[0] == 1
    assert np.abs(tinted.images[0] - wanted.images[0])[inside].mean() > 0.07
    assert np.abs(fixed.images[0] - wanted.images[0])[inside].mean() < 0.012
    assert np.abs((fixed.images[0] - wanted.images[0])[inside].mean(0)).max() < 0.006


def test_colours_beyond_white_are_cut_off():
    white = np.ones((60, 60, 3), np.float32)
    result = restore_batch([white], faces_of(Size(60, 60), [face((30, 30), 40)]), Restorer(detail), RestoreSettings())
    assert result.images[0].max() <= 1 and result.images[0].min() > 0.9


class LeftHalf:
    """Takes the left half of its crops for the face. Its crops are half as large as the restorer's, and wider."""

    needs_mesh, rim = False, 0.0

    def __init__(self):
        self.seen = []

    def place(self, face):
        return align(face, CropSpec((FFHQ_512 - 0.5) * 0.8 + 0.5, SIDE // 2))

    def parse(self, crops):
        self.seen += crops
        masks = [np.zeros(crop.image.shape[:2], np.float32) for crop in crops]
        for mask in masks:
            mask[:, : mask.shape[1] // 2] = 1
        return masks


class Nothing(LeftHalf):
    def parse(self, crops):
        return [np.zeros((32, 32), np.float32) for _ in crops]


def test_what_lies_before_the_face_stays():
    picture = smooth()
    faces = faces_of(Size(160, 120), [face((80, 60), 100)])
    result = restore_batch([picture], faces, Restorer(negative), PLAIN, parser=LeftHalf())
    np.testing.assert_allclose(result.images[0][60, 50], 1 - picture[60, 50], atol=0.02)
    np.testing.assert_array_equal(result.images[0][:, 82:], picture[:, 82:])
    # Softened inwards, up to the parser's own edge.
    row = result.masks[0][60]
    assert row[81] == 0 < row[79] < row[77] < 1 == row[74] and result.report == ()


def test_parsers_get_their_own_crops_of_the_picture_as_it_came_in():
    picture, parser = smooth(), LeftHalf()
    faces = faces_of(Size(160, 120), [face((80, 60), 100), face((40, 60), 30, index=1)])
    restore_batch([picture], faces, Restorer(negative), PLAIN, parser=parser)
    for crop, one in zip(parser.seen, (faces.frames[0][1], faces.frames[0][0]), strict=True):
        assert crop.face is one
        np.testing.assert_array_equal(crop.image, extract_crop(picture, parser.place(one)))


def test_a_parser_that_sees_no_face_is_not_believed():
    faces = faces_of(Size(160, 120), [face((80, 60), 100, index=4)])
    result = restore_batch([smooth()], faces, Restorer(negative), PLAIN, parser=Nothing())
    assert result.masks[0][60, 80] == 1
    assert result.report == ("frame 0, face 4: face parsing sees no face here: restored without it",)


def test_untouched_pictures_of_several_sizes():
    result = untouched([smooth(30, 20), smooth(10, 40)])
    assert result.faces.size == Size(30, 40) and len(result.faces) == 2 and result.faces.count == 0
    assert [mask.shape for mask in result.masks] == [(20, 30), (40, 10)]
