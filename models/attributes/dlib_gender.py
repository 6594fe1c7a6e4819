"""Female or male, from the shipped weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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

    def genders(self, frame: Picture, faces: Sequence[Face]) -> list[Gender]:
        """`female` or `male` a face."""
        if not faces:
            return []
        chips = np.stack([chip(frame, face, _SIDE, _PADDING) for face in faces])
        values = ((chips * 255 - _MEAN) / 256).transpose(0, 3, 1, 2)
        shares = self._session.run({"images": contiguous(values)}, [(len(faces), len(_LABELS))])[0]
        return [_LABELS[int(row.argmax())] for row in shares]
