"""How strong a watermark is: as weak as it can be and still be found in a poor copy of its picture."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..pipeline.geometry import resized
from ..pipeline.types import FloatArray, Mask, Size
from .watermark_pattern import SIDE, window
from .whitening import agreement

FAINTEST: Final = 51.0
STRONGEST: Final = 44.8
"""dB of PSNR over what was swapped of a face. Rounded to 8 bits the strongest leaves 44.4."""
WANTED: Final = 12.5
"""Deviations that a copy at half the size and JPEG quality 75 is to show: the detector asks for 7.5."""
_BRIGHT: Final = 0.25
_IN_THE_DARK: Final = 0.6
"""How far the strongest mark goes down with faces darker than `_BRIGHT`, where the same levels are seen sooner."""
_TRIED: Final = 46.0
_QUALITY: Final = 75
_SMALLEST: Final = 32


def concealment(grey: Mask) -> Mask:
    """(256, 256) how much each place of a crop hides: more where there is texture, less where it is dark."""
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 2)
    texture = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 4))
    return np.asarray(np.clip(0.4 + 50 * texture, 0.5, 1.6) * np.clip(grey / 0.4, 0.25, 1), np.float32)


def strongest_agreement(grey: Mask, spectrum: NDArray[np.complex64]) -> tuple[int, int]:
    """The shift (down, right) at which a crop agrees best with a pattern: there is the least to be added."""
    found = agreement(_flattened(grey), spectrum)
    down, right = divmod(int(np.argmax(found)), SIDE)
    return down, right


def amplitude(grey: Mask, marks: Mask, shift: tuple[int, int], spectrum: NDArray[np.complex64], side: int) -> float:
    """What to multiply marks of mean square 1 with, which lie at this shift, for a face whose crop is `side` pixels."""
    tried = np.float32(10 ** (-_TRIED / 20))
    marked = np.asarray(grey + marks * tried, np.float32)
    before, after = (
        float(agreement(_flattened(_poor_copy(values, side)), spectrum)[shift]) for values in (grey, marked)
    )
    wanted = (WANTED - before) / max(after - before, 1e-3) * tried
    return float(np.clip(wanted, 10 ** (-FAINTEST / 20), _most(grey, np.abs(marks))))


def _most(grey: Mask, weights: Mask) -> float:
    brightness = float((grey * weights).sum() / max(weights.sum(), 1e-6))
    return 10 ** (-STRONGEST / 20) * min(max(brightness / _BRIGHT, _IN_THE_DARK), 1)


def _flattened(grey: Mask) -> FloatArray:
    """As `whitening.whitened`, for this purpose as good, in a thirtieth of the time."""
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 2.5)
    local = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 4)) + np.float32(0.002)
    return np.clip(fine / local, -1, 1) * window()


def _poor_copy(grey: Mask, side: int) -> Mask:
    half = max(side // 2, _SMALLEST)
    small = resized(np.ascontiguousarray(grey), Size(half, half))
    levels = np.rint(np.clip(small, 0, 1) * 255).astype(np.uint8)
    coded = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    again = cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)
    return resized(np.asarray(again, np.float32) / np.float32(255), Size(SIDE, SIDE))
