"""Carries a donor's face onto a target's mesh: shape, normals, rasterising.

The 468 points are the same places of the skin on every face; a triangle of the target shows what the same triangle of
the donor shows.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ....pipeline.faces import mesh_points as points
from ....pipeline.types import FloatArray, Mesh, Points, Size
from .topology import Topology, Triangles, smoothstep

_MOUTH_SHARE = 0.6
"""How much of the donor's shape the mouth and what is below it take on: most of the difference is expression."""
MOUTH_GAP = (0.03, 0.1)
"""By how much wider the target's mouth stands open from which on its shape is all the target's."""


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
        at_corners = values.astype(np.float32)
        picture[self.inside] = sum(self.weights[:, [k]] * at_corners[self.corners[:, k]] for k in range(3))
        return picture


def with_shape_of(target: Mesh, donor: Mesh, topology: Topology) -> Mesh:
    """The target's mesh (468, 3) with the donor's eyes, brows, nose and most of his mouth; its rim stays.

    A mouth that stands open wider than the donor's keeps its own shape, so that lips lie around its teeth.
    """
    fitted = _rigidly(donor, target, topology.rigid)
    expression = smoothstep(*MOUTH_GAP, np.array(openness(target) - openness(donor)))
    share = topology.shaped * (1 - topology.mouth * (1 - _MOUTH_SHARE * (1 - expression)))
    shaped = target.copy()
    shaped[:, :2] += share[:, None] * (fitted - target)[:, :2]
    return shaped


def _rigidly(points_from: FloatArray, points_to: FloatArray, weights: FloatArray) -> FloatArray:
    """The first points (N, 3), turned, scaled and shifted as near to the second as they come (Kabsch, Umeyama)."""
    share = (weights / weights.sum())[:, None]
    mean_from, mean_to = (points_from * share).sum(0), (points_to * share).sum(0)
    a, b = points_from - mean_from, points_to - mean_to
    u, spread, vt = np.linalg.svd((a * share).T @ b)
    signs = np.array([1, 1, np.sign(np.linalg.det(vt.T @ u.T))])
    scale = float((spread * signs).sum() / (share * a * a).sum())
    return scale * a @ (vt.T * signs @ u.T).T + mean_to


def facing(mesh: Mesh, topology: Topology) -> FloatArray:
    """(468,) cosine between the skin's normal around each point and the line of sight: 1 faces the viewer, < 0 away."""
    return -smooth_normals(mesh, topology)[:, 2]


def smooth_normals(mesh: Mesh, topology: Topology) -> FloatArray:
    """(468, 3) unit normals of the skin around each point, z < 0 towards the viewer.

    Smoothed, so that they tell the side of the face and not each fold of it.
    """
    triangles = topology.triangles
    normals = _normals(mesh, triangles)
    each = np.stack([np.bincount(triangles.ravel(), np.repeat(normals[:, k], 3), len(mesh)) for k in range(3)])
    # einsum, for a product this small wakes up no threads; rows by rows, for that is five times as fast.
    total = np.einsum("pq,kq->pk", topology.smoothing, each.astype(np.float32))
    return (total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def rasterise(mesh: Mesh, triangles: Triangles, size: Size) -> Raster:
    """Draw the triangles that face the viewer of a mesh (468, 3), in pixels of a crop of `size`, the nearest on top."""
    shown = triangles[_normals(mesh, triangles)[:, 2] < 0]
    order = shown[np.argsort(-mesh[shown, 2].mean(1), kind="stable")]
    canvas = np.full((size.height, size.width), -1, np.int32)
    fixed = np.rint((mesh[order, :2] - 0.5) * 16).astype(np.int32)
    for number, corners in enumerate(fixed):
        cv2.fillConvexPoly(canvas, corners, number, shift=4)
    inside = canvas >= 0
    rows, columns = np.nonzero(inside)
    hit = order[canvas[inside]]
    return Raster(inside, hit, _barycentric(mesh[hit, :2], np.stack([columns, rows], 1) + 0.5))


def openness(mesh: Mesh) -> float:
    """How far the mouth stands open: the gap between the lips over the mouth's width."""
    gap = np.linalg.norm(mesh[points.LIP_BOTTOM] - mesh[points.LIP_TOP])
    width = np.linalg.norm(mesh[points.MOUTH_RIGHT] - mesh[points.MOUTH_LEFT])
    return float(gap / max(float(width), 1e-6))


def _normals(mesh: Mesh, triangles: Triangles) -> FloatArray:
    """(T, 3) normals as long as twice the triangle's area; z < 0 where it faces the viewer."""
    a, b, c = (mesh[triangles[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a)


def _barycentric(corners: FloatArray, pixels: Points) -> FloatArray:
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac, ap = b - a, c - a, pixels - a
    area = _cross(ab, ac)
    area = np.where(np.abs(area) < 1e-6, 1e-6, area)
    second, third = _cross(ap, ac) / area, _cross(ab, ap) / area
    weights = np.clip(np.stack([1 - second - third, second, third], 1), 0, 1)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
