"""The watermark's pattern, in coordinates of the face, so that scaling and cropping a picture don't move it."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..pipeline.geometry import similarity
from ..pipeline.templates import ARCFACE_112
from ..pipeline.types import Face, FloatArray, ImageF32, Mask, Placement, Size

SIDE: Final = 256
"""Pixels of the square crop in which a face is marked."""
KEY: Final = "multifaceswap watermark 1"
"""Another key makes another pattern, which files marked with this one don't show. It is no secret."""
LOWEST: Final = 14
HIGHEST: Final = 70
"""Cycles a crop: below them the face's own features drown the pattern, and from 75 on a face of 256 pixels loses it at
half the size."""
_TILT: Final = 0.5
"""Exponent by which the amplitude grows with the frequency, against faces, whose own falls."""
_SHARE: Final = 0.82
"""Of the crop, what ArcFace's alignment fills: it shows a face to the chin and the rims of the cheeks."""
_UP: Final = -0.02
_MIDDLE: Final = (0.5, 0.52)
_RADII: Final = (0.47, 0.5)
_SOFT: Final = 0.12
"""The ellipse of the crop that a face fills, and the share of its radius over which it fades."""
_TEMPLATE: Final = (ARCFACE_112 - 0.5) * _SHARE + np.array([0.5, 0.5 + _UP], np.float32)


def placement(face: Face) -> Placement:
    """The crop of a face that carries the pattern, by its five landmarks."""
    return Placement(similarity(face.landmarks, _TEMPLATE * SIDE), Size(SIDE, SIDE))


def luma(image: ImageF32) -> Mask:
    """(H, W) of RGB float32, by Rec. 601."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)


@cache
def frequencies() -> FloatArray:
    """(256, 129) cycles a crop of each place of `numpy.fft.rfft2`."""
    return np.hypot(np.fft.fftfreq(SIDE)[:, None] * SIDE, np.fft.rfftfreq(SIDE)[None] * SIDE)


@cache
def window() -> Mask:
    """(256, 256) in [0, 1]: where faces lie in their crops."""
    x, y = ((np.arange(SIDE) + 0.5) / SIDE - middle for middle in _MIDDLE)
    away = np.hypot(x[None] / _RADII[0], y[:, None] / _RADII[1])
    return _frozen(np.clip((1 + _SOFT / 2 - away) / _SOFT, 0, 1))


@cache
def pattern(key: str = KEY) -> Mask:
    """(256, 256) of mean 0 and mean square 1, which continues across its edges. The same on every machine: its phases
    are bytes of SHAKE-256 of the key."""
    places = frequencies()
    phases = np.frombuffer(hashlib.shake_256(key.encode()).digest(places.size), np.uint8).reshape(places.shape)
    band = np.where((places >= LOWEST) & (places <= HIGHEST), np.maximum(places, 1) ** _TILT, 0)
    values = np.fft.irfft2(band * np.exp(2j * np.pi / 256 * phases), (SIDE, SIDE))
    return _frozen(values / values.std())


@cache
def spectrum(key: str = KEY) -> NDArray[np.complex64]:
    """(256, 129) the conjugate of the pattern's spectrum: what crops are multiplied with to find it."""
    values = np.conj(np.fft.rfft2(pattern(key))).astype(np.complex64)
    values.flags.writeable = False
    return values


def _frozen(values: FloatArray) -> Mask:
    values = values.astype(np.float32)
    values.flags.writeable = False
    return values
