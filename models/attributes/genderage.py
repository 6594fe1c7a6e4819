"""InsightFace's gender and age network (`genderage`). Facts: its `model_zoo/attribute.py` (MIT)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...pipeline.geometry import extract_crop
from ...pipeline.protocols import Guess
from ...pipeline.types import OLDEST, AgeRange, Face, Gender, Picture, Placement, Size
from ..alignment import from_pixel_middles
from ..runtime.onnx import Session, contiguous

SIDE = 96
NUMBERS = 3
"""Of an answer: two for the gender, one for the age."""
_MARGIN = 1.5
_LABELS: tuple[Gender, Gender] = ("female", "male")


class GenderAge:
    """A guess from a square around the face's box."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def sessions(self) -> tuple[Session, ...]:
        return (self._session,)

    def guess(self, frame: Picture, faces: Sequence[Face]) -> list[Guess]:
        """`female` or `male`, and the age in years, a face. Raises EngineError, OutOfMemoryError."""
        if not faces:
            return []
        crops = np.stack([extract_crop(frame, square(face)) for face in faces]).transpose(0, 3, 1, 2)
        name = next(iter(self._session.input_shapes()))
        # The graph normalises by itself.
        rows = self._session.run_batched({name: contiguous(crops * 255)}, [(NUMBERS,)])[0]
        return [Guess(_LABELS[int(row[:2].argmax())], _age(float(row[2]))) for row in rows]

    def genders(self, frame: Picture, faces: Sequence[Face]) -> list[Gender]:
        """`guess` without the ages."""
        return [one.gender for one in self.guess(frame, faces)]


def _age(share: float) -> AgeRange:
    """The network's third number: hundreds of years."""
    years = round(min(max(share * 100, 0), OLDEST))
    return AgeRange(years, years)


def square(face: Face) -> Placement:
    """The unturned square of 1.5 times the box's longer side around its middle."""
    low, high = face.box[:2].astype(np.float64), face.box[2:].astype(np.float64)
    scale = SIDE / max(float((high - low).max()) * _MARGIN, 1e-6)
    shift = SIDE / 2 - scale * (low + high) / 2
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    return from_pixel_middles(Placement(matrix, Size(SIDE, SIDE)))
