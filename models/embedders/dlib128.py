"""Face chips for dlib's networks, and the shipped 128-number identity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...pipeline.geometry import extract_crop, similarity
from ...pipeline.protocols import Metric
from ...pipeline.types import Embedding, Face, ImageF32, Picture, Placement, Size
from ..runtime.onnx import Session, contiguous

_SIDE = 150
_NUMBERS = 128
_PADDING = 0.25
_MESH_POINTS = (263, 362, 33, 133, 2)
_REFERENCE = np.array(
    [
        (0.8595674595992, 0.2134981538014),
        (0.6460604764104, 0.2289674387677),
        (0.1205750620789, 0.2137274526848),
        (0.3340850613712, 0.2290642403242),
        (0.4901123135679, 0.6277975316475),
    ]
)
"""dlib, `image_transforms/interpolation.h`, the five points of `get_face_chip_details` (Boost licence)."""

_REFERENCE_LANDMARKS = np.array([_REFERENCE[2:4].mean(0), _REFERENCE[:2].mean(0), (0.49, 0.51)])
"""The middles of both eyes, and where the tip of the nose comes to lie (measured on both shipped portraits)."""


def chip(frame: Picture, face: Face, side: int, padding: float) -> ImageF32:
    """The face as dlib cuts it: (side, side, 3) RGB in [0, 1]; a little less exact for a face without a mesh."""
    if face.mesh is None:
        points, reference = face.landmarks[:3], _REFERENCE_LANDMARKS
    else:
        points, reference = face.mesh[list(_MESH_POINTS), :2], _REFERENCE
    matrix = similarity(points, (reference + padding) / (1 + 2 * padding) * side)
    return extract_crop(frame, Placement(matrix, Size(side, side)))


class Dlib128:
    """dlib's face recognition ResNet, converted to fp16: two faces nearer than 0.6 are one person."""

    same_person = 0.6
    metric: Metric = "euclidean"

    def __init__(self, session: Session, name: str) -> None:
        self.name = name
        self._session = session

    def embed(self, frame: Picture, faces: Sequence[Face]) -> list[Embedding]:
        """(128,) a face, of unit-free scale; compare by Euclidean distance. Raises EngineError, OutOfMemoryError."""
        if not faces:
            return []
        chips = np.stack([chip(frame, face, _SIDE, _PADDING) for face in faces]).transpose(0, 3, 1, 2)
        vectors = self._session.run({"chip": contiguous(chips * 255)}, [(len(faces), _NUMBERS)])[0]
        return [Embedding(vector, self.name) for vector in vectors]
