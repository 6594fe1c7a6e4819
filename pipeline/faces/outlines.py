"""The outlines of faces, and which of them meet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np

from ..types import Face, FloatArray, Points

_ELLIPSE_POINTS: Final = 72
_REACH: Final = 0.75
"""Of a face's longer side: how far around its box a crop may reach."""
_SAME: Final = 0.12
"""Of the smaller face's side: landmarks as near as this belong to one face that was found twice."""


class Neighbours(NamedTuple):
    """Two faces of a list that lie near each other, by their places in it."""

    first: int
    second: int


def outline(face: Face) -> Points:
    """(N, 2) convex: the hull of the face's mesh, or the ellipse in its box where it has none."""
    if face.mesh is not None:
        return np.asarray(cv2.convexHull(np.ascontiguousarray(face.mesh[:, :2]))[:, 0], np.float32)
    angles = np.linspace(0, 2 * np.pi, _ELLIPSE_POINTS, endpoint=False)
    centre, radii = (face.box[:2] + face.box[2:]) / 2, (face.box[2:] - face.box[:2]) / 2
    return np.asarray(centre + radii * np.stack([np.cos(angles), np.sin(angles)], 1), np.float32)


def neighbours(faces: Sequence[Face]) -> list[Neighbours]:
    """The faces so near each other that the crop of one may reach the other; a face that was found twice has no
    neighbour in itself."""
    boxes = np.array([face.box for face in faces], np.float32).reshape(-1, 4)
    reach = _REACH * (boxes[:, 2:] - boxes[:, :2]).max(1, initial=0)[:, None]
    low, high = boxes[:, :2] - reach, boxes[:, 2:] + reach
    meet = ((low[:, None] < boxes[None, :, 2:]) & (high[:, None] > boxes[None, :, :2])).all(2)
    pairs = np.argwhere(np.triu(meet | meet.T, 1)).tolist()
    return [Neighbours(a, b) for a, b in pairs if not _is_same(faces[a], faces[b])]


def shared_area(some: Points, others: Points) -> float:
    """Square pixels that two convex outlines share."""
    return float(cv2.intersectConvexConvex(some, others)[0])


def area(points: Points) -> float:
    """Square pixels of a convex outline."""
    return float(cv2.contourArea(points))


def _is_same(some: Face, other: Face) -> bool:
    apart: FloatArray = np.linalg.norm(some.landmarks - other.landmarks, axis=1)
    return float(apart.mean()) < _SAME * min(some.area, other.area) ** 0.5
