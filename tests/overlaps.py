"""Pictures of one face in front of another: a head that was cut out of one picture, pasted over the other."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from multifaceswap.pipeline.types import Face, FaceSet, Size

_SIDE = 220
"""Height of the face behind, in pixels."""
_HEAD = {"astronaut": ((226, 123), 108, (0.6, 0.8)), "hopper": ((263, 233), 202, (0.55, 0.72))}
"""Middle and height of the face, and the half axes of the oval that is cut out, in heights."""


class Scene(NamedTuple):
    """How the head in front lies before the one behind."""

    front: str
    size: float
    """Of its face, over the height of the one behind."""
    way: float
    """Where it lies from the face behind, in degrees: 0 right, 90 below."""
    away: float
    """How far, in mean heights of both faces."""
    mirrored: bool = False


class Overlap(NamedTuple):
    picture: np.ndarray
    behind: Face
    front: Face
    faces: FaceSet


def overlap(pictures: dict[str, np.ndarray], scene: Scene, detector) -> Overlap:
    """The scene and both faces, found in it."""
    picture, middle = _backdrop(pictures, scene)
    height = _SIDE * scene.size
    way = np.radians(scene.way)
    place = middle + (_SIDE + height) / 2 * scene.away * np.array([0.85 * np.cos(way), np.sin(way)])
    picture = _pasted(picture, pictures[scene.front], scene, place, height)
    faces = detector.detect(picture)
    behind, front = nearest(faces, middle), nearest(faces, place)
    assert behind is not front and len(faces) == 2, scene
    numbered = (behind, front)
    return Overlap(picture, behind, front, FaceSet((numbered,), Size.of(picture)))


def well_inside(face: Face, picture: np.ndarray, share: float = 0.95) -> np.ndarray:
    """(H, W) bool: the hull of the face's mesh, shrunk a little."""
    hull = cv2.convexHull(np.ascontiguousarray(face.mesh[:, :2]))[:, 0]
    middle = hull.mean(0)
    area = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(area, [np.rint(middle + share * (hull - middle) - 0.5).astype(np.int32)], 1)
    return area > 0


def _backdrop(pictures, scene) -> tuple[np.ndarray, np.ndarray]:
    name = "hopper" if scene.front == "astronaut" else "astronaut"
    middle, height, _ = _HEAD[name]
    scale = _SIDE / height
    picture = cv2.resize(pictures[name], None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    middle = np.array(middle) * scale
    left, top = np.maximum(middle - 400, 0).astype(int)
    right, bottom = (middle + 400).astype(int)
    return picture[top:bottom, left:right].copy(), middle - (left, top)


def _pasted(picture, head, scene, place, height) -> np.ndarray:
    middle, own, axes = _HEAD[scene.front]
    scale = height / own
    turn = -1 if scene.mirrored else 1
    matrix = np.array(
        [[turn * scale, 0, place[0] - turn * scale * middle[0]], [0, scale, place[1] - scale * middle[1]]]
    )
    size = picture.shape[1::-1]
    pasted = cv2.warpAffine(head, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    oval = np.zeros(picture.shape[:2], np.float32)
    centre = tuple(np.rint(place - (0, 0.09 * height)).astype(int).tolist())
    cv2.ellipse(oval, centre, tuple(round(axis * height) for axis in axes), 0, 0, 360, 1.0, -1)
    share = cv2.GaussianBlur(oval, (0, 0), 3)[..., None]
    return np.rint(picture + (pasted.astype(np.float32) - picture) * share).astype(np.uint8)


def nearest(faces, place) -> Face:
    """The face whose middle lies nearest to a place (2,)."""
    return min(faces, key=lambda face: float(np.linalg.norm((face.box[:2] + face.box[2:]) / 2 - place)))
