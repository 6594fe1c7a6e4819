"""Takes away what difference is left along the rim of a patch."""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import resized
from ..types import FloatArray, ImageF32, Mask, Size

_WORKING_SIDE = 72
_RIM = 0.025
"""Of the crop's side: how wide the rim is along which both pictures are compared, as a Gaussian's sigma."""
_ALONG = 0.05
"""The same for how smoothly the difference varies along it."""
_INWARDS = 0.07
"""And for how far inwards the difference is spread."""
_HOLE = 0.25
"""Size of holes, such as a mouth that stays, that have no rim."""
_ALIKE = 0.5
"""Difference, as a logarithm to base 2 of a channel, beyond which other things meet at the rim: hair, a collar."""
_FLOOR = 0.02


def without_seam(image: ImageF32, target: ImageF32, mask: Mask) -> ImageF32:
    """Give `image` (H, W, 3) at the rim of `mask` (H, W) the colours of `target` (H, W, 3), less and less inwards.

    Both are RGB in [0, 1]. As Poisson blending does, for small differences of slowly varying colours alone.
    """
    small = _working_size(mask)
    side = max(small)
    share = resized(mask, small) / max(float(mask.max()), 1e-12)
    gap = _logs(resized(target, small)) - _logs(resized(image, small))
    whole = np.asarray(cv2.morphologyEx(share, cv2.MORPH_CLOSE, _disc(_HOLE * side)), np.float32)
    soft = _blurred(whole, _RIM * side)
    rim = 4 * soft * (1 - soft) * share * np.exp(-((np.abs(gap).max(2) / _ALIKE) ** 2))
    averages = _blurred(np.dstack([gap * rim[..., None], rim]), _ALONG * side)
    inwards = np.clip(2 - 2 * _blurred(whole, _INWARDS * side), 0, 1)
    change = averages[..., :3] / (averages[..., 3:] + 0.02) * inwards[..., None]
    result = image * resized(np.exp2(change).astype(np.float32), Size.of(image))
    return np.clip(result, 0, 1, out=result)


def _disc(size: float) -> NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(size / 2) + 1,) * 2), np.uint8)


def _logs(image: ImageF32) -> FloatArray:
    return np.log2(image + np.float32(_FLOOR))


def _blurred(values: FloatArray, sigma: float) -> FloatArray:
    return np.asarray(cv2.GaussianBlur(values.astype(np.float32), (0, 0), sigma), np.float32)


def _working_size(mask: Mask) -> Size:
    height, width = mask.shape[:2]
    shrink = max(max(height, width) / _WORKING_SIDE, 1.0)
    return Size(ceil(width / shrink), ceil(height / shrink))
