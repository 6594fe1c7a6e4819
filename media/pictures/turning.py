"""Pictures put together of bands of rows, upright as their file's EXIF orientation says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import numpy as np

from ...pipeline.types import Picture, Size

_STORED: Final[dict[int, Callable[[Picture], Picture]]] = {
    1: lambda picture: picture,
    2: lambda picture: picture[:, ::-1],
    3: lambda picture: picture[::-1, ::-1],
    4: lambda picture: picture[::-1],
    5: lambda picture: np.transpose(picture, (1, 0, 2)),
    6: np.rot90,
    7: lambda picture: np.transpose(np.rot90(picture, 2), (1, 0, 2)),
    8: lambda picture: np.rot90(picture, -1),
}
"""Views of an upright picture as the file has it, by orientation (EXIF 2.32, 4.6.5)."""
_SIDEWAYS: Final = 5
"""From here on width and height change places."""


def is_turned(orientation: int) -> bool:
    """Whether a picture of this EXIF orientation isn't stored upright."""
    return orientation in _STORED and orientation != 1


def upright(bands: Iterable[Picture], size: Size, orientation: int = 1) -> Picture:
    """The picture (H, W, C) of bands of rows (h, w, C) that come to the `size` of the file, held once.

    Orientations that there are not count as 1. Raises ValueError where the bands are fewer rows, or more.
    """
    orientation = orientation if orientation in _STORED else 1
    sides = (size.width, size.height) if orientation >= _SIDEWAYS else (size.height, size.width)
    picture: Picture | None = None
    stored, top = np.empty((0, 0, 0), np.uint8), 0
    for band in bands:
        if picture is None:
            picture = np.empty((*sides, band.shape[2]), band.dtype)
            stored = _STORED[orientation](picture)
        stored[top : top + len(band)] = band
        top += len(band)
    if picture is None or top != size.height:
        raise ValueError(f"expected {size.height} rows, got {top}")
    return picture
