from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.pipeline.compose.masks import feathered, outline_mask, oval_mask, rim_mask


def _border(mask):
    return max(mask[0].max(), mask[-1].max(), mask[:, 0].max(), mask[:, -1].max())


@pytest.mark.parametrize("mask", [rim_mask, oval_mask])
@pytest.mark.parametrize("side", [64, 128, 256, 1024])
def test_soft_masks_end_before_the_crop_does_and_have_no_corners_or_steps(mask, side):
    made = mask(side)
    assert made.shape == (side, side) and made.dtype == np.float32
    assert _border(made) == 0 and made[side // 2, side // 2] == 1
    corner = round(side * 0.06)
    assert made[corner, corner] < 0.05
    steps = max(np.abs(np.diff(made, axis=axis)).max() for axis in (0, 1))
    assert steps < 25 / side


@pytest.mark.parametrize("mask", [rim_mask, oval_mask])
def test_shared_masks_cannot_be_written_to(mask):
    assert mask(128) is mask(128)
    with pytest.raises(ValueError, match="read-only"):
        mask(128)[0, 0] = 1


def test_an_outline_holds_its_points_softly_and_nothing_far_from_them():
    turn = np.linspace(0, 2 * np.pi, 100)
    points = 128 + 60 * np.stack([np.cos(turn), np.sin(turn)], 1)
    mask = outline_mask(points, 256)
    y, x = np.mgrid[:256, :256] + 0.5
    away = np.hypot(x - 128, y - 128)
    assert mask[away < 45].min() > 0.97
    assert mask[np.abs(away - 60) < 1].min() > 0.5 and mask[np.abs(away - 60) < 1].max() < 1
    assert mask[away > 90].max() == 0
    assert (
        abs(float((mask * x).sum() / mask.sum()) - 128) < 0.05
        and abs(float((mask * y).sum() / mask.sum()) - 128) < 0.05
    )


def test_an_outline_beyond_the_crop_fades_within_it():
    mask = outline_mask(np.array([(-50.0, -50.0), (200, -50), (200, 200), (-50, 200)]), 128)
    assert np.array_equal(mask, rim_mask(128)) and _border(mask) == 0


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_no_feather_takes_the_middle_away(share):
    mask = np.zeros((100, 80), np.float32)
    mask[20:80, 20:60] = 1
    assert feathered(mask, share).max() > 0.9
