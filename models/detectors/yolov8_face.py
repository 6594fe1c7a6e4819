"""YOLOv8-face, as FaceFusion publishes it: fed BGR, as its publisher does."""

from __future__ import annotations

import numpy as np

from ...pipeline.types import FloatArray, Size
from ..runtime.onnx import Session, contiguous
from ..runtime.signature import require_ports
from .corner import fixed_size, into_corner, require_size
from .scan import Detections, Letterbox

_STRIDES = (8, 16, 32)
NUMBERS = 20
"""Of a row: middle and size of the box, the score, and x, y and certainty of each landmark."""


class Yolo8FaceNetwork:
    """Looks at pictures whose longer side is `side` at most, or of the only size that the file takes."""

    padding = 0.0
    overlap = 0.4
    border = 0.0

    def __init__(self, session: Session, side: int, asked: int | None = None) -> None:
        """`asked`: the side where it was chosen, which a file of another size refuses."""
        self.session = session
        self._side, self._asked = asked or side, asked

    def check(self) -> None:
        """Open the file. Raises DamagedModelError for another network, SettingsError for a size that it refuses."""
        require_ports(self.session.path, "YOLOv8-face", [(1, 3, None, None)], [(1, NUMBERS, None)])
        self.session.open()
        require_size(self.session, self._asked)

    @property
    def side(self) -> int:
        """The longer side of the input in pixels."""
        return max(fixed_size(self.session) or (self._side,))

    @property
    def sessions(self) -> tuple[Session, ...]:
        return (self.session,)

    def fit(self, size: Size) -> Letterbox:
        return into_corner(size, self._side, fixed_size(self.session))

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
