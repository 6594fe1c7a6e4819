"""YuNet of OpenCV's model zoo. Facts: `FaceDetectorYN` of OpenCV (Apache-2.0); the files are MIT.

The score is class times objectness, where OpenCV takes the root of that: the order of the faces is the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...pipeline.errors import DamagedModelError
from ...pipeline.types import FloatArray, Size
from ..runtime.onnx import contiguous
from ..runtime.onnx_file import read_ports
from ..runtime.signature import Shape, agrees, listed
from .corner import CornerNetwork
from .scan import Detections

_STRIDES = (8, 16, 32)
_WIDTHS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
"""Of the outputs, each at three strides: `cls_8`, `cls_16`, `cls_32`, `obj_8` and so on."""
_NAMES = tuple(f"{name}_{stride}" for name in _WIDTHS for stride in _STRIDES)
_LARGEST_POWER = 16.0
"""Of e: no face is larger, and nothing overflows."""


class YuNetNetwork(CornerNetwork):
    """See CornerNetwork."""

    overlap = 0.3

    def check(self) -> None:
        """Open the file. Raises DamagedModelError for another network, SettingsError for a size that it refuses."""
        inputs, outputs = read_ports(self.session.path)
        wanted: list[Shape] = [(1, None, width) for width in _WIDTHS.values() for _ in _STRIDES]
        shapes = {port.name: port.shape for port in outputs}
        names = _in_order([port.name for port in outputs])
        found = [port.shape for port in inputs] + [shapes[name] for name in names]
        expected: list[Shape] = [(1, 3, None, None), *wanted]
        if len(found) != len(expected) or not all(map(agrees, found, expected)):
            raise DamagedModelError(
                f"{self.session.path} holds another network than YuNet: expected one picture in and outputs "
                f"{', '.join(_NAMES)} of 1, 1, 4 and 10 numbers a row, this one takes "
                f"{listed([port.shape for port in inputs])} and gives {listed([port.shape for port in outputs])}."
            )
        self.open()

    def look(self, images: FloatArray, confidence: float) -> list[Detections]:
        """Faces scored `confidence` or more in each input (N, H, W, 3)."""
        values = contiguous(blob(images))
        size = Size(images.shape[2], images.shape[1])
        cells = [(size.height // stride) * (size.width // stride) for stride in _STRIDES]
        wanted: list[Shape] = [(1, count, width) for width in _WIDTHS.values() for count in cells]
        name = next(iter(self.session.input_shapes()))
        # The published graphs take one picture at a time.
        names = _in_order(self.session.output_names())
        runs = [self.session.run({name: values[i : i + 1]}, wanted, names=names) for i in range(len(values))]
        return [decode([output[0] for output in outputs], size, confidence) for outputs in runs]


def blob(images: FloatArray) -> FloatArray:
    """(N, H, W, 3) RGB in [0, 1] as the network's (N, 3, H, W): BGR, 0 to 255."""
    return (images[..., ::-1] * np.float32(255)).transpose(0, 3, 1, 2)


def decode(outputs: Sequence[FloatArray], size: Size, confidence: float) -> Detections:
    """The faces of score `confidence` or more, from the twelve outputs (rows, width) for an input of `size`."""
    levels = range(len(_STRIDES))
    parts = [_decode_level(outputs[level :: len(_STRIDES)], _STRIDES[level], size, confidence) for level in levels]
    return Detections(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _decode_level(outputs: Sequence[FloatArray], stride: int, size: Size, confidence: float) -> Detections:
    classes, objects, boxes, points = outputs
    scores = classes[:, 0].clip(0, 1) * objects[:, 0].clip(0, 1)
    kept = np.flatnonzero(scores >= confidence)
    columns = size.width // stride
    cell = np.stack([kept % columns, kept // columns], 1).astype(np.float32)
    middle = (cell + boxes[kept, :2]) * stride
    half = np.exp(np.minimum(boxes[kept, 2:], _LARGEST_POWER)) * stride / 2
    landmarks = (cell[:, None] + points[kept].reshape(-1, 5, 2)) * stride
    return Detections(np.hstack([middle - half, middle + half]), landmarks, scores[kept])


def _in_order(names: Sequence[str]) -> Sequence[str]:
    """The outputs' names as `decode` takes them: the published ones, else in the graph's order, which is the same."""
    return _NAMES if {*_NAMES} <= {*names} else names
