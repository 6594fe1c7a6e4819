"""Makes a swapped face's light and colour those of the picture it goes into."""

from __future__ import annotations

from math import ceil

import cv2
import numpy as np

from .geometry import resized
from .types import FloatArray, Size

_WORKING_SIDE = 96
"""Light varies slowly: averages are taken at this size, whatever the crop's."""
_SIGMA = 0.12
"""Of the crop's side: how far around a pixel its light is averaged."""
_FLOOR = np.float32(0.03)
"""Added to both sides of a ratio, so that black can't blow up."""
_GAINS = (0.3, 3.0)
_CONTRASTS = (0.7, 1.25)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def match_lighting(
    image: FloatArray, target: FloatArray, weight: FloatArray, target_weight: FloatArray, sigma: float = _SIGMA
) -> FloatArray:
    """Give `image` (H, W, 3) the slowly varying light and tint of `target` (H, W, 3), both RGB in [0, 1].

    Light scales what it falls on, so the ratio of both pictures' Gaussian averages, a channel at a time, scales the
    image; its detail, the deviation from its average, is scaled to the contrast that the target's detail has. Averages
    are normalised over `weight` and `target_weight` (H, W), so that hair, background, eyes and lips take no part.
    """
    small = _working_size(weight)
    parts = ((image, weight), (target, target_weight))
    donor, light = (_Layers.of(resized(p, small), resized(w, small), sigma * max(small)) for p, w in parts)
    contrast = np.clip(light.contrast / max(donor.contrast, 1e-4), *_CONTRASTS)
    gain = np.clip((light.average + _FLOOR) / (donor.average + _FLOOR), *_GAINS)
    # average' + contrast × gain × (image − average), with average' = gain × average, as gain' × image + offset.
    offset = (1 - contrast) * gain * donor.average
    field = resized(np.concatenate([gain * contrast, offset], 2).astype(np.float32), Size.of(image))
    return image * field[..., :3] + field[..., 3:]


def match_mean(image: FloatArray, target: FloatArray, weight: FloatArray) -> FloatArray:
    """Give `image` (H, W, 3) the mean colour and the contrast of `target` (H, W, 3) under `weight` (H, W).

    Reinhard et al., "Color transfer between images", 2001, in RGB.
    """
    total = max(float(weight.sum()), 1e-6)
    (mean, spread), (to_mean, to_spread) = (_moments(part, weight, total) for part in (image, target))
    return (image - mean) * np.clip(to_spread / np.maximum(spread, 1e-3), 0.5, 2.0) + to_mean


class _Layers:
    """A picture's light and the strength of its detail."""

    def __init__(self, average: FloatArray, contrast: float) -> None:
        self.average, self.contrast = average, contrast

    @classmethod
    def of(cls, image: FloatArray, weights: FloatArray, sigma: float) -> _Layers:
        average = _average(image, weights[..., None], sigma)
        detail = ((image - average) @ _LUMA) / (average @ _LUMA + _FLOOR)
        variance = float((detail**2 * weights).sum()) / max(float(weights.sum()), 1e-6)
        return cls(average, float(np.sqrt(variance)))


def _working_size(weight: FloatArray) -> Size:
    height, width = weight.shape
    shrink = max(max(height, width) / _WORKING_SIDE, 1.0)
    return Size(ceil(width / shrink), ceil(height / shrink))


def _average(image: FloatArray, weights: FloatArray, sigma: float) -> FloatArray:
    blurred = cv2.GaussianBlur(np.concatenate([image * weights, weights], 2), (0, 0), sigma)
    overall = (image * weights).sum((0, 1)) / max(float(weights.sum()), 1e-6)
    return (blurred[..., :3] + overall * 1e-3) / (blurred[..., 3:] + 1e-3)


def _moments(image: FloatArray, weight: FloatArray, total: float) -> tuple[FloatArray, FloatArray]:
    mean = (image * weight[..., None]).sum((0, 1)) / total
    spread = np.sqrt((((image - mean) ** 2) * weight[..., None]).sum((0, 1)) / total)
    return mean.astype(np.float32), spread.astype(np.float32)
