"""Masks that say where targets may change: the MASK of the nodes and `--limit-mask`'s picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..media.pictures import read_picture
from ..pipeline.bands import full_scale
from ..pipeline.errors import MismatchError
from ..pipeline.geometry import resized
from ..pipeline.types import FloatArray, Size

_SAME_SHAPE = 0.01
"""How far two proportions may differ by rounding."""


def read_limit(file: Path) -> FloatArray:
    """Shares (h, w) in [0, 1]: 1 where the picture is white, 0 where it is black or transparent."""
    picture = read_picture(file)
    pixels = np.asarray(picture, np.float32) / np.float32(full_scale(picture))
    if pixels.shape[2] == 1:
        return np.ascontiguousarray(pixels[..., 0])
    grey = cv2.cvtColor(np.ascontiguousarray(pixels[..., :3]), cv2.COLOR_RGB2GRAY)
    return np.clip(grey * pixels[..., 3] if pixels.shape[2] == 4 else grey, 0, 1).astype(np.float32, copy=False)


def fitted_limit(limit: FloatArray, size: Size, name: str) -> FloatArray:
    """The limit (h, w) in the target's size; itself where it has it. MismatchError where its proportions are others.

    `name` is what the user calls it.
    """
    found = Size.of(limit)
    if found == size:
        return limit
    if abs(found.width * size.height / (found.height * size.width) - 1) > _SAME_SHAPE:
        raise MismatchError(f"{name}: expected the target's size {size} or its proportions, got {found}")
    return resized(limit, size)
