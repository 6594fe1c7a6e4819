"""Where a mesh shows plain skin and lips, in small masks, by the outlines of its parts."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import FloatArray, Mask, Mesh, Size
from . import mesh_points as points

_AROUND = 0.045
"""Of the face's width: what eyes and brows shade, beyond their outlines."""
_AROUND_LIPS = 0.0225
_RIM = 0.0225
Area = NDArray[np.uint8]
"""(h, w) 1 within, 0 outside."""
_OUTLINES = (points.EYE_LEFT, points.EYE_RIGHT, points.BROW_LEFT, points.BROW_RIGHT)


def skin_area(mesh: Mesh, size: Size) -> Mask:
    """(h, w) 1 on plain skin: the face's oval without its rim, eyes, brows, lips and what is next to them.

    `mesh` (468, 3) is in pixels of that size.
    """
    width = float(np.ptp(mesh[:, 0]))
    area = eroded(filled([mesh[list(points.OVAL)]], size), _RIM * width)
    features = dilated(filled([mesh[list(outline)] for outline in _OUTLINES], size), _AROUND * width)
    lips = dilated(filled([mesh[list(points.LIPS_OUTER)]], size), _AROUND_LIPS * width)
    return (area & ~features & ~lips).astype(np.float32)


def lip_area(mesh: Mesh, size: Size) -> Mask:
    """(h, w) 1 between the outer and the inner outline of the lips."""
    outlines = [mesh[list(outline)] for outline in (points.LIPS_OUTER, points.LIPS_INNER)]
    outer, inner = (filled([outline], size) for outline in outlines)
    return (outer & ~inner).astype(np.float32)


def filled(outlines: Sequence[FloatArray], size: Size) -> Area:
    """(h, w) 1 within any of the outlines (N, 2 or 3), in pixels of that size."""
    area = np.zeros((size.height, size.width), np.uint8)
    for outline in outlines:
        # OpenCV counts from pixel middles, in sixteenths here.
        cv2.fillPoly(area, [np.rint((outline[:, :2] - 0.5) * 16).astype(np.int32)], 1, shift=4)
    return area


def dilated(area: Area, reach: float) -> Area:
    """Wider by `reach` pixels on every side."""
    return np.asarray(cv2.dilate(area, _square(reach)), np.uint8)


def eroded(area: Area, reach: float) -> Area:
    """Narrower by `reach` pixels on every side."""
    return np.asarray(cv2.erode(area, _square(reach), borderValue=0), np.uint8)


def _square(reach: float) -> NDArray[np.uint8]:
    return np.ones((2 * round(reach) + 1,) * 2, np.uint8)
