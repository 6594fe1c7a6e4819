"""Makes a face's own contents as weak as they can be beside a watermark."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..pipeline.types import FloatArray, Mask
from .watermark_pattern import SIDE, frequencies, window

_EDGES: Final = (12, 17, 24, 34, 48, 68, 90)
"""Cycles a crop between the bands, half an octave each."""
_DIRECTIONS: Final = 3
_QUIET: Final = 0.002
"""In [0, 1]: half a level of 8 bits, which is noise wherever it is."""
_MOST: Final = 1.0
"""Local deviations beyond which a value counts no more: eyes and beards drown everything else otherwise."""


class _Band(NamedTuple):
    weights: FloatArray
    """(256, 129) of the spectrum."""
    reach: float
    """Pixels over which its strength is compared."""
    quiet: float


def whitened(grey: Mask) -> Mask:
    """The crop (256, 256) in [0, 1] with all of its frequencies, directions and places about equally strong.

    The sum over bands of frequency and direction of what is left when each is divided by its own local deviation.
    """
    smooth = cv2.GaussianBlur(grey, (0, 0), SIDE / 16)
    crop = np.fft.rfft2((grey - smooth) * window())
    total = np.zeros(crop.shape, np.complex128)
    for band in _bands():
        part = np.fft.irfft2(crop * band.weights, (SIDE, SIDE)).astype(np.float32)
        local = np.sqrt(cv2.GaussianBlur(part * part, (0, 0), band.reach)) + np.float32(band.quiet)
        total += np.fft.rfft2(np.clip(part / local, -_MOST, _MOST)) * band.weights
    return np.asarray(np.fft.irfft2(total, (SIDE, SIDE)) * window(), np.float32)


def agreement(values: Mask, spectrum: NDArray[np.complex64]) -> FloatArray:
    """(256, 256) how well a whitened crop agrees with a pattern at every shift, in deviations over all shifts.

    `spectrum` is the conjugate of the pattern's. Without the pattern the values are nearly normal, of deviation 1.
    """
    found = np.fft.irfft2(np.fft.rfft2(values) * spectrum, (SIDE, SIDE))
    return found / max(float(np.sqrt(np.mean(found * found))), 1e-12)


@cache
def _bands() -> tuple[_Band, ...]:
    angles = np.arctan2(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE)[None])
    bands: list[_Band] = []
    for low, high in pairwise(_EDGES):
        for turn in range(_DIRECTIONS):
            weights = _ring(low, high) * _sector(angles, turn * np.pi / _DIRECTIONS)
            bands.append(_Band(weights, SIDE / (low * high) ** 0.5 / 2, _QUIET * 1.5 * float(weights.mean()) ** 0.5))
    return tuple(bands)


def _ring(low: float, high: float) -> FloatArray:
    places = np.maximum(frequencies(), 0.1)
    rounded = np.exp(-0.5 * (np.log(places / (low * high) ** 0.5) / (np.log(high / low) / 2)) ** 2)
    return np.where((places >= 0.8 * low) & (places <= 1.25 * high), rounded, 0)


def _sector(angles: FloatArray, middle: float) -> FloatArray:
    away = np.abs((angles - middle + np.pi / 2) % np.pi - np.pi / 2)
    return np.cos(np.minimum(away * _DIRECTIONS / 2, np.pi / 2)) ** 2
