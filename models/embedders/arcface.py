"""ArcFace: the identity that the neural swappers take."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...pipeline import templates
from ...pipeline.errors import EngineError
from ...pipeline.geometry import extract_crop
from ...pipeline.protocols import Metric
from ...pipeline.types import Embedding, Face, Picture
from ..alignment import published_placement
from ..runtime.onnx import Session, contiguous

_SPEC = templates.arcface(112)
NUMBERS = 512
"""Of an identity."""


class ArcFace:
    """InsightFace's recognition network (`w600k_r50`): 512 numbers a face."""

    same_person = 0.6
    metric: Metric = "cosine"

    def __init__(self, session: Session, name: str) -> None:
        self.name = name
        self._session = session

    def embed(self, frame: Picture, faces: Sequence[Face]) -> list[Embedding]:
        """(512,) a face, not normalised; only the direction tells the person. Raises EngineError, OutOfMemoryError."""
        if not faces:
            return []
        crops = np.stack([extract_crop(frame, published_placement(face, _SPEC)) for face in faces])
        vectors = self._session.run_batched(
            {self._input: contiguous(crops.transpose(0, 3, 1, 2) * 2 - 1)}, [(NUMBERS,)]
        )[0]
        if not vectors.any(1).all():
            raise EngineError(f"{self._session.path.name} gave zeros alone for a face: they tell nobody's identity")
        return [Embedding(vector, self.name) for vector in vectors]

    @property
    def sessions(self) -> tuple[Session, ...]:
        return (self._session,)

    @property
    def _input(self) -> str:
        return next(iter(self._session.input_shapes()))
