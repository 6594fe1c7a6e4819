"""Where faces lie in their picture, as masks for other tools."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import Face, FaceSet, FloatArray


def areas_of(faces: FaceSet) -> FloatArray:
    """(B, H, W) 1 on the faces of each picture, 0 elsewhere.

    A face is the hull of its mesh, or the ellipse in its box where it has none.
    """
    areas = np.zeros((len(faces), faces.size.height, faces.size.width), np.float32)
    for area, found in zip(areas, faces, strict=True):
        for face in found:
            cv2.fillConvexPoly(area, _outline(face), 1.0)
    return areas


def _outline(face: Face) -> NDArray[np.int32]:
    """(N, 2) in OpenCV's pixels, which count from the middle of the first."""
    if face.mesh is not None:
        points = cv2.convexHull(np.ascontiguousarray(face.mesh[:, :2]))[:, 0]
    else:
        angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
        centre, radii = (face.box[:2] + face.box[2:]) / 2, (face.box[2:] - face.box[:2]) / 2
        points = centre + radii * np.stack([np.cos(angles), np.sin(angles)], 1)
    return np.rint(points - 0.5).astype(np.int32)
