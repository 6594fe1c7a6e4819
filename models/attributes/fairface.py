"""FairFace: gender, and age in nine ranges, as FaceFusion publishes it (CC BY 4.0; Kärkkäinen and Joo, 2021)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...pipeline import templates
from ...pipeline.errors import DamagedModelError
from ...pipeline.geometry import extract_crop
from ...pipeline.protocols import Guess
from ...pipeline.types import OLDEST, AgeRange, Face, FloatArray, Gender, Picture
from ..alignment import published_placement
from ..runtime.onnx import Session, contiguous
from ..spec import IMAGENET

SIDE = 224
OUTPUTS = ("gender_id", "age_id")
"""Whole numbers that name a gender and an age; a third output, which nobody needs here, isn't read."""
_SPEC = templates.arcface(SIDE)
_MEAN, _STD = np.array(IMAGENET, np.float32)
_LABELS: tuple[Gender, Gender] = ("male", "female")
AGES = (
    AgeRange(0, 2),
    AgeRange(3, 9),
    AgeRange(10, 19),
    AgeRange(20, 29),
    AgeRange(30, 39),
    AgeRange(40, 49),
    AgeRange(50, 59),
    AgeRange(60, 69),
    AgeRange(70, OLDEST),
)


class FairFace:
    """A guess from the aligned face."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def sessions(self) -> tuple[Session, ...]:
        return (self._session,)

    def guess(self, frame: Picture, faces: Sequence[Face]) -> list[Guess]:
        """`female` or `male`, and one of `AGES`, a face. Raises EngineError, OutOfMemoryError."""
        if not faces:
            return []
        crops = np.stack([extract_crop(frame, published_placement(face, _SPEC)) for face in faces])
        values = ((crops - _MEAN) / _STD).transpose(0, 3, 1, 2)
        name = next(iter(self._session.input_shapes()))
        given = self._session.run_batched({name: contiguous(values)}, [(), ()], names=OUTPUTS, whole=True)
        genders, ages = (self._numbers(*one) for one in zip(given, (_LABELS, AGES), strict=True))
        return [Guess(_LABELS[gender], AGES[age]) for gender, age in zip(genders, ages, strict=True)]

    def genders(self, frame: Picture, faces: Sequence[Face]) -> list[Gender]:
        """`guess` without the ages."""
        return [one.gender for one in self.guess(frame, faces)]

    def _numbers(self, given: FloatArray, known: Sequence[object]) -> list[int]:
        numbers = [int(number) for number in given]
        if not {*numbers} <= {*range(len(known))}:
            raise DamagedModelError(
                f"{self._session.path} holds another network than fairface: expected numbers from 0 to "
                f"{len(known) - 1}, got {numbers}."
            )
        return numbers
