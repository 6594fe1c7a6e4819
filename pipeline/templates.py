"""Where the five landmarks go in a crop, in the unit square. Order: eye left, eye right, nose, mouth left, right."""

from __future__ import annotations

from types import MappingProxyType
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


_ARCFACE_V1: Final = (
    (0.35473214, 0.45658929),
    (0.64526786, 0.45658929),
    (0.5, 0.61154464),
    (0.37913393, 0.776875),
    (0.62086607, 0.776875),
)
_MTCNN: Final = (
    (0.36562865, 0.46733799),
    (0.63305391, 0.46585885),
    (0.50019127, 0.61942959),
    (0.39032951, 0.77598822),
    (0.61178945, 0.77476328),
)
_DFL: Final = (
    (0.35342266, 0.39285716),
    (0.62797622, 0.39285716),
    (0.48660713, 0.5401786),
    (0.38839287, 0.68750011),
    (0.59821427, 0.68750011),
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


ARCFACE_112_V1: Final = _unit(_ARCFACE_V1, 1)
"""ArcFace's first alignment, for which Ghost and SimSwap were trained; the figures are FaceFusion's."""
MTCNN_512: Final = _unit(_MTCNN, 1)
"""That of HiFiFace; the figures are FaceFusion's."""
DFL_WHOLE_FACE: Final = _unit(_DFL, 1)
"""DeepFaceLab's `whole_face`; the figures are FaceFusion's."""
TEMPLATES: Final = MappingProxyType(
    {
        "arcface_112_v1": ARCFACE_112_V1,
        "arcface_112_v2": ARCFACE_112,
        "arcface_128": ARCFACE_128,
        "dfl_whole_face": DFL_WHOLE_FACE,
        "ffhq_512": FFHQ_512,
        "mtcnn_512": MTCNN_512,
    }
)
"""By the names under which models are published with them."""


def arcface(size: int) -> CropSpec:
    """InsightFace's alignment for a square crop of `size` pixels."""
    return CropSpec(ARCFACE_112 if size % 112 == 0 else ARCFACE_128, size)
