"""SCRFD (`det_10g`, `scrfd_2.5g`) of InsightFace. Facts: `model_zoo/scrfd.py` (MIT); weights have their own terms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...pipeline.errors import DamagedModelError
from ...pipeline.types import FloatArray, Size
from ..runtime.onnx import Session, contiguous
from ..runtime.onnx_file import read_ports
from ..runtime.signature import Shape
from .corner import STEP, fixed_size, require_size
from .scan import Detections, Letterbox

_STRIDES = (8, 16, 32)
_PER_CELL = 2
_WIDTHS = (1, 4, 10)
"""Of the outputs: scores, box sides, landmarks, each at three strides."""


class ScrfdNetwork:
    """Looks at a square of `side` pixels (640 where None is given), or at the only size that the file takes."""

    padding = 0.0
    overlap = 0.4
    border = 1.0

    def __init__(self, session: Session, side: int | None = None) -> None:
        self.session = session
        self._asked = side

    def check(self) -> None:
        """Open the file. Raises DamagedModelError for another network, SettingsError for a size that it refuses."""
        inputs, outputs = read_ports(self.session.path)
        widths = [port.shape[-1] for port in outputs if port.shape]
        if len(inputs) != 1 or len(outputs) != len(_STRIDES) * len(_WIDTHS) or not {*widths} <= {None, *_WIDTHS}:
            raise DamagedModelError(
                f"{self.session.path} holds another network than SCRFD with landmarks: expected one picture in and 9 "
                f"outputs of 1, 4 or 10 numbers a row, this one takes {len(inputs)} and gives {len(outputs)}."
            )
        self.session.open()
        require_size(self.session, self._asked)

    @property
    def side(self) -> int:
        """The longer side of the input in pixels."""
        return max(self._outer())

    @property
    def sessions(self) -> tuple[Session, ...]:
        return (self.session,)

    def fit(self, size: Size) -> Letterbox:
        """Scaled up or down into the top left corner."""
        outer = self._outer()
        ratio = size.height / size.width
        # The project scales back both axes by what whole pixels made of the height.
        if ratio > outer.height / outer.width:
            inner = Size(max(int(outer.height / ratio), 1), outer.height)
        else:
            inner = Size(outer.width, max(int(outer.width * ratio), 1))
        return Letterbox(inner, outer, 0, 0, inner.height / size.height)

    def look(self, images: FloatArray, confidence: float) -> list[Detections]:
        """Faces scored `confidence` or more in each input (N, H, W, 3)."""
        values = contiguous(blob(images))
        size = Size(images.shape[2], images.shape[1])
        name, wanted = next(iter(self.session.input_shapes())), self._shapes(size)
        # The published graph takes one picture at a time.
        runs = [self.session.run({name: values[i : i + 1]}, wanted, any_order=True) for i in range(len(values))]
        return [decode(outputs, size, confidence) for outputs in runs]

    def _shapes(self, size: Size) -> list[Shape]:
        """Of the outputs, those of a width together, the finest stride first."""
        cells = [(size.height // stride) * (size.width // stride) for stride in _STRIDES]
        return [(_PER_CELL * count, width) for width in _WIDTHS for count in cells]

    def _outer(self) -> Size:
        side = max((self._asked or 640) // STEP, 1) * STEP
        return fixed_size(self.session) or Size(side, side)


def blob(images: FloatArray) -> FloatArray:
    """(N, H, W, 3) RGB in [0, 1] as the network's (N, 3, H, W)."""
    return ((images * np.float32(255) - np.float32(127.5)) / np.float32(128)).transpose(0, 3, 1, 2)


def decode(outputs: Sequence[FloatArray], size: Size, confidence: float) -> Detections:
    """The faces of score `confidence` or more, from three outputs (rows, 1), three (rows, 4) and three (rows, 10), each
    the finest stride first, for an input of `size`."""
    scores, sides, points = outputs[:3], outputs[3:6], outputs[6:]
    parts = [_decode_level(*level, size, confidence) for level in zip(scores, sides, points, _STRIDES, strict=True)]
    return Detections(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _decode_level(
    scores: FloatArray, sides: FloatArray, points: FloatArray, stride: int, size: Size, confidence: float
) -> Detections:
    kept = np.flatnonzero(scores[:, 0] >= confidence)
    cell = kept // _PER_CELL
    columns = size.width // stride
    centre = np.stack([cell % columns, cell // columns], 1).astype(np.float32) * stride
    reach = sides[kept] * stride
    landmarks = centre[:, None] + points[kept].reshape(-1, 5, 2) * stride
    return Detections(np.hstack([centre - reach[:, :2], centre + reach[:, 2:]]), landmarks, scores[kept, 0])
