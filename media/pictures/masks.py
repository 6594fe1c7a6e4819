"""Masks as picture files that say the truth: where the file is black, nothing changed."""

from __future__ import annotations

import os
from io import BytesIO
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...pipeline.compose.masks import in_range
from ...pipeline.types import FloatArray, Size
from .writing import picture_format, require_fits, write_file

_OPTIONS: Final[dict[str, dict[str, object]]] = {
    "jpeg": {"quality": 100},
    "png": {"compress_level": 4},
    "webp": {"lossless": True},
    "avif": {"quality": 100},
}
_FAINTEST: Final = {"jpeg": 4, "avif": 4}
"""The least that isn't black: at its best quality JPEG still errs by one level, and AVIF has many encoders."""


def write_mask(path: str | os.PathLike[str], mask: FloatArray) -> None:
    """Write weights (H, W) in [0, 1] as a grey picture of 8 bits, white on black; the extension says the format.

    Where the file is black the weight is 0. Raises SettingsError and ImageError.
    """
    image_format = picture_format(path)
    require_fits(Size.of(mask), image_format)
    levels, buffer = _levels(mask), BytesIO()
    levels = np.where(levels > 0, np.maximum(levels, _FAINTEST.get(image_format, 1)), 0).astype(np.uint8)
    Image.fromarray(levels).save(buffer, image_format, **_OPTIONS[image_format])
    write_file(path, buffer.getvalue())


def _levels(mask: FloatArray) -> NDArray[np.uint8]:
    """0 to 255, rounded up: the faintest weight isn't black."""
    return np.ceil(in_range(mask) * 255).astype(np.uint8)
