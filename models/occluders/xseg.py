"""Occlusion by XSeg: DeepFaceLab's network, as FaceFusion exported and trained it (`face_masker.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ...pipeline.geometry import resized
from ...pipeline.templates import DFL_WHOLE_FACE
from ...pipeline.types import Crop, CropSpec, Face, FloatArray, Mask, Placement, Size
from ..alignment import published_placement
from ..runtime.onnx import Session, contiguous

SIDE: Final = 256
_SPEC = CropSpec(DFL_WHOLE_FACE, SIDE)
_AT_ONCE = 8


class XSegParser:
    """Tells the face from hair, hands and things before it."""

    needs_mesh = False
    rim = 0.0

    def __init__(self, session: Session) -> None:
        self.session = session

    @property
    def sessions(self) -> tuple[Session, ...]:
        return (self.session,)

    def place(self, face: Face) -> Placement:
        """DeepFaceLab's alignment `whole_face`, on which it was trained."""
        return published_placement(face, _SPEC)

    def parse(self, crops: Sequence[Crop]) -> list[Mask]:
        """(H, W) a crop, of its size, in [0, 1]: how surely the face shows. Raises EngineError, OutOfMemoryError."""
        if not crops:
            return []
        images = np.stack([resized(crop.image, Size(SIDE, SIDE)) for crop in crops])
        shown = self._run(images[..., ::-1])
        return [resized(mask, Size.of(crop.image)) for mask, crop in zip(shown, crops, strict=True)]

    def _run(self, images: FloatArray) -> FloatArray:
        """(N, 256, 256) for BGR (N, 256, 256, 3) in [0, 1]."""
        name = next(iter(self.session.input_shapes()))
        wanted = (SIDE, SIDE, 1)
        return np.clip(self.session.run_batched({name: contiguous(images)}, [wanted], rows=_AT_ONCE)[0][..., 0], 0, 1)
