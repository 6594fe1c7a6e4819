"""Soft masks."""

from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.pipeline.masks import box_mask, feathered


def test_no_feather_leaves_the_mask():
    mask = np.ones((8, 8), np.float32)
    assert feathered(mask, 0) is mask


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_feather_only_shrinks_and_ends_at_the_border(share):
    mask = np.zeros((100, 80), np.float32)
    mask[20:80, 20:60] = 1
    soft = feathered(mask, share)
    assert (soft <= mask).all()
    assert soft.sum() < mask.sum()
    assert np.abs(np.diff(soft[50])).max() < 0.9


def test_a_full_mask_is_feathered_at_the_crops_border():
    soft = feathered(np.ones((100, 100), np.float32), 0.2)
    assert soft[50, 50] == pytest.approx(1, abs=1e-3)
    assert soft[50, 0] < 0.1


def test_box_mask():
    mask = box_mask(128)
    assert mask[64, 64] == 1
    assert mask[0].max() == 0
    assert np.array_equal(mask, mask.T)
    assert np.array_equal(mask, mask[::-1])
    assert (np.diff(mask[64, :64]) >= 0).all()
    with pytest.raises(ValueError, match="read-only"):
        mask[0, 0] = 1
