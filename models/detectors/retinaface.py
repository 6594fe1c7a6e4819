"""RetinaFace: how pictures go in and faces come out, with priors and decoding in whole arrays.

Priors and decoding follow the paper's public implementation (biubug6/Pytorch_Retinaface, MIT).
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from ...pipeline.boxes import Indices
from ...pipeline.types import FloatArray, Size
from ..runtime.torch import TorchNetwork
from .scan import Detections, Letterbox

if TYPE_CHECKING:
    from torch import nn

_MEAN_BGR = np.array([104, 117, 123], np.float32)
_LEVELS = ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
"""Steps between cells, and the sides of the two priors of a cell, in pixels."""
_WIDTHS = (4, 2, 10)
"""Of the outputs: boxes, scores, landmarks."""
_LARGEST_POWER = np.float32(50)
"""Far beyond any side, and finite."""
_CENTRE_VARIANCE, _SIZE_VARIANCE = np.float32(0.1), np.float32(0.2)


def build(variant: str) -> nn.Module:
    """The network without weights: `resnet50` or `mobile0.25`."""
    from .retinaface_net import large, mobile

    return {"resnet50": large, "mobile0.25": mobile}[variant]()


class RetinaFaceNetwork:
    """Looks at pictures of any size; `side` bounds the longer side."""

    padding = 0.0
    overlap = 0.4
    border = 0.0

    def __init__(self, network: TorchNetwork, side: int) -> None:
        self.network = network
        self.side = side

    @property
    def sessions(self) -> tuple[TorchNetwork, ...]:
        return (self.network,)

    def fit(self, size: Size) -> Letterbox:
        """Scaled down to `side`, never up, without padding."""
        scale = min(1.0, self.side / max(size))
        inner = Size(max(round(size.width * scale), 1), max(round(size.height * scale), 1))
        return Letterbox(inner, inner, 0, 0, scale)

    def look(self, images: FloatArray, confidence: float) -> list[Detections]:
        """Faces scored above `confidence` in each input (N, H, W, 3)."""
        values = (images[..., ::-1] * np.float32(255) - _MEAN_BGR).transpose(0, 3, 1, 2)
        size = Size(images.shape[2], images.shape[1])
        count, cells = len(images), prior_count(size)
        boxes, scores, points = self.network.run(values, [(count, cells, numbers) for numbers in _WIDTHS])
        return [decode(*raw, size, confidence) for raw in zip(boxes, scores, points, strict=True)]


def prior_count(size: Size) -> int:
    """How many priors an input of this size has."""
    return sum(ceil(size.height / step) * ceil(size.width / step) * len(sides) for step, sides in _LEVELS)


def priors(size: Size, numbers: Indices) -> FloatArray:
    """(K, 4) centre x, y, width, height of the priors of these ascending numbers, as shares of the input's size.

    Only the few that a face was seen at are worked out: a picture of 4K has 340,000 of them.
    """
    parts: list[FloatArray] = []
    start = 0
    for step, sides in _LEVELS:
        rows, columns = ceil(size.height / step), ceil(size.width / step)
        end = start + rows * columns * len(sides)
        low, high = np.searchsorted(numbers, (start, end))
        cell, kind = np.divmod(numbers[low:high] - start, len(sides))
        middles = (np.stack([cell % columns, cell // columns], 1) + 0.5) * step / size
        parts.append(np.hstack([middles, np.array(sides)[kind, None] / size]))
        start = end
    return np.concatenate(parts).astype(np.float32)


def decode(boxes: FloatArray, scores: FloatArray, points: FloatArray, size: Size, confidence: float) -> Detections:
    """The faces above `confidence`, from raw outputs: boxes (N, 4), scores (N, 2), points (N, 10)."""
    kept = np.flatnonzero(scores[:, 1] > confidence)
    anchors, pixels = priors(size, kept), np.array(size, np.float32)
    centre, extent = anchors[:, :2], anchors[:, 2:]
    middle = centre + boxes[kept, :2] * _CENTRE_VARIANCE * extent
    sides = extent * np.exp(np.minimum(boxes[kept, 2:] * _SIZE_VARIANCE, _LARGEST_POWER))
    low = middle - sides / 2
    landmarks = centre[:, None] + points[kept].reshape(-1, 5, 2) * _CENTRE_VARIANCE * extent[:, None]
    return Detections(np.hstack([low * pixels, (low + sides) * pixels]), landmarks * pixels, scores[kept, 1])
