"""Swapped crops that go through a restorer before they are pasted."""

from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.pipeline.compose.restore import RestoreSettings
from multifaceswap.pipeline.compose.swap import SwapSettings, swap_batch
from multifaceswap.pipeline.compose.swap_restore import SwapRestore
from multifaceswap.pipeline.errors import OutOfMemoryError
from multifaceswap.pipeline.faces.pairing import map_indexes
from multifaceswap.pipeline.geometry import align
from multifaceswap.pipeline.templates import ARCFACE_128, FFHQ_512
from multifaceswap.pipeline.types import CropSpec, Donor, Face, FaceSet, Patch, Size

PLAIN = RestoreSettings(colour_correct=False)
DONOR = np.float32([0.9, 0.2, 0.1])


class Swapper:
    """Turns the middle of an ArcFace crop into one colour, as far as `strength` says."""

    needs_mesh = False
    colour = "none"

    def __init__(self, size=64):
        self.spec = CropSpec(ARCFACE_128, size)

    def place(self, face):
        return align(face, self.spec)

    def prepare(self, frame, face, others=()):
        return Donor(face)

    def swap(self, crops, donors, strength):
        size = self.spec.size
        mask = np.zeros((size, size), np.float32)
        mask[size // 4 : -size // 4, size // 4 : -size // 4] = strength
        return [Patch(np.broadcast_to(DONOR, crop.image.shape), mask, notes=("painted",)) for crop in crops]


class Restorer:
    fidelity = True
    batch = 8

    def __init__(self, change=lambda crop: crop, room=99):
        self.change, self.room = change, room
        self.seen, self.weights = [], []

    def place(self, face):
        return align(face, CropSpec(FFHQ_512, 256))

    def restore(self, crops, weight):
        if len(crops) > self.room:
            raise OutOfMemoryError("full")
        self.seen += crops
        self.weights.append(weight)
        return [self.change(crop) for crop in crops]


def faces(count=1, frames=1):
    def one(frame, index):
        landmarks = FFHQ_512 * 80 + [10 + 90 * index, 20]
        return Face(np.concatenate([landmarks.min(0), landmarks.max(0)]), landmarks, 0.9, frame, index)

    found = tuple(tuple(one(frame, index) for index in range(count)) for frame in range(frames))
    return FaceSet(found, Size(200, 120))


def picture():
    y, x = np.mgrid[:120, :200].astype(np.float32)
    return np.stack([np.sin(x / 19), np.cos(y / 17), np.sin((x + y) / 23)], 2) * 0.35 + 0.5


def swapped(boost, count=1, frames=1, strength=1.0, **options):
    targets = [picture() for _ in range(frames)]
    sources, donors = [picture()], FaceSet((faces().frames[0],), Size(200, 120))
    index_map = map_indexes(faces(count, frames), donors, "*", "0")
    settings = SwapSettings(colour_match="none", strength=strength)
    return swap_batch(targets, sources, index_map, Swapper(), settings, stages=list(filter(None, [boost])), **options)


def test_the_restorer_sees_the_swapped_face_in_its_own_alignment():
    restorer = Restorer()
    swapped(SwapRestore(restorer, RestoreSettings(weight=0.3, colour_correct=False)))
    (seen,) = restorer.seen
    assert seen.shape == (256, 256, 3) and restorer.weights == [0.3]
    x, y = np.rint(FFHQ_512[2] * 256).astype(int)
    np.testing.assert_allclose(seen[y, x], DONOR, atol=1e-5)
    # Its surroundings are the target's: the crop's left top corner lies at (10, 20) in the picture.
    np.testing.assert_allclose(seen[13, 13], picture()[24, 14], atol=0.03)


def test_without_restoring_anything_the_result_is_the_plain_swaps():
    plain, boosted = swapped(None, 2), swapped(SwapRestore(Restorer(), PLAIN), 2)
    difference = np.abs(plain.images[0] - boosted.images[0])
    assert difference.mean() < 0.002 and np.percentile(difference, 99) < 0.05
    assert np.abs(plain.masks[0] - boosted.masks[0]).mean() < 0.005
    assert boosted.report == plain.report == tuple(f"frame 0, face {n}: painted" for n in (0, 1))
    assert [face.index for face in boosted.faces.flat()] == [0, 1]


def test_only_the_swapped_part_is_restored_and_every_other_bit_stays():
    result = swapped(SwapRestore(Restorer(lambda crop: np.zeros_like(crop)), PLAIN))
    (image,), (mask,) = result.images, result.masks
    np.testing.assert_array_equal(image[mask == 0], picture()[mask == 0])
    np.testing.assert_array_equal(image[mask == 1], 0)
    assert 0.02 < (mask == 1).mean() < (mask > 0).mean() < 0.15


@pytest.mark.parametrize("strength", [0.25, 1.0])
def test_strength_is_not_applied_twice(strength):
    target = picture()
    middle = swapped(SwapRestore(Restorer(), PLAIN), strength=strength).images[0][63, 50]
    np.testing.assert_allclose(middle, target[63, 50] * (1 - strength) + DONOR * strength, atol=0.01)


def test_nothing_swapped_is_nothing_restored():
    result = swapped(SwapRestore(Restorer(lambda crop: np.zeros_like(crop)), PLAIN), strength=0.0)
    np.testing.assert_array_equal(result.images[0], picture())


def test_a_restorers_drift_does_not_reach_the_picture():
    drifting = Restorer(lambda crop: crop + np.float32([0.1, -0.05, 0.08]))
    plain, fixed = swapped(None), swapped(SwapRestore(drifting, RestoreSettings()))
    inside = fixed.masks[0] == 1
    assert np.abs(plain.images[0] - fixed.images[0])[inside].max() < 0.02


def test_faces_of_several_pictures_share_batches_and_full_memory_is_reported():
    restorer = Restorer(room=2)
    result = swapped(SwapRestore(restorer, PLAIN), 2, frames=2)
    assert len(restorer.seen) == 4 and len(restorer.weights) == 2
    assert result.report[1] == "frame 0, face 0: memory was full with 4 faces at once: restored 2 at once"
    assert sum("memory" in line for line in result.report) == 1
    whole = swapped(SwapRestore(Restorer(), PLAIN), 2, frames=2)
    for one, other in zip(result.images, whole.images, strict=True):
        np.testing.assert_array_equal(one, other)


def test_limits_hold_for_boosted_faces_too():
    limit = np.zeros((120, 200), np.float32)
    limit[:60] = 1
    result = swapped(SwapRestore(Restorer(lambda crop: np.zeros_like(crop)), PLAIN), limits=[limit])
    np.testing.assert_array_equal(result.images[0][60:], picture()[60:])
    assert not result.masks[0][60:].any() and result.masks[0][:60].max() == 1


class Soft(Swapper):
    """A mask that rises from its rim to the middle."""

    def swap(self, crops, donors, strength):
        axis = 1 - np.abs(np.linspace(-1, 1, self.spec.size, dtype=np.float32))
        mask = np.minimum.outer(axis, axis) * strength
        return [Patch(np.broadcast_to(DONOR, crop.image.shape), mask) for crop in crops]


@pytest.mark.parametrize("strength", [1.0, 0.5])
@pytest.mark.parametrize("added", [0.0, 0.05])
@pytest.mark.parametrize("stages", [1, 2])
def test_a_soft_rim_is_as_wide_as_without_a_restorer(strength, added, stages):
    target, people = np.full((120, 200, 3), 0.4, np.float32), faces()
    index_map = map_indexes(people, people, "*", "0")
    settings = SwapSettings(colour_match="none", strength=strength)

    def made(*through):
        return swap_batch([target], [target], index_map, Soft(), settings, stages=through)

    plain = made()
    restored = made(*[SwapRestore(Restorer(lambda crop: crop + np.float32(added)), PLAIN)] * stages)
    weight = plain.masks[0] / strength
    expected = plain.images[0] + stages * added * weight[..., None]
    known = weight > 0.1
    assert known.sum() > 1000 and (weight[known] < 0.6).mean() > 0.3
    # Resampling twice moves the weights of a rim of a few pixels by some hundredths.
    assert np.abs(restored.images[0] - expected)[known].max() < 0.03
