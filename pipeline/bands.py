"""Large pictures resized a band of rows at a time: no more of them than a band is ever held as float32."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor

import cv2
import numpy as np

from .types import ImageF32, Picture, Size

_BAND_PIXELS = 1 << 16
_AT_ONCE = 1 << 18
"""Pictures of up to so many pixels are one band: OpenCV alone is faster, and 3 MB are no burden."""


def full_scale(picture: Picture) -> float:
    """What stands for 1 in a picture: the most of its whole numbers, 1 for floats."""
    return float(np.iinfo(picture.dtype.name).max) if picture.dtype.kind == "u" else 1.0


def to_float(picture: Picture) -> ImageF32:
    """(H, W, C) of any accepted dtype as contiguous RGB float32 in [0, 1]; grey is repeated, alpha dropped."""
    colours = picture if picture.shape[2] == 1 else picture[..., :3]
    values = np.ascontiguousarray(colours, np.float32)
    if picture.dtype.kind == "u":
        values /= np.float32(full_scale(picture))  # the caller's own array is none of float32
    return np.repeat(values, 3, axis=2) if picture.shape[2] == 1 else values


def resized_by_area(picture: Picture, size: Size) -> ImageF32:
    """(H, W, C) of any accepted dtype averaged down to `size`: RGB float32 in [0, 1], as OpenCV's INTER_AREA."""
    return _resized(picture, size, cv2.INTER_AREA, _average)


def resized_bilinear(picture: Picture, size: Size) -> ImageF32:
    """(H, W, C) of any accepted dtype at `size`: RGB float32 in [0, 1], as OpenCV's INTER_LINEAR."""
    return _resized(picture, size, cv2.INTER_LINEAR, _middle)


def _resized(picture: Picture, size: Size, flag: int, row_of: Callable[[ImageF32, float, float], ImageF32]) -> ImageF32:
    height, width = picture.shape[:2]
    if _is_plain(picture):
        return np.asarray(cv2.resize(picture, size, interpolation=flag), np.float32)
    if height * width <= _AT_ONCE:
        return np.asarray(cv2.resize(to_float(picture), size, interpolation=flag), np.float32)
    out = np.empty((size.height, size.width, 3), np.float32)
    scale = height / size.height
    step = max(floor(_BAND_PIXELS / width / scale), 1)
    for top in range(0, size.height, step):
        rows = out[top : top + step]
        first, last = max(floor(top * scale) - 1, 0), min(ceil((top + len(rows)) * scale) + 1, height)
        band = np.asarray(
            cv2.resize(to_float(picture[first:last]), (size.width, last - first), interpolation=flag), np.float32
        )
        for number, row in enumerate(rows, top):
            row[:] = row_of(band, number * scale - first, (number + 1) * scale - first)
    return out


def _is_plain(picture: Picture) -> bool:
    """Whether OpenCV reads the picture where it lies, as it is to be read: RGB float32 in rows without gaps."""
    return picture.dtype == np.float32 and picture.shape[2] == 3 and picture.strides[1:] == (12, 4)


def _average(rows: ImageF32, low: float, high: float) -> ImageF32:
    """The average of the rows from `low` to `high`, of the first and the last only the part between."""
    first, last = floor(low), min(ceil(high), len(rows))
    total = rows[first:last].sum(0)
    total -= rows[first] * (low - first)
    total -= rows[last - 1] * (last - high)
    return total / (high - low)


def _middle(rows: ImageF32, low: float, high: float) -> ImageF32:
    """What lies in the middle between `low` and `high`, read between the two nearest rows."""
    place = min(max((low + high - 1) / 2, 0), len(rows) - 1)
    first, last = rows[floor(place)], rows[ceil(place)]
    return first + (last - first) * (place - floor(place))
