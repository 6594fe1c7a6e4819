"""What a face looks like, roughly and at next to no cost: enough to notice that another one is in its place."""

from __future__ import annotations

from typing import Final

import numpy as np

from .. import templates
from ..geometry import align, extract_crop
from ..types import CropSpec, Face, FloatArray, Picture

CHANGED: Final = 0.7
"""Correlation of two looks below which a face may be somebody else. Different people's are below 0.5; the same face's,
turned, in other light or blurred, mostly above 0.8."""
_SIDE: Final = 16
_SHARE: Final = 0.7
"""Of the crop that the five points take up, against ArcFace's: hair and clothes tell as much as features."""
_SPEC: Final = CropSpec((templates.arcface(112).template - 0.5) * _SHARE + 0.5, _SIDE)
_SMALLEST: Final = 16.0
"""Pixels: what is smaller is mostly noise."""


def look_of(picture: Picture, face: Face) -> FloatArray | None:
    """(256,) float32 of length 1, whatever the light; None of a face too small for it or without any features."""
    if np.sqrt(face.area) < _SMALLEST:
        return None
    grey = extract_crop(picture, align(face, _SPEC)).mean(2)
    grey -= grey.mean()
    length = float(np.linalg.norm(grey))
    return (grey / length).ravel() if length > 1e-3 else None


def has_changed(before: FloatArray | None, now: FloatArray | None) -> bool:
    """Whether two looks differ so much that the faces may be two people's; never where one isn't known."""
    return before is not None and now is not None and float(before @ now) < CHANGED
