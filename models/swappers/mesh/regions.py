"""Where a mesh shows plain skin and lips, in small masks, by the outlines of its parts."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ....pipeline.faces import mesh_points as points
from ....pipeline.types import FloatArray, Mask, Mesh, Size

_AROUND = 0.045
"""Of the face's width: what eyes and brows shade, beyond their outlines."""
_AROUND_LIPS = 0.0225
_RIM = 0.0225
_OUTLINES = (points.EYE_LEFT, points.EYE_RIGHT, points.BROW_LEFT, points.BROW_RIGHT)


def skin_area(mesh: Mesh, size: Size) -> Mask:
    """(h, w) 1 on plain skin: the face's oval without its rim, eyes, brows, lips and what is next to them.

    `mesh` (468, 3) is in pixels of that size.
    """
    width = float(np.ptp(mesh[:, 0]))
    area = _eroded(_filled([mesh[list(points.OVAL)]], size), _RIM * width)
    features = _dilated(_filled([mesh[list(outline)] for outline in _OUTLINES], size), _AROUND * width)
    lips = _dilated(_filled([mesh[list(points.LIPS_OUTER)]], size), _AROUND_LIPS * width)
    return (area & ~features & ~lips).astype(np.float32)


def lip_area(mesh: Mesh, size: Size) -> Mask:
    """(h, w) 1 between the outer and the inner outline of the lips."""
    outlines = [mesh[list(outline)] for outline in (points.LIPS_OUTER, points.LIPS_INNER)]
    outer, inner = (_filled([outline], size) for outline in outlines)
    return (outer & ~inner).astype(np.float32)


def _filled(outlines: Sequence[FloatArray], size: Size) -> NDArray[np.uint8]:
    area = np.zeros((size.height, size.width), np.uint8)
    for outline in outlines:
        # OpenCV counts from pixel middles, in sixteenths here.
        cv2.fillPoly(area, [np.rint((outline[:, :2] - 0.5) * 16).astype(np.int32)], 1, shift=4)
    return area


def _dilated(area: NDArray[np.uint8], reach: float) -> NDArray[np.uint8]:
    return np.asarray(cv2.dilate(area, _square(reach)), np.uint8)


def _eroded(area: NDArray[np.uint8], reach: float) -> NDArray[np.uint8]:
    return np.asarray(cv2.erode(area, _square(reach), borderValue=0), np.uint8)


def _square(reach: float) -> NDArray[np.uint8]:
    return np.ones((2 * round(reach) + 1,) * 2, np.uint8)
