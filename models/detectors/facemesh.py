"""The 468-point face mesh, from the shipped weights: exact geometry, and a second opinion on what is a face.

Crops follow MediaPipe's `face_landmark` graph (Apache-2.0), with the bounds taken in the face's own upright frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...pipeline.geometry import compose, extract_crop, inverse, transform_mesh, transform_points
from ...pipeline.types import (
    MESH_POINTS,
    Box,
    Face,
    FloatArray,
    ImageF32,
    Matrix,
    Mesh,
    Picture,
    Placement,
    Points,
    Size,
)
from ..runtime.onnx import Session

_SIDE = 192
_MARGIN = 1.5
_FACE_LOGIT = 3.0
"""A face from here on; real faces reach 9, those of 16 pixels 4; sigmoid 0.5, as published, lets patterns through."""
_NEAR = 0.05
_OUTER_EYE_CORNERS = (33, 263)
_LANDMARKS = ((33, 133, 159, 145), (362, 263, 386, 374), (4,), (61,), (291,))
"""Mesh points whose mean is each of the five landmarks."""


class FaceMesh:
    """Fits meshes to faces whose box and eyes are roughly known."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def sessions(self) -> tuple[Session, ...]:
        return (self._session,)

    def fit(self, frame: Picture, faces: Sequence[Face]) -> list[Face | None]:
        """The faces with box, landmarks and mesh from the network; None where it sees no face."""
        return [self._fit_one(frame, face) for face in faces]

    def place(self, face: Face) -> Placement:
        """The crop that the network sees of a face, upright, by its mesh or else by its box and eyes."""
        matrix = _square(face.box, face.landmarks[:2]) if face.mesh is None else _square_around(face.mesh)
        return Placement(matrix, Size(_SIDE, _SIDE))

    def agreement(self, crops: Sequence[ImageF32]) -> list[float]:
        """The network's logit for a face in each crop."""
        return [self._look(crop)[1] for crop in crops]

    def mesh(self, frame: Picture, box: Box, eyes: Points) -> Mesh | None:
        """(468, 3) in full-picture pixels, for a box (4,) and both eyes (2, 2); None where there is no face."""
        points = None
        for _ in range(2):  # the second crop is centred and turned by the first mesh
            points = self._run(frame, _square(box, eyes) if points is None else _square_around(points))
            if points is None:
                return None
        return points

    def again(self, frame: Picture, mesh: Mesh) -> Mesh | None:
        """The mesh in the next frame, by the mesh (468, 3) before; None where there is no face any more."""
        placed = _square_around(mesh)
        found = self._run(frame, placed)
        if found is None or _is_near(placed, _square_around(found)):
            return found
        return self._run(frame, _square_around(found))

    def _run(self, frame: Picture, matrix: Matrix) -> Mesh | None:
        points, logit = self._look(extract_crop(frame, Placement(matrix, Size(_SIDE, _SIDE))))
        if logit <= _FACE_LOGIT:
            return None
        return transform_mesh(inverse(matrix), points).astype(np.float32)

    def _look(self, crop: ImageF32) -> tuple[Mesh, float]:
        """The mesh in crop pixels, and the logit."""
        points, logit = self._session.run({"input_1": crop[None]}, [(1, 1, 1, 3 * MESH_POINTS), (1, 1, 1, 1)])
        return points.reshape(-1, 3), logit.item()

    def _fit_one(self, frame: Picture, face: Face) -> Face | None:
        mesh = self.mesh(frame, face.box, face.landmarks[:2])
        if mesh is None:
            return None
        return replace(face, box=box_of(mesh), landmarks=landmarks_of(mesh), mesh=mesh)


def landmarks_of(mesh: Mesh) -> Points:
    """(5, 2) landmarks in ArcFace order from a mesh (468, 3)."""
    return np.array([mesh[list(points), :2].mean(0) for points in _LANDMARKS], np.float32)


def box_of(mesh: Mesh) -> Box:
    """(4,) the box around a mesh (468, 3)."""
    return np.concatenate([mesh[:, :2].min(0), mesh[:, :2].max(0)])


def _is_near(placed: Matrix, wanted: Matrix) -> bool:
    """Whether a crop lies nearly as it should: no corner further off than a twentieth of its side."""
    corners = np.array([[0, 0], [_SIDE, 0], [0, _SIDE], [_SIDE, _SIDE]], np.float64)
    away = transform_points(compose(wanted, inverse(placed)), corners) - corners
    return float(np.abs(away).max()) < _NEAR * _SIDE


def _turn(eyes: Points) -> NDArray[np.float64]:
    """(2, 2) that sets the eyes level."""
    across = np.asarray(eyes[1] - eyes[0], np.float64)
    apart = float(np.hypot(*across))
    # Both in one place say nothing of how the face is turned.
    cos, sin = across / apart if apart > 1e-6 else (1.0, 0.0)
    return np.array([[cos, sin], [-sin, cos]])


def _square(box: Box, eyes: Points) -> Matrix:
    return _placed(_turn(eyes), (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max()))


def _square_around(mesh: Mesh) -> Matrix:
    turn = _turn(mesh[list(_OUTER_EYE_CORNERS), :2])
    upright = mesh[:, :2] @ turn.T
    low, high = upright.min(0), upright.max(0)
    return _placed(turn, (low + high) / 2 @ turn, float((high - low).max()))


def _placed(turn: NDArray[np.float64], centre: FloatArray, longer: float) -> Matrix:
    linear = turn * (_SIDE / max(longer * _MARGIN, 1.0))
    shift = _SIDE / 2 - linear @ np.asarray(centre, np.float64)
    return np.hstack([linear, shift[:, None]])
