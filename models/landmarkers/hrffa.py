"""HRFFA: 68 points of faces at any angle, profiles and upside-down ones too.

Facts: PINTO0309/High-Angle_Robust_Fast_FaceAlignment (MIT). Its crops are axis-parallel squares around heads, never
turned: without a detector of heads they are 1.5 times the face's box, moved up by 0.08 of its height, as VisoMaster
cuts them; here up is where the detector sees the forehead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...pipeline.faces.landmarks import five_of_68
from ...pipeline.geometry import extract_crop, inverse, transform_points
from ...pipeline.types import Face, FloatArray, ImageF32, Picture, Placement, Points, Size
from ..runtime.onnx import Session, contiguous

SIDE = 256
POINTS = 68
OUTPUTS = ("points", "vis_logits")
STATES = 3
"""What a point may be: outside of the crop, occluded, visible."""
_MARGIN = 1.5
_RAISED = 0.08
_SURE = 0.25
"""Mean share of visibility from which on points count: half of what a profile shows of itself."""


class Hrffa:
    """Measures faces in crops that lie as the picture does."""

    def __init__(self, session: Session, name: str, scale: float, shift: float) -> None:
        """The network is fed `scale` times RGB in [0, 1], plus `shift`."""
        self.name = name
        self._session, self._scale, self._shift = session, scale, shift

    @property
    def sessions(self) -> tuple[Session, ...]:
        return (self._session,)

    def measure(self, frame: Picture, faces: Sequence[Face]) -> list[Points | None]:
        """(5, 2) a face; None where most of it isn't visible. Raises EngineError, OutOfMemoryError."""
        if not faces:
            return []
        placements = [place(face) for face in faces]
        points, logits = self._look(np.stack([extract_crop(frame, placement) for placement in placements]))
        scores = visibility(logits)
        return [
            five_of_68(transform_points(inverse(placement.matrix), one * SIDE)) if score >= _SURE else None
            for placement, one, score in zip(placements, points, scores, strict=True)
        ]

    def _look(self, crops: ImageF32) -> tuple[FloatArray, FloatArray]:
        """Points (N, 68, 2) in the unit square of each crop, and what they look like (N, 68, 3)."""
        values = (crops * np.float32(self._scale) + np.float32(self._shift)).transpose(0, 3, 1, 2)
        name = next(iter(self._session.input_shapes()))
        points, logits = self._session.run_batched(
            {name: contiguous(values)}, [(POINTS, 2), (POINTS, STATES)], names=OUTPUTS
        )
        return points, logits


def place(face: Face) -> Placement:
    """The axis-parallel square that the network sees of a face."""
    low, high = face.box[:2].astype(np.float64), face.box[2:].astype(np.float64)
    up = _up(face.landmarks.astype(np.float64))
    middle = (low + high) / 2 + up * _RAISED * float(np.abs(up) @ (high - low))
    scale = SIDE / max(float((high - low).max()) * _MARGIN, 1e-6)
    shift = SIDE / 2 - scale * middle
    return Placement(np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]), Size(SIDE, SIDE))


def visibility(logits: FloatArray) -> FloatArray:
    """(N,) how much of each face is visible, from logits (N, 68, 3): the mean share of the last state."""
    powers = np.exp(logits - logits.max(2, keepdims=True))
    return (powers[..., -1] / powers.sum(2)).mean(1)


def _up(landmarks: FloatArray) -> FloatArray:
    """(2,) from the mouth to the eyes, of length 1; upwards in the picture where they are in one place."""
    across = landmarks[:2].mean(0) - landmarks[3:].mean(0)
    length = float(np.hypot(*across))
    return across / length if length > 1e-6 else np.array([0.0, -1.0])
