"""Differences along the rim of a patch."""

from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.pipeline.compose.seams import without_seam

SIZE = 144


def _disc(radius, soft=2.0):
    y, x = np.mgrid[:SIZE, :SIZE] - SIZE / 2 + 0.5
    return np.clip((radius - np.hypot(x, y)) / soft + 0.5, 0, 1).astype(np.float32)


def _plain(*colour):
    return np.full((SIZE, SIZE, 3), colour, np.float32)


def _at(picture, mask, low, high):
    return picture[(mask > low) & (mask < high)].mean(0)


def test_a_patch_like_its_surroundings_stays_as_it_is():
    image = _plain(0.6, 0.4, 0.3)
    assert without_seam(image, image, _disc(50)) == pytest.approx(image, abs=1e-6)


def test_a_small_difference_is_gone_at_the_rim_and_stays_in_the_middle():
    image, target, mask = _plain(0.6, 0.4, 0.3), _plain(0.66, 0.44, 0.36), _disc(50)
    result = without_seam(image, target, mask)
    assert _at(result, mask, 0.2, 0.8) == pytest.approx([0.66, 0.44, 0.36], abs=0.015)
    assert result[SIZE // 2, SIZE // 2] == pytest.approx([0.6, 0.4, 0.3], abs=1e-3)


def test_a_small_difference_leaves_no_step():
    image, target, mask = _plain(0.6, 0.4, 0.3), _plain(0.66, 0.44, 0.36), _disc(50)
    result = without_seam(image, target, mask)
    blended = target + (result - target) * mask[..., None]
    assert np.abs(np.diff(blended[SIZE // 2], axis=0)).max() < 0.006


def test_hair_beside_the_rim_is_not_spread_over_the_face():
    image, target, mask = _plain(0.6, 0.4, 0.3), _plain(0.1, 0.08, 0.06), _disc(50)
    assert np.abs(without_seam(image, target, mask) - image).max() < 0.02


def test_a_mouth_that_stays_has_no_rim():
    image, target, mask = _plain(0.6, 0.4, 0.3), _plain(0.6, 0.4, 0.3), _disc(50)
    target[SIZE // 2 - 8 : SIZE // 2 + 8, SIZE // 2 - 8 : SIZE // 2 + 8] = (0.7, 0.45, 0.35)
    result = without_seam(image, target, mask - _disc(8))
    assert np.abs(result - image).max() < 0.01


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_weaker_mask_has_the_same_rim(share):
    image, target, mask = _plain(0.6, 0.4, 0.3), _plain(0.66, 0.44, 0.36), _disc(50)
    result = without_seam(image, target, mask * np.float32(share))
    whole = without_seam(image, target, mask) if share else image
    assert result == pytest.approx(whole, abs=1e-4)
