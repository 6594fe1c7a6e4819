"""Soft masks of crops, (H, W) in [0, 1]."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from .types import FloatArray


def feathered(mask: FloatArray, share: float) -> FloatArray:
    """The mask with a rim softened inwards by `share` of its side; 0 leaves it as it is. Never grows."""
    if share <= 0:
        return mask
    radius = max(round(share * max(mask.shape) / 2), 1)
    inner = cv2.erode(np.pad(mask, 1), np.ones((2 * radius + 1,) * 2, np.uint8), borderValue=0)
    soft = cv2.GaussianBlur(inner, (0, 0), radius / 2)[1:-1, 1:-1]
    return np.minimum(soft, mask)


@lru_cache(maxsize=16)
def box_mask(side: int, margin: float = 0.04, feather: float = 0.12) -> FloatArray:
    """(side, side) 1 in the middle, falling to 0 `margin` before the border over `feather`, as shares of the side.

    Read-only, shared between calls: for models whose crop borders must not show.
    """
    position = (np.arange(side, dtype=np.float32) + 0.5) / side
    inward = np.clip((np.minimum(position, 1 - position) - margin) / feather, 0, 1)
    ramp = inward * inward * (3 - 2 * inward)
    mask = np.outer(ramp, ramp)
    mask.flags.writeable = False
    return mask
