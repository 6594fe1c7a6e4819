"""Carries a donor's face onto a target's mesh: rasterising, visibility, warping.

The 468 points are the same places of the skin on every face; a triangle of the target shows what the same triangle of
the donor shows. Where the donor turns a side away, the mirrored triangle of the other side stands in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from . import meshpoints as points
from .types import FloatArray, Size

Triangles = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Topology:
    """What is the same for every face mesh."""

    triangles: Triangles
    """(898, 3) points, clockwise as the viewer sees a triangle that faces him."""
    mirror: NDArray[np.intp]
    """(468,) each point's counterpart on the other half of the face."""
    canonical: FloatArray
    """(468, 3) MediaPipe's canonical face in cm: x to the right, y up, z towards the viewer."""

    @classmethod
    def of(cls, canonical: FloatArray, triangles: NDArray[np.integer]) -> Topology:
        """From the canonical face (468, 3) and its triangles (898, 3)."""
        flipped = canonical * np.array([-1, 1, 1], np.float32)
        distances = ((flipped[:, None] - canonical[None]) ** 2).sum(2)
        return cls(triangles.astype(np.intp), distances.argmin(1), canonical)


class Raster(NamedTuple):
    """Which triangle each pixel of a crop shows, and where in it the pixel lies."""

    inside: NDArray[np.bool_]
    """(h, w) whether the pixel lies on the mesh."""
    corners: Triangles
    """(N, 3) mesh points of the triangle under each pixel inside, row by row."""
    weights: FloatArray
    """(N, 3) barycentric coordinates in it."""

    def spread(self, values: FloatArray) -> FloatArray:
        """Interpolate values (468, K) of the mesh points over the pixels: (h, w, K), 0 outside the mesh."""
        picture = np.zeros((*self.inside.shape, values.shape[1]), np.float32)
        picture[self.inside] = (self.weights[..., None] * values[self.corners]).sum(1)
        return picture


def rasterise(mesh: FloatArray, triangles: Triangles, size: Size) -> Raster:
    """Draw the triangles that face the viewer of a mesh (468, 3), in pixels of a crop of `size`, the nearest on top."""
    shown = triangles[normals_of(mesh, triangles)[:, 2] < 0]
    order = shown[np.argsort(-mesh[shown, 2].mean(1), kind="stable")]
    canvas = np.full((size.height, size.width), -1, np.int32)
    fixed = np.rint((mesh[order, :2] - 0.5) * 16).astype(np.int32)
    for number, corners in enumerate(fixed):
        cv2.fillConvexPoly(canvas, corners, number, shift=4)
    inside = canvas >= 0
    rows, columns = np.nonzero(inside)
    hit = order[canvas[inside]]
    return Raster(inside, hit, _barycentric(mesh[hit, :2], np.stack([columns, rows], 1) + 0.5))


def normals_of(mesh: FloatArray, triangles: Triangles) -> FloatArray:
    """(T, 3) normals as long as twice the triangle's area; z < 0 where it faces the viewer."""
    a, b, c = (mesh[triangles[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a)


def facing(mesh: FloatArray, triangles: Triangles) -> FloatArray:
    """(468,) cosine between the skin's normal at each point and the line of sight: 1 faces the viewer, < 0 away."""
    normals = normals_of(mesh, triangles)
    total = np.stack([np.bincount(triangles.ravel(), np.repeat(normals[:, k], 3), len(mesh)) for k in range(3)], 1)
    return (-total[:, 2] / np.maximum(np.linalg.norm(total, axis=1), 1e-9)).astype(np.float32)


def smoothstep(low: float, high: float, values: FloatArray) -> FloatArray:
    """0 up to `low`, 1 from `high` on, a smooth step between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def openness(mesh: FloatArray) -> float:
    """How far the mouth stands open: the gap between the lips over the mouth's width."""
    gap = np.linalg.norm(mesh[points.LIP_BOTTOM] - mesh[points.LIP_TOP])
    width = np.linalg.norm(mesh[points.MOUTH_RIGHT] - mesh[points.MOUTH_LEFT])
    return float(gap / max(float(width), 1e-6))


def _barycentric(corners: FloatArray, pixels: FloatArray) -> FloatArray:
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac, ap = b - a, c - a, pixels - a
    area = _cross(ab, ac)
    area = np.where(np.abs(area) < 1e-6, 1e-6, area)
    second, third = _cross(ap, ac) / area, _cross(ab, ap) / area
    return np.stack([1 - second - third, second, third], 1).astype(np.float32)


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
