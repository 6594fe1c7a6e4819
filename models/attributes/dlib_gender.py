"""Female or male, from the shipped weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...pipeline.protocols import Guess
from ...pipeline.types import Face, Gender, Picture
from ..embedders.dlib128 import chip
from ..runtime.onnx import Session, contiguous

_SIDE = 32
_PADDING = 0.2
_MEAN = np.array([122.782, 117.001, 104.298], np.float32)
_LABELS: tuple[Gender, Gender] = ("female", "male")


class DlibGender:
    """dlib's gender classifier: a guess from the looks of a small chip, wrong now and then."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def guess(self, frame: Picture, faces: Sequence[Face]) -> list[Guess]:
        """`female` or `male` a face, and no age."""
        if not faces:
            return []
        chips = np.stack([chip(frame, face, _SIDE, _PADDING) for face in faces])
        values = ((chips * 255 - _MEAN) / 256).transpose(0, 3, 1, 2)
        shares = self._session.run({"images": contiguous(values)}, [(len(faces), len(_LABELS))])[0]
        return [Guess(_LABELS[int(row.argmax())]) for row in shares]

    def genders(self, frame: Picture, faces: Sequence[Face]) -> list[Gender]:
        """`guess` without the ages."""
        return [one.gender for one in self.guess(frame, faces)]
