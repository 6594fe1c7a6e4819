"""YOLOv5-face: how pictures go in and faces come out (facts of deepcam-cn/yolov5-face and sczhou/CodeFormer)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...pipeline.types import FloatArray, Size
from ..runtime.torch import TorchNetwork
from .scan import Detections, Letterbox

if TYPE_CHECKING:
    from torch import nn

_STEP = 32
_STRIDES = (8, 16, 32)
_PER_CELL = 3
_NUMBERS = 16
_PADDING_STEP = 64
"""The shorter side is padded to the longer one, less as many whole steps as fit."""


def build(variant: str) -> nn.Module:
    """The network without weights: `n` or `l`."""
    from .yolov5_face_net import large, nano

    return {"n": nano, "l": large}[variant]()


class YoloFaceNetwork:
    """Looks at pictures whose longer side is a multiple of 32, at most `side`."""

    padding = 114 / 255
    overlap = 0.5
    border = 0.0

    def __init__(self, network: TorchNetwork, side: int) -> None:
        self.network = network
        self.side = max(side // _STEP, 1) * _STEP

    @property
    def sessions(self) -> tuple[TorchNetwork, ...]:
        return (self.network,)

    def fit(self, size: Size) -> Letterbox:
        """Scaled so that 32 divides the longer side, the shorter one padded on both sides."""
        longer = min(-(-max(size) // _STEP) * _STEP, self.side)
        scale = longer / max(size)
        inner = Size(max(round(size.width * scale), 1), max(round(size.height * scale), 1))
        padding = [(longer - side) % _PADDING_STEP for side in inner]
        outer = Size(inner.width + padding[0], inner.height + padding[1])
        return Letterbox(inner, outer, padding[0] // 2, padding[1] // 2, scale)

    def look(self, images: FloatArray, confidence: float) -> list[Detections]:
        """Faces scored above `confidence` in each input (N, H, W, 3)."""
        count, height, width = images.shape[:3]
        cells = sum((height // step) * (width // step) for step in _STRIDES)
        (rows,) = self.network.run(images.transpose(0, 3, 1, 2), [(count, _PER_CELL * cells, _NUMBERS)])
        return [decode(one, confidence) for one in rows]


def decode(rows: FloatArray, confidence: float) -> Detections:
    """The faces above `confidence` among the network's rows (N, 16); the score is objectness times class score."""
    scores = rows[:, 4] * rows[:, 15]
    kept = scores > confidence
    rows = rows[kept]
    half = rows[:, 2:4] / 2
    return Detections(
        np.hstack([rows[:, :2] - half, rows[:, :2] + half]), rows[:, 5:15].reshape(-1, 5, 2), scores[kept]
    )
