"""The built-in restorer: no network, it makes the detail that a face has stand out and invents none."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ...pipeline.compose.chroma import LUMA
from ...pipeline.errors import require_range
from ...pipeline.types import Face, ImageF32, Placement
from .own_pixels import blended, own_pixels

_MOST = 1024
_REACH, _EDGE = 3.0, 0.2
"""Of the smoothing whose rest is detail: how far it reaches, in pixels, and which step of brightness is an edge."""
_GAIN = 2.5
"""How much of the detail is added."""
_NOISE = 0.012
"""Detail of this strength is raised half as much as strong detail, weaker one much less: it is mostly noise."""
_COMMON = 2.5
"""Times the median strength, where that is more: what is all over a face is grain and pores, not eyes and lips."""


_AROUND = 5
"""Side of the square of pixels whose brightest and darkest bound the result."""


class SharpenRestorer:
    """Edge-aware sharpening of brightness, after unsharp masking with a bilateral filter (Tomasi and Manduchi 1998).

    Nowhere does it go beyond the brightest and darkest pixel around, so that edges get no halos.
    """

    fidelity = False
    batch = 8
    sessions: tuple[()] = ()

    def place(self, face: Face) -> Placement:
        """A crop of as many pixels as the face has in the picture."""
        return own_pixels(face, _MOST)

    def restore(self, crops: Sequence[ImageF32], weight: float) -> list[ImageF32]:
        """Sharpen crops (S, S, 3) RGB in [0, 1]; see `pipeline.protocols.Restorer`."""
        require_range("face_restore_weight", weight, 0, 1)
        return [blended(crop, _sharper(crop), weight) for crop in crops]


def _sharper(crop: ImageF32) -> ImageF32:
    luma = np.asarray(crop @ LUMA, np.float32)
    detail = luma - cv2.bilateralFilter(luma, 0, _EDGE, _REACH)
    strength = cv2.GaussianBlur(np.abs(detail), (0, 0), _REACH)
    noise = max(_NOISE, _COMMON * float(np.median(strength)))
    raised = luma + _GAIN * detail * strength**2 / (strength**2 + noise**2)
    around = np.ones((_AROUND, _AROUND), np.uint8)
    bounded = np.clip(raised, cv2.erode(luma, around), cv2.dilate(luma, around))
    return np.asarray(np.clip(crop + (bounded - luma)[..., None], 0, 1), np.float32)
