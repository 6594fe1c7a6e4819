"""Where one scene of a clip ends and the next begins."""

from __future__ import annotations

import cv2
import numpy as np

from ..bands import full_scale
from ..types import FloatArray, Picture, Size

_THUMBNAIL = Size(32, 18)
_ALIKE = 0.6
"""Correlation with the frame before below which a frame may start a scene. Light that changes leaves it high."""
_CHANGED = 0.04
"""Mean difference, of the full range, that a cut has at least: flat and dark frames correlate by chance only."""


def thumbnail(picture: Picture) -> FloatArray:
    """(18, 32, C) float32 in [0, 1]: what is compared."""
    small = cv2.resize(picture[..., :3], _THUMBNAIL, interpolation=cv2.INTER_AREA)
    return np.atleast_3d(small).astype(np.float32) / np.float32(full_scale(picture))


def is_cut(before: FloatArray, after: FloatArray) -> bool:
    """Whether two neighbouring frames, as thumbnails, belong to different scenes."""
    return float(np.abs(after - before).mean()) > _CHANGED and _correlation(before, after) < _ALIKE


def _correlation(first: FloatArray, second: FloatArray) -> float:
    """Of what is left without each channel's mean; 0 where a picture is flat."""
    first, second = first - first.mean((0, 1)), second - second.mean((0, 1))
    norm = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum()) / norm if norm > 1e-6 else 0.0
