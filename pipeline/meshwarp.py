"""Carries a donor's face onto a target's mesh: shape, visibility, rasterising.

The 468 points are the same places of the skin on every face; a triangle of the target shows what the same triangle of
the donor shows. Where the donor turns a side away, or hair covers it, the mirrored triangle of the other side stands in.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from . import meshpoints as points
from .topology import Topology, Triangles, smoothstep
from .types import FloatArray, Size

_SHAPE_SHARE = 0.6
"""How much of the donor's own shape (spacing of eyes and brows, nose) the target's face takes on."""
_DONOR_SIDE = (0.0, 0.2)
"""Facing of the donor's skin from which on its picture is of use."""
_STRETCH = (0.25, 0.55)
"""Donor's facing over the target's: below, few donor pixels would be stretched over many."""
_MIRROR_GAIN = 0.7
"""The whole donor is mirrored where that leaves less than this share of the difference in pose."""


class Texture(NamedTuple):
    """What of the donor shows at each mesh point."""

    first: FloatArray
    """(468, 2) places in the donor's picture."""
    second: FloatArray
    """(468, 2) places on the donor's other side, which stand in where the first are of no use."""
    share: FloatArray
    """(468,) of the second, in [0, 1]."""
    quality: FloatArray
    """(468,) in [0, 1], 0 where neither is of use."""
    mirrored: float
    """Share of the visible face that shows the donor's other side."""


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
        picture[self.inside] = np.einsum("nc,nck->nk", self.weights, values.astype(np.float32)[self.corners])
        return picture


def with_shape_of(target: FloatArray, donor: FloatArray, topology: Topology) -> FloatArray:
    """The target's mesh (468, 3) with part of the donor's shape; pose, mouth, jaw and rim stay the target's."""
    fitted = _rigidly(donor, target, topology.rigid)
    shaped = target.copy()
    shaped[:, :2] += (_SHAPE_SHARE * topology.shaped)[:, None] * (fitted - target)[:, :2]
    return shaped


def choose_texture(
    target: FloatArray, donor: FloatArray, donor_skin: FloatArray, topology: Topology, *, mirror: bool
) -> Texture:
    """Which of the donor's pixels show where on the target; both meshes are (468, 3), `donor_skin` (468,) in [0, 1]."""
    towards, donor_towards = np.clip(facing(target, topology), 0, 1), facing(donor, topology)
    usable = smoothstep(*_DONOR_SIDE, donor_towards) * donor_skin
    sides = [np.arange(len(donor)), topology.mirror]
    if mirror and _misfit(towards, donor_towards[sides[1]]) < _MIRROR_GAIN * _misfit(towards, donor_towards):
        sides.reverse()
    quality = [usable[s] * smoothstep(*_STRETCH, donor_towards[s] / np.maximum(towards, 0.3)) for s in sides]
    share = smoothstep(0.05, 0.5, quality[1] - quality[0]) if mirror else np.zeros(len(donor), np.float32)
    best = quality[0] + (np.maximum(*quality) - quality[0]) * share
    other_side = share if sides[0][0] == 0 and (sides[0] == np.arange(len(donor))).all() else 1 - share
    seen = towards * topology.swapped
    mirrored = float((other_side * seen).sum() / max(float(seen.sum()), 1e-6))
    return Texture(donor[sides[0], :2], donor[sides[1], :2], share, best, mirrored)


def _misfit(towards: FloatArray, donor_towards: FloatArray) -> float:
    return float((towards * (towards - donor_towards) ** 2).sum())


def _rigidly(points_from: FloatArray, points_to: FloatArray, weights: FloatArray) -> FloatArray:
    """The first points (N, 3), turned, scaled and shifted as near to the second as they come (Kabsch, Umeyama)."""
    share = (weights / weights.sum())[:, None]
    mean_from, mean_to = (points_from * share).sum(0), (points_to * share).sum(0)
    a, b = points_from - mean_from, points_to - mean_to
    u, spread, vt = np.linalg.svd((a * share).T @ b)
    signs = np.array([1, 1, np.sign(np.linalg.det(vt.T @ u.T))])
    scale = float((spread * signs).sum() / (share * a * a).sum())
    return scale * a @ (vt.T * signs @ u.T).T + mean_to


def facing(mesh: FloatArray, topology: Topology) -> FloatArray:
    """(468,) cosine between the skin's normal around each point and the line of sight: 1 faces the viewer, < 0 away.

    Smoothed, so that it tells the side of the face and not each fold of it.
    """
    triangles = topology.triangles
    normals = _normals(mesh, triangles)
    each = np.stack([np.bincount(triangles.ravel(), np.repeat(normals[:, k], 3), len(mesh)) for k in range(3)], 1)
    total = topology.smoothing @ each
    return (-total[:, 2] / np.maximum(np.linalg.norm(total, axis=1), 1e-9)).astype(np.float32)


def rasterise(mesh: FloatArray, triangles: Triangles, size: Size) -> Raster:
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


def openness(mesh: FloatArray) -> float:
    """How far the mouth stands open: the gap between the lips over the mouth's width."""
    gap = np.linalg.norm(mesh[points.LIP_BOTTOM] - mesh[points.LIP_TOP])
    width = np.linalg.norm(mesh[points.MOUTH_RIGHT] - mesh[points.MOUTH_LEFT])
    return float(gap / max(float(width), 1e-6))


def _normals(mesh: FloatArray, triangles: Triangles) -> FloatArray:
    """(T, 3) normals as long as twice the triangle's area; z < 0 where it faces the viewer."""
    a, b, c = (mesh[triangles[:, corner]] for corner in range(3))
    return np.cross(b - a, c - a)


def _barycentric(corners: FloatArray, pixels: FloatArray) -> FloatArray:
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac, ap = b - a, c - a, pixels - a
    area = _cross(ab, ac)
    area = np.where(np.abs(area) < 1e-6, 1e-6, area)
    second, third = _cross(ap, ac) / area, _cross(ab, ap) / area
    weights = np.clip(np.stack([1 - second - third, second, third], 1), 0, 1)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def _cross(a: FloatArray, b: FloatArray) -> FloatArray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
