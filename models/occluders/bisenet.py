"""Face parsing with BiSeNet.

Classes and normalisation follow zllrunning/face-parsing.PyTorch (MIT), on whose data other networks of the kind were
trained too: yakhyo/face-parsing (MIT).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ...pipeline.geometry import resized
from ...pipeline.templates import FFHQ_512
from ...pipeline.types import Crop, CropSpec, Face, FloatArray, Mask, Placement, Size
from ..alignment import published_placement
from ..runtime.onnx import Session, contiguous
from ..runtime.torch import TorchNetwork
from ..spec import IMAGENET

if TYPE_CHECKING:
    from torch import nn

SIDE: Final = 512
CLASSES: Final = 19
_SPEC = CropSpec(FFHQ_512, SIDE)
_MEAN, _STD = np.array(IMAGENET, np.float32)
_OTHERS = (0, 14, 16, 17, 18)
"""Background, neck, cloth, hair, hat: what isn't the face."""
_AT_ONCE = 4


def build() -> nn.Module:
    """The network without weights."""
    from .bisenet_net import BiSeNet

    return BiSeNet(CLASSES)


class BiSeNetParser:
    """Tells the face from what surrounds and covers it."""

    needs_mesh = False
    rim = 0.0

    def __init__(self, network: TorchNetwork | Session) -> None:
        self.network = network

    @property
    def sessions(self) -> tuple[TorchNetwork | Session, ...]:
        return (self.network,)

    def place(self, face: Face) -> Placement:
        """The alignment of FFHQ, on which it was trained."""
        return published_placement(face, _SPEC)

    def parse(self, crops: Sequence[Crop]) -> list[Mask]:
        """(H, W) a crop, of its size: 1 where the face is, 0 elsewhere. Raises EngineError, OutOfMemoryError."""
        masks: list[Mask] = []
        for start in range(0, len(crops), _AT_ONCE):
            batch = crops[start : start + _AT_ONCE]
            images = np.stack([resized(crop.image, Size(SIDE, SIDE)) for crop in batch])
            kept = face_of(self.classes(images))
            masks += [_back(mask, Size.of(crop.image)) for mask, crop in zip(kept, batch, strict=True)]
        return masks

    def classes(self, images: FloatArray) -> NDArray[np.intp]:
        """(N, H, W) the likeliest of the 19 classes for RGB (N, H, W, 3) in [0, 1]."""
        count, height, width = images.shape[:3]
        values = ((images - _MEAN) / _STD).transpose(0, 3, 1, 2)
        shape = (count, CLASSES, height, width)
        if isinstance(self.network, Session):
            name = next(iter(self.network.input_shapes()))
            return self.network.run_batched({name: contiguous(values)}, [shape[1:]], rows=_AT_ONCE)[0].argmax(1)
        return self.network.run(values, [shape])[0].argmax(1)


def face_of(classes: NDArray[np.intp]) -> Mask:
    """1 where a class belongs to the face, 0 elsewhere."""
    return (~np.isin(classes, _OTHERS)).astype(np.float32)


def _back(mask: Mask, size: Size) -> Mask:
    if Size.of(mask) == size:
        return mask
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST), np.float32)
