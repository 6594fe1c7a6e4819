"""Bits a channel."""

from __future__ import annotations

import numpy as np

from ...pipeline.errors import ImageError
from ...pipeline.types import Picture


def to_uint8(pixels: Picture) -> Picture:
    """uint8, uint16 or float in [0, 1], of any shape, as the nearest uint8. ImageError for NaN and infinity."""
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if not np.isfinite(pixels).all():
        raise ImageError("expected values in [0, 1], got some that are not finite numbers")
    return np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
