"""Finds the mark of `watermark` in faces again."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from ..pipeline.geometry import extract_crop, warp
from ..pipeline.types import Face, Mask, Matrix, Picture, Size
from .watermark_pattern import KEY, SIDE, luma, placement, spectrum
from .whitening import agreement, whitened

THRESHOLD: Final = 7.5
"""Unmarked faces stay below 6.8 in all of 17,000 tries of other patterns. By their distribution (Gumbel, for the
maximum of many numbers) 3 of 1,000,000 faces go beyond this, and so fewer than 1 of 10,000 pictures of 30."""
_SCALES: Final = tuple(np.arange(-5, 6) * 0.012)
_TURNS: Final = tuple(np.arange(-4, 5) * 0.75)
_FINER: Final = tuple(product((-0.006, 0, 0.006), (-0.375, 0, 0.375)))
_BEST: Final = 3


class _Try(NamedTuple):
    score: float
    scale: float
    """Natural logarithm of the size beside what the landmarks say."""
    turn: float
    """Degrees beside what the landmarks say."""


def score(picture: Picture, face: Face, key: str = KEY) -> float:
    """How well a face agrees with the pattern, in deviations: `THRESHOLD` and more is a marked face.

    Landmarks lie a little differently in every copy of a picture: all places, sizes within 6 % and turns within 3°
    are tried, the best ones more finely.
    """
    values = whitened(luma(extract_crop(picture, placement(face))))
    tries = sorted(_tried(values, product(_SCALES, _TURNS), key), reverse=True)
    around = [(one.scale + scale, one.turn + turn) for one in tries[:_BEST] for scale, turn in _FINER]
    return max(tries[0], *_tried(values, around, key)).score


def _tried(values: Mask, places: Iterable[tuple[float, float]], key: str) -> list[_Try]:
    sides = Size(SIDE, SIDE)
    return [
        _Try(float(agreement(warp(values, _around_middle(*place), sides), spectrum(key)).max()), *place)
        for place in places
    ]


def _around_middle(scale: float, turn: float) -> Matrix:
    """Turns by degrees and scales by the exponential around the crop's middle."""
    cos, sin = np.exp(scale) * np.cos(np.radians(turn)), np.exp(scale) * np.sin(np.radians(turn))
    linear, middle = np.array([[cos, -sin], [sin, cos]]), np.full(2, SIDE / 2)
    return np.hstack([linear, (middle - linear @ middle)[:, None]])
