"""What is the same for every 468-point face mesh, worked out once from the canonical face."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ....pipeline.faces import mesh_points as points
from ....pipeline.types import FloatArray, Mesh

Triangles = NDArray[np.intp]
_BROW_TOP_CM = 5.3
"""Height of the brows' upper rim on the canonical face."""
_HAIRLINE_CM = (8.4, 6.6)
"""Heights between which the forehead fades out."""
_FOREHEAD_CM = (5.8, 6.8)
"""Heights between which the forehead begins: above the frames of glasses."""
_CHIN_CM = (2.5, 4.5)
"""From the middle to either side, between which the chin ends."""
_NOSE_FOOT_CM, _LIP_TOP_CM = -1.2, -2.6
_RIM_CM = (0.0, 2.0)
"""From the rim inwards, where the donor's shape begins and is fully taken over."""
_SMOOTHING_STEPS = 6


@dataclass(frozen=True, slots=True, eq=False)
class Topology:
    """Triangles, symmetry and regions of the mesh; all weights are (468,) in [0, 1]."""

    triangles: Triangles
    """(898, 3) points, in one winding: normals point to the viewer where the triangle faces him."""
    mirror: NDArray[np.intp]
    """(468,) each point's counterpart on the other half of the face."""
    smoothing: FloatArray
    """(468, 468) averages values of the points over their neighbourhood, about a cheek wide."""
    skin: FloatArray
    """1 for plain skin, 0 for eyes, brows and lips."""
    swapped: FloatArray
    """1 for the part of the face that is swapped, fading towards the hairline."""
    forehead: FloatArray
    """1 above the brows, where hair often lies before the skin."""
    sides: FloatArray
    """1 at the rim of the face but for the chin, where the donor's hair may lie before the skin."""
    rigid: FloatArray
    """How little a point moves with expression: brows to nose high, mouth and jaw low."""
    shaped: FloatArray
    """How much of the donor's own shape shows: inside the rim."""
    mouth: FloatArray
    """1 at the mouth and below, 0 from the nose up."""

    @classmethod
    def of(cls, canonical: Mesh, triangles: NDArray[np.integer]) -> Topology:
        """From MediaPipe's canonical face (468, 3), in cm with y up, and its triangles (898, 3)."""
        flipped = canonical * np.array([-1, 1, 1], np.float32)
        corners = triangles.astype(np.intp)
        height = canonical[:, 1]
        above_mouth = smoothstep(_LIP_TOP_CM, _NOSE_FOOT_CM, height)
        inner = smoothstep(*_RIM_CM, _distance_to_rim(canonical))
        return cls(
            triangles=corners,
            mirror=((flipped[:, None] - canonical[None]) ** 2).sum(2).argmin(1),
            smoothing=_smoothing(corners, len(canonical)),
            skin=_skin(canonical),
            swapped=smoothstep(*_HAIRLINE_CM, height),
            forehead=smoothstep(*_FOREHEAD_CM, height),
            sides=(1 - inner) * smoothstep(*_CHIN_CM, np.abs(canonical[:, 0])),
            rigid=0.2 + above_mouth * smoothstep(_BROW_TOP_CM + 2, _BROW_TOP_CM, height),
            shaped=inner,
            mouth=1 - above_mouth,
        )


def smoothstep(low: float, high: float, values: FloatArray) -> FloatArray:
    """0 at `low` and beyond, 1 at `high` and beyond, a smooth step between; `low` may be the larger."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def _smoothing(triangles: Triangles, count: int) -> FloatArray:
    # In float64, so that the float32 is the same on any number of threads.
    near = np.eye(count)
    for a, b in ((0, 1), (1, 2), (2, 0)):
        near[triangles[:, a], triangles[:, b]] = near[triangles[:, b], triangles[:, a]] = 1
    return np.linalg.matrix_power(near / near.sum(1, keepdims=True), _SMOOTHING_STEPS).astype(np.float32)


def _skin(canonical: Mesh) -> FloatArray:
    weights = np.ones(len(canonical), np.float32)
    for outline in points.FEATURES:
        hull = cv2.convexHull(np.ascontiguousarray(canonical[list(outline), :2], np.float32))
        inside = [cv2.pointPolygonTest(hull, (float(x), float(y)), True) > -0.1 for x, y in canonical[:, :2]]
        weights[inside] = 0
    return weights


def _distance_to_rim(canonical: Mesh) -> FloatArray:
    rim = canonical[list(points.OVAL), :2]
    return np.sqrt(((canonical[:, None, :2] - rim[None]) ** 2).sum(2)).min(1)
