"""A face's own skin tone in another's light, as far as the neck lets it pass."""

from __future__ import annotations

import cv2
import numpy as np

from ..geometry import resized
from ..types import FloatArray, ImageF32, Mask, Size
from .chroma import ChromaCurve, monochrome

_NEAR = 14.0
"""Distance in CIE Lab of two tones up to which one may fade into the other between cheek and neck."""
_FADE = 0.09
"""Of the crop's side: how softly the tone fades towards the mask's rim."""
_WITHIN = (0.55, 1.0)


def tone_factors(image: ImageF32, weight: Mask, target: ImageF32, target_weight: Mask) -> FloatArray | None:
    """(3,) factors of the channels from the target's skin tone to that of `image`; None where they are too far apart.

    Both are RGB in [0, 1]; weights, of any size, say where they show plain skin. A picture's tone is that of its own
    light, so a face in quite another light counts as of another tone.
    """
    size = Size.of(weight)
    small = resized(target, size)
    own, theirs = _median(resized(image, size), weight), _median(small, resized(target_weight, size))
    toned = monochrome(small, ChromaCurve.of(small, np.ones(small.shape[:2], np.float32)))
    if toned > 0 or _distance(own, theirs) > _NEAR:
        return None
    return own / np.maximum(theirs, 1e-3)


def with_tone(image: ImageF32, mask: Mask, factors: FloatArray) -> ImageF32:
    """`image` (H, W, 3) with its channels scaled inside of `mask` (H, W), less and less towards its rim."""
    small = Size(*(max(side // 4, 1) for side in Size.of(image)))
    soft = np.asarray(cv2.GaussianBlur(resized(mask, small), (0, 0), _FADE * max(small)), np.float32)
    low, high = _WITHIN
    inside = np.clip((soft / max(float(soft.max()), 1e-6) - low) / (high - low), 0, 1)
    share = (inside * inside * (3 - 2 * inside))[..., None]
    result = image * resized(np.power(factors, share).astype(np.float32), Size.of(image))
    return np.clip(result, 0, 1, out=result)


def _median(image: ImageF32, weight: Mask) -> FloatArray:
    return np.median(image[weight >= 0.5 * float(weight.max())], 0)


def _distance(one: FloatArray, other: FloatArray) -> float:
    both = np.stack([one, other])[None].astype(np.float32)
    lab = cv2.cvtColor(both, cv2.COLOR_RGB2LAB)[0]
    return float(np.linalg.norm(lab[0] - lab[1]))
