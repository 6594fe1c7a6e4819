"""Where the five landmarks go in a crop, in the unit square. Order: eye left, eye right, nose, mouth left, right."""

from __future__ import annotations

from typing import Final

import numpy as np

from .types import CropSpec, Points

_ARCFACE_PIXELS: Final = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
_FFHQ_PIXELS: Final = (
    (192.98138, 239.94708),
    (318.90277, 240.1936),
    (256.63416, 314.01935),
    (201.26117, 371.41043),
    (313.08905, 371.15118),
)


def _unit(pixels: tuple[tuple[float, float], ...], size: float, shift_x: float = 0.0) -> Points:
    points = (np.array(pixels, np.float32) + np.array([shift_x, 0.0], np.float32)) / size
    points.flags.writeable = False
    return points


ARCFACE_112: Final = _unit(_ARCFACE_PIXELS, 112)
"""InsightFace, `utils/face_align.py`, for crop sizes that 112 divides."""
ARCFACE_128: Final = _unit(_ARCFACE_PIXELS, 128, shift_x=8)
"""InsightFace, `utils/face_align.py`, for the other sizes: 8 of 128 pixels further right, more room below."""
FFHQ_512: Final = _unit(_FFHQ_PIXELS, 512)
"""facexlib, `utils/face_restoration_helper.py`: the alignment of FFHQ, on which restorers are trained."""


def arcface(size: int) -> CropSpec:
    """InsightFace's alignment for a square crop of `size` pixels."""
    return CropSpec(ARCFACE_112 if size % 112 == 0 else ARCFACE_128, size)
