"""YOLOv8-face, as FaceFusion publishes it: fed BGR, as its publisher does."""

from __future__ import annotations

import numpy as np

from ...pipeline.types import FloatArray
from ..runtime.onnx import contiguous
from ..runtime.signature import require_ports
from .corner import CornerNetwork
from .scan import Detections

_STRIDES = (8, 16, 32)
NUMBERS = 20
"""Of a row: middle and size of the box, the score, and x, y and certainty of each landmark."""


class Yolo8FaceNetwork(CornerNetwork):
    """See CornerNetwork."""

    overlap = 0.4

    def check(self) -> None:
        """Open the file. Raises DamagedModelError for another network, SettingsError for a size that it refuses."""
        require_ports(self.session.path, "YOLOv8-face", [(1, 3, None, None)], [(1, NUMBERS, None)])
        self.open()

    def look(self, images: FloatArray, confidence: float) -> list[Detections]:
        """Faces scored `confidence` or more in each input (N, H, W, 3)."""
        height, width = images.shape[1:3]
        cells = sum((height // stride) * (width // stride) for stride in _STRIDES)
        values = contiguous(images[..., ::-1].transpose(0, 3, 1, 2))
        name = next(iter(self.session.input_shapes()))
        wanted = [(1, NUMBERS, cells)]
        rows = [self.session.run({name: values[i : i + 1]}, wanted)[0][0].T for i in range(len(values))]
        return [decode(one, confidence) for one in rows]


def decode(rows: FloatArray, confidence: float) -> Detections:
    """The faces of score `confidence` or more among the network's rows (N, 20), in input pixels."""
    rows = rows[rows[:, 4] >= confidence]
    half = rows[:, 2:4] / 2
    landmarks = rows[:, 5:].reshape(-1, 5, 3)[..., :2]
    return Detections(np.hstack([rows[:, :2] - half, rows[:, :2] + half]), landmarks, rows[:, 4])
