"""Where faces lie in their picture, as masks for other tools."""

from __future__ import annotations

import cv2
import numpy as np

from ..faces.outlines import outline
from ..types import FaceSet, FloatArray


def areas_of(faces: FaceSet) -> FloatArray:
    """(B, H, W) 1 on the faces of each picture, 0 elsewhere.

    A face is the hull of its mesh, or the ellipse in its box where it has none.
    """
    areas = np.zeros((len(faces), faces.size.height, faces.size.width), np.float32)
    for area, found in zip(areas, faces, strict=True):
        for face in found:
            # OpenCV counts from the middle of the first pixel.
            cv2.fillConvexPoly(area, np.rint(outline(face) - 0.5).astype(np.int32), 1.0)
    return areas
