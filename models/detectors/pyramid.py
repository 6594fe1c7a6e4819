"""A picture and its halves: what is looked at many times over is shrunk once."""

from __future__ import annotations

from collections.abc import Iterator
from math import floor, log2

import cv2
import numpy as np

from ...pipeline.bands import full_scale
from ...pipeline.geometry import compose, extract_crop
from ...pipeline.types import ImageF32, Picture, Placement, Size

_BAND_PIXELS = 1 << 18


class Pyramid:
    """A picture (H, W, C) of any accepted dtype and its halves, from which crops are cut that shrink it."""

    def __init__(self, picture: Picture, smallest: int) -> None:
        """Halves are made down to a longer side of `smallest` pixels or more."""
        self.size = Size.of(picture)
        self._levels = [picture, *_halves(picture, smallest)]

    def crop(self, placement: Placement, shrink: float) -> ImageF32:
        """As `extract_crop`, of a crop that shrinks the picture by this factor: from the smallest picture that is
        shrunk less."""
        level = min(max(floor(log2(shrink)), 0), len(self._levels) - 1) if shrink > 0 else 0
        larger = np.array([[2.0**level, 0, 0], [0, 2.0**level, 0]])
        return extract_crop(self._levels[level], Placement(compose(placement.matrix, larger), placement.size))


def _halves(picture: Picture, smallest: int) -> Iterator[Picture]:
    while max(picture.shape[:2]) >= 2 * smallest and min(picture.shape[:2]) >= 2:
        picture = _halved(picture)
        yield picture


def _halved(picture: Picture) -> Picture:
    """(H // 2, W // 2, 3 or 1) uint8, averaged, a band of rows at a time; without a last odd row or column."""
    height, width = picture.shape[0] // 2, picture.shape[1] // 2
    channels = 1 if picture.shape[2] == 1 else 3
    half = np.empty((height, width, channels), np.uint8)
    step = max(_BAND_PIXELS // width, 1)
    for top in range(0, height, step):
        rows = half[top : top + step]
        # With alpha: taking it away first takes longer than to average it.
        band = np.ascontiguousarray(picture[2 * top : 2 * (top + len(rows)), : 2 * width])
        if band.dtype.kind == "f":
            band = np.asarray(band, np.float32)  # OpenCV knows few kinds of floats
        # As uint8 before it is averaged: the same picture has the same halves, whatever its dtype.
        band = band if band.dtype == np.uint8 else cv2.convertScaleAbs(band, alpha=255 / full_scale(picture))
        averaged = cv2.resize(band, (width, len(rows)), interpolation=cv2.INTER_AREA)
        rows[:] = averaged.reshape(*rows.shape[:2], -1)[..., :channels]
    return half
