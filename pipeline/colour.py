"""Makes a swapped face's light and colour those of the picture it goes into."""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np

from .geometry import resized
from .types import FloatArray, Size

_WORKING_SIDE = 96
"""Light varies slowly: averages are taken at this size, whatever the crop's."""
_SIGMA = 0.1
"""Of the crop's side: how far around a pixel its light is averaged."""
_FLOOR = 0.02
"""Added to both sides of a ratio, so that black can't blow up."""
_GAINS = (0.25, 4.0)


def match_lighting(image: FloatArray, target: FloatArray, weight: FloatArray, sigma: float = _SIGMA) -> FloatArray:
    """Give `image` (H, W, 3) the slowly varying light and tint of `target` (H, W, 3), both RGB in [0, 1].

    Compares normalised Gaussian averages over `weight` (H, W), so that nothing outside it (hair, background, eyes,
    lips) takes part; the ratio of the averages, a channel at a time, scales the image.
    """
    small = _working_size(weight)
    images = [resized(part, small) for part in (image, target)]
    weights = resized(weight, small)[..., None]
    averages = [_average(part, weights, sigma * max(small)) for part in images]
    gain = np.clip((averages[1] + _FLOOR) / (averages[0] + _FLOOR), *_GAINS)
    return image * resized(gain, Size.of(image))


def match_mean(image: FloatArray, target: FloatArray, weight: FloatArray) -> FloatArray:
    """Give `image` (H, W, 3) the mean colour and the contrast of `target` (H, W, 3) under `weight` (H, W).

    Reinhard et al., "Color transfer between images", 2001, in RGB.
    """
    total = max(float(weight.sum()), 1e-6)
    (mean, spread), (to_mean, to_spread) = (_moments(part, weight, total) for part in (image, target))
    return (image - mean) * np.clip(to_spread / np.maximum(spread, 1e-3), 0.5, 2.0) + to_mean


def _working_size(weight: FloatArray) -> Size:
    height, width = weight.shape
    shrink = max(max(height, width) / _WORKING_SIDE, 1.0)
    return Size(ceil(width / shrink), ceil(height / shrink))


def _average(image: FloatArray, weights: FloatArray, sigma: float) -> FloatArray:
    blurred = cv2.GaussianBlur(image * weights, (0, 0), sigma)
    total = cv2.GaussianBlur(weights, (0, 0), sigma)
    overall = (image * weights).sum((0, 1)) / max(float(weights.sum()), 1e-6)
    share = np.asarray(total)[..., None] + 1e-3
    return (np.asarray(blurred) + overall.astype(np.float32) * 1e-3) / share


def _moments(image: FloatArray, weight: FloatArray, total: float) -> tuple[FloatArray, FloatArray]:
    mean = (image * weight[..., None]).sum((0, 1)) / total
    spread = np.sqrt((((image - mean) ** 2) * weight[..., None]).sum((0, 1)) / total)
    return mean.astype(np.float32), spread.astype(np.float32)
