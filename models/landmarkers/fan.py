"""2DFAN4 of face-alignment (BSD-3-Clause), as FaceFusion publishes it: 68 points by their heatmaps, fed BGR.

The network knows upright faces. Its crop is turned by the detector's eyes; where it isn't sure of what it sees so, it
looks at the other quarter turns as well: a detector may take an upside-down face for an upright one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, cast

import cv2
import numpy as np

from ...pipeline.faces.landmarks import five_of_68
from ...pipeline.geometry import extract_crop, inverse, transform_points
from ...pipeline.types import Face, FloatArray, ImageF32, Picture, Placement, Points, Size
from ..runtime.onnx import Session, contiguous

SIDE: Final = 256
GRID: Final = 64
POINTS: Final = 68
_FACE: Final = 195
"""Pixels of the crop that the box's longer side takes."""
_FULL: Final = 0.9
"""The heatmaps' mean height that stands for certainty."""
_SURE: Final = 0.5
"""Score from which on points count."""
_DARK: Final = 30
"""Mean lightness of 255 below which contrast is raised."""
_TURNS: Final = (0, 2, 1, 3)
"""Quarter turns, those first that detectors mistake for upright."""


class _Seen(NamedTuple):
    points: Points
    """(68, 2) in full-picture pixels."""
    score: float


class Fan4:
    """Measures faces in crops that are turned upright."""

    def __init__(self, session: Session, name: str) -> None:
        self.name = name
        self._session = session

    @property
    def sessions(self) -> tuple[Session, ...]:
        return (self._session,)

    def measure(self, frame: Picture, faces: Sequence[Face]) -> list[Points | None]:
        """(5, 2) a face; None where the heatmaps are low at every turn. Raises EngineError, OutOfMemoryError."""
        return [self._measure_one(frame, face) for face in faces]

    def _measure_one(self, frame: Picture, face: Face) -> Points | None:
        best = _Seen(np.zeros((POINTS, 2)), 0)
        for turn in _TURNS:
            best = max(best, self._look(frame, place(face, turn)), key=lambda seen: seen.score)
            if best.score >= _SURE:
                return five_of_68(best.points)
        return None

    def _look(self, frame: Picture, placement: Placement) -> _Seen:
        crop = lightened(extract_crop(frame, placement))
        name = next(iter(self._session.input_shapes()))
        given = {name: contiguous(crop[None, ..., ::-1].transpose(0, 3, 1, 2))}
        places, heat = self._session.run(given, [(1, POINTS, 3), (1, POINTS, GRID, GRID)])
        points = transform_points(inverse(placement.matrix), places[0, :, :2] * (SIDE / GRID))
        return _Seen(points, score(heat[0]))


def place(face: Face, turn: int = 0) -> Placement:
    """The square that the network sees of a face: upright by its eyes, then turned by `turn` quarters."""
    low, high = face.box[:2].astype(np.float64), face.box[2:].astype(np.float64)
    across = (face.landmarks[1] - face.landmarks[0]).astype(np.float64)
    apart = float(np.hypot(*across))
    cos, sin = across / apart if apart > 1e-6 else (1.0, 0.0)
    for _ in range(turn):
        cos, sin = -sin, cos
    linear = np.array([[cos, sin], [-sin, cos]]) * (_FACE / max(float((high - low).max()), 1.0))
    shift = SIDE / 2 - linear @ (low + high) / 2
    return Placement(np.hstack([linear, shift[:, None]]), Size(SIDE, SIDE))


def score(heat: FloatArray) -> float:
    """How sure the network is, from heatmaps (68, 64, 64)."""
    return min(float(heat.max((1, 2)).mean()) / _FULL, 1.0)


def lightened(crop: ImageF32) -> ImageF32:
    """A dark crop with its contrast raised place by place; any other as it is."""
    lab = cv2.cvtColor(np.rint(np.clip(crop, 0, 1) * 255).astype(np.uint8), cv2.COLOR_RGB2Lab)
    if lab[..., 0].mean() >= _DARK:
        return crop
    lab[..., 0] = cv2.createCLAHE(clipLimit=2).apply(np.ascontiguousarray(lab[..., 0]))
    return cast(ImageF32, cv2.cvtColor(lab, cv2.COLOR_Lab2RGB).astype(np.float32) / 255)
