"""Pixel boost: a larger crop, split by stride into crops of the model's size and put together again."""

from __future__ import annotations

import numpy as np

from ...pipeline.types import FloatArray, ImageF32


def pixel_unshuffle(image: ImageF32, factor: int) -> FloatArray:
    """(n·s, n·s, ...) into (n², s, s, ...): every n-th pixel from each of the n² starting points."""
    side = image.shape[0] // factor
    blocks = image.reshape(side, factor, side, factor, *image.shape[2:])
    return np.moveaxis(blocks, (1, 3), (0, 1)).reshape(factor**2, side, side, *image.shape[2:])


def pixel_shuffle(parts: FloatArray, factor: int) -> FloatArray:
    """The (n·s, n·s, ...) picture whose `split` these (n², s, s, ...) are."""
    side = parts.shape[1]
    grid = parts.reshape(factor, factor, side, side, *parts.shape[3:])
    return np.moveaxis(grid, (0, 1), (1, 3)).reshape(side * factor, side * factor, *parts.shape[3:])
