"""Gives a picture of a face the mean or the slowly varying colours of another."""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np

from ..geometry import resized
from ..types import FloatArray, ImageF32, Mask, Size, Vector

_WORKING_SIDE = 80
"""Drift varies slowly: averages are taken at this size, whatever the crop's."""
_SIGMA = 0.1
"""Of the crop's side: how far around a pixel its colour is averaged."""


def match_mean(image: ImageF32, target: ImageF32, weight: Mask) -> ImageF32:
    """Give `image` (H, W, 3) the mean colour and the contrast of `target` (H, W, 3) under `weight` (H, W).

    Reinhard et al., "Color transfer between images", 2001, in RGB.
    """
    total = max(float(weight.sum()), 1e-6)
    (mean, spread), (to_mean, to_spread) = (_moments(part, weight, total) for part in (image, target))
    contrast = np.clip(to_spread / np.maximum(spread, 1e-3), 0.5, 2.0)
    return np.asarray((image - mean) * contrast + to_mean, np.float32)


def match_drift(image: ImageF32, target: ImageF32, weight: Mask) -> ImageF32:
    """Give `image` (H, W, 3) the mean colours and the low frequencies of `target` (H, W, 3); its detail stays as it is.

    For a picture of the same face whose colours have drifted. Averages are normalised over `weight`, of any size.
    """
    small = _working_size(image)
    drift = resized(target, small) - resized(image, small)
    field = _average(drift, resized(weight, small)[..., None], _SIGMA * max(small))
    return image + resized(field.astype(np.float32), Size.of(image))


def _working_size(image: ImageF32) -> Size:
    height, width = image.shape[:2]
    shrink = max(max(height, width) / _WORKING_SIDE, 1.0)
    return Size(ceil(width / shrink), ceil(height / shrink))


def _average(image: ImageF32, weights: Mask, sigma: float) -> FloatArray:
    blurred = cv2.GaussianBlur(np.concatenate([image * weights, weights], 2), (0, 0), sigma)
    overall = (image * weights).sum((0, 1)) / max(float(weights.sum()), 1e-6)
    return (blurred[..., :3] + overall * 1e-3) / (blurred[..., 3:] + 1e-3)


def _moments(image: ImageF32, weight: Mask, total: float) -> tuple[Vector, Vector]:
    mean = (image * weight[..., None]).sum((0, 1)) / total
    spread = np.sqrt((((image - mean) ** 2) * weight[..., None]).sum((0, 1)) / total)
    return mean.astype(np.float32), spread.astype(np.float32)
