"""Makes a swapped face's light and colour those of the picture it goes into."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

import cv2
import numpy as np

from ..geometry import resized
from ..types import FloatArray, ImageF32, Mask, Size, Vector

_WORKING_SIDE = 80
"""Light varies slowly: averages are taken at this size, whatever the crop's."""
_SIGMA = 0.1
"""Of the crop's side: how far around a pixel its brightness is averaged."""
_DETAIL_SIGMA = 0.03
"""The same for the skin's texture, whose contrast is compared."""
_FLOOR = np.float32(0.03)
"""The darkest value that others are compared with, so that black can't blow up."""
_GAINS = (0.3, 3.0)
_CONTRASTS = (0.6, 1.25)
_MOST_LIFTED = np.float32(2.5)
_SHOULDER = np.float32(0.85)
_SLOPES = (0.5, 2.0)
_QUIET = 1.2
"""Gain of a channel up to which its noise stays out of sight."""
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def match_lighting(image: ImageF32, target: ImageF32, weight: Mask, target_weight: Mask) -> ImageF32:
    """Give `image` (H, W, 3) the slowly varying light and tint of `target` (H, W, 3), both RGB in [0, 1].

    Light scales what it falls on, so the ratio of both pictures' Gaussian averages scales the image, a channel at a
    time. The image's detail, its deviation from its average, is scaled to the contrast that the target's detail has,
    with the tint that the target's own skin takes on from light to shadow. Averages are normalised over `weight` and
    `target_weight`, of any size, so that hair, background, eyes and lips take no part.
    """
    small = _working_size(image)
    parts = ((image, weight), (target, target_weight))
    donor, light = (_Light.of(resized(p, small), resized(w, small), max(small)) for p, w in parts)
    fields = _fields(donor, light, _on_skin(resized(weight, small), max(small)))
    own, brightness, offset = (resized(field, Size.of(image)) for field in np.split(fields, 3, axis=2))
    # In place, of arrays of one shape: the largest share of all that is done for a face.
    own *= image
    brightness *= cv2.transform(image, np.tile(_LUMA, (3, 1)))
    own += brightness
    own += offset
    # Less contrast lifts the dark: folds of the skin, but not the black of a glasses' frame or of a nostril.
    np.minimum(own, image * _MOST_LIFTED + _FLOOR, out=own)
    return _with_shoulder(own)


def _fields(donor: _Light, light: _Light, on_skin: FloatArray) -> FloatArray:
    """(h, w, 9) what each channel's own value, the brightness and 1 are multiplied by, a channel at a time.

    With d the relative deviation of a channel from its average and b that of brightness, the result is
    gain × average × (1 + contrast × (slope × b + kept × (d − donor's slope × b))): detail takes on the target's tint,
    and what colour it has beyond that is kept, less where a channel is raised so much that its noise would show.
    """
    contrast = 1 + (np.clip(light.contrast / max(donor.contrast, 1e-4), *_CONTRASTS) - 1) * on_skin
    level = np.maximum(donor.average, _FLOOR)
    gain = np.clip(light.average / level, *_GAINS)
    kept = 1 + (np.minimum(_QUIET / gain, 1) - 1) * on_skin
    slope = donor.slopes + (np.clip(light.slopes, *_SLOPES) - donor.slopes) * on_skin
    follow = contrast * (slope - kept * donor.slopes)
    own = gain * contrast * kept
    brightness = gain * follow * level / np.maximum(level @ _LUMA, _FLOOR)[..., None]
    offset = gain * level * (1 - contrast * kept - follow)
    return np.concatenate([own, brightness, offset], 2).astype(np.float32)


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


class _Light(NamedTuple):
    """A picture's light, and how strong its detail is in it."""

    average: ImageF32
    """(h, w, 3)"""
    contrast: float
    """Median deviation of the detail's brightness, as a share of the average's: skin, not a few dark folds, counts."""
    slopes: FloatArray
    """(3,) how fast each channel falls from light to shadow, as a share of how fast brightness falls."""

    @classmethod
    def of(cls, image: ImageF32, weights: Mask, side: int) -> _Light:
        average = _average(image, weights[..., None], _SIGMA * side)
        near = _average(image, weights[..., None], _DETAIL_SIGMA * side) @ _LUMA
        sure = (np.abs(image @ _LUMA - near) / (near + _FLOOR))[weights > 0.5]
        return cls(average, float(np.median(sure)) if sure.size else 0.0, _slopes(image, weights))


def _on_skin(weights: Mask, side: int) -> FloatArray:
    """(h, w, 1) softly 1 on skin and 0 on eyes, brows and lips, which must not take on the tint of shaded skin."""
    return np.asarray(cv2.GaussianBlur(weights, (0, 0), 0.01 * side), np.float32)[..., None]


def _slopes(image: ImageF32, weights: Mask) -> FloatArray:
    logs = np.log(np.clip(image, 0, 1) + _FLOOR)
    share = (weights / max(float(weights.sum()), 1e-6))[..., None]
    logs = logs - (logs * share).sum((0, 1))
    brightness = (logs @ _LUMA)[..., None]
    variance = float((brightness**2 * share).sum())
    return (logs * brightness * share).sum((0, 1)) / variance if variance > 1e-6 else np.ones(3)


def _with_shoulder(image: ImageF32) -> ImageF32:
    """Bright values bent towards white and not cut off there, so that glints on glasses and teeth keep their shape."""
    excess = np.maximum(image - _SHOULDER, 0)
    if not excess.any():
        return image
    room = 1 - _SHOULDER
    return np.minimum(image, _SHOULDER) + room * excess / (room + excess)


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
