"""What chroma a picture's skin has at each brightness, as a curve that pixels are looked up in."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from ..types import FloatArray, ImageF32, Mask

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Rec. 709, on encoded values as on linear ones: brightness by which colours are divided, not a measure of light."""
_STEPS = 256
_WIDTHS = ((0.05, 1.0), (0.15, 1e-2), (0.45, 1e-4))
"""Kernels by which samples of other brightness count, and how much: wider ones where the picture has few of its own."""
_UNSURE = 0.02
"""Brightness below which a pixel's chroma is mostly rounding."""
_SHOULDER = 0.85
_MONOCHROME = (0.02, 0.04)
"""Mean deviation from one curve, as a share of the mean brightness: up to the first a picture counts as toned grey."""


class ChromaCurve(NamedTuple):
    """Chroma, RGB over brightness, as a smooth function of brightness."""

    values: FloatArray
    """(256, 3) float32, of brightness 1 each, for brightness 0 to 1."""

    @classmethod
    def of(cls, image: ImageF32, weight: Mask) -> ChromaCurve:
        """Of the pixels of `image` (h, w, 3), RGB in [0, 1], by their `weight` (h, w)."""
        brightness = image @ LUMA
        sure = (weight * np.minimum(brightness / _UNSURE, 1)).ravel()
        steps = np.clip(brightness.ravel() * (_STEPS - 1) + 0.5, 0, _STEPS - 1).astype(np.intp)
        ratios = chroma(image).reshape(-1, 3)
        sums = [np.bincount(steps, sure * ratios[:, c], _STEPS) for c in range(3)]
        table = np.stack([*sums, np.bincount(steps, sure, _STEPS)], 1)
        curve = _KERNEL @ table + 1e-9 * table.sum(0) + 1e-12
        curve = curve[:, :3] / curve[:, 3:]
        return cls((curve / (curve @ LUMA)[:, None]).astype(np.float32))

    def at(self, brightness: FloatArray) -> ImageF32:
        """(h, w, 3) the chroma at each brightness (h, w) in [0, 1], in steps of 1/255."""
        steps = cv2.convertScaleAbs(np.clip(brightness, 0, 1), alpha=_STEPS - 1)
        return np.asarray(cv2.LUT(cv2.merge([steps] * 3), self.values[None]), np.float32)

    def colours(self, brightness: FloatArray) -> ImageF32:
        """(h, w, 3) what each brightness (h, w), 0 to 2, is multiplied by to become a colour of the curve.

        Beyond 0.85 brightness is bent towards 1 and not cut off there, so that glints keep their shape.
        """
        steps = cv2.convertScaleAbs(brightness, alpha=(_STEPS - 1) / 2)
        return np.asarray(cv2.LUT(cv2.merge([steps] * 3), (self.values[_HALVED] * _BENT[:, None])[None]), np.float32)

    def mixed(self, other: ChromaCurve, share: float) -> ChromaCurve:
        """With that share of another curve."""
        return ChromaCurve(self.values + np.float32(share) * (other.values - self.values))


def chroma(image: FloatArray) -> FloatArray:
    """(..., 3) RGB over its brightness; black counts as grey."""
    lifted = image + np.float32(1e-3)
    return lifted / (lifted @ LUMA)[..., None]


def monochrome(image: ImageF32, curve: ChromaCurve) -> float:
    """1 where the colour of `image` (h, w, 3) follows from its brightness alone, as in sepia; 0 in colour pictures."""
    brightness = image @ LUMA
    away = np.abs(image - curve.at(brightness) * brightness[..., None]).max(2).mean()
    low, high = _MONOCHROME
    return float(np.clip((high - away / max(float(brightness.mean()), 1e-4)) / (high - low), 0, 1))


def _kernel() -> FloatArray:
    positions = np.arange(_STEPS) / (_STEPS - 1)
    squares = (positions[:, None] - positions) ** 2
    return np.sum([share * np.exp(-squares / (2 * width**2)) for width, share in _WIDTHS], 0)


def _bent() -> FloatArray:
    brightness = np.linspace(0, 2, _STEPS)
    excess = np.maximum(brightness - _SHOULDER, 0)
    room = 1 - _SHOULDER
    bent = np.minimum(brightness, _SHOULDER) + room * excess / (room + excess)
    return (bent / np.maximum(brightness, 1e-6)).astype(np.float32)


_KERNEL = _kernel()
_BENT = _bent()
_BENT[0] = 1
_HALVED = np.minimum(2 * np.arange(_STEPS), _STEPS - 1)
