"""`--limit-mask`: a picture that says where a target may change."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from ..media.pictures import read_picture
from ..pipeline.errors import SettingsError
from ..pipeline.geometry import resized
from ..pipeline.types import FloatArray, Picture, Size

_SAME_SHAPE = 0.01
"""How far two proportions may differ by rounding."""


def read_limit(file: Path) -> FloatArray:
    """Shares (h, w) in [0, 1]: 1 where the picture is white, 0 where it is black or transparent."""
    picture = read_picture(file)
    pixels = picture.astype(np.float32) / np.float32(np.iinfo(picture.dtype).max)
    if pixels.shape[2] == 1:
        return pixels[..., 0]
    grey = cv2.cvtColor(np.ascontiguousarray(pixels[..., :3]), cv2.COLOR_RGB2GRAY)
    return np.clip(grey * pixels[..., 3] if pixels.shape[2] == 4 else grey, 0, 1)


def fitted_limit(limit: FloatArray, target: Picture) -> FloatArray:
    """The limit in the target's size. SettingsError where its proportions are others."""
    found, size = Size.of(limit), Size.of(target)
    if found == size:
        return limit
    if abs(found.width * size.height / (found.height * size.width) - 1) > _SAME_SHAPE:
        raise SettingsError(f"--limit-mask: expected the target's size {size} or its proportions, got {found}")
    return resized(limit, size)
