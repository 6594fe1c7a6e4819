"""Restorers: aligned crops in, the same faces sharper out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...pipeline.errors import MismatchError, require_range
from ...pipeline.templates import ARCFACE_128, FFHQ_512
from ...pipeline.types import CropSpec, Face, FloatArray, ImageF32, Placement
from ..alignment import published_placement
from ..runtime.onnx import Session, contiguous
from ..runtime.onnx_file import Port
from ..runtime.onnx_types import Array
from ..runtime.outputs import require_colours
from ..runtime.torch import TorchNetwork
from .architectures import SIZE, Architecture

_OTHER_TEMPLATES = {256: ARCFACE_128}
"""By side in pixels. GPEN's network of 256 is the only one of its size: FaceFusion, `face_enhancer/core.py`."""
_BATCH = 4
"""Crops at once on a device of its own."""
_BYTES_A_PIXEL = 3000
"""Of memory in which a network works, beside its weights: 0.8 GB for a crop of 512 pixels, measured for all three torch
networks."""


class TorchRestorer:
    """GFPGAN, CodeFormer or RestoreFormer. The same crop gives the same picture every time."""

    spec = CropSpec(FFHQ_512, SIZE)

    def __init__(self, network: TorchNetwork, architecture: Architecture, *, half: bool = True) -> None:
        """`half`: compute in bfloat16 where the device does it at full speed and the network stays precise."""
        self.network = network
        network.working_bytes = _BATCH * SIZE**2 * _BYTES_A_PIXEL
        self.fidelity = architecture.fidelity
        self._architecture = architecture
        self._half = half and architecture.half

    @property
    def sessions(self) -> tuple[TorchNetwork, ...]:
        return (self.network,)

    def place(self, face: Face) -> Placement:
        return published_placement(face, self.spec)

    @property
    def batch(self) -> int:
        """On the CPU one crop keeps all cores busy."""
        return 1 if self.network.runs_on == "cpu" else _BATCH

    def restore(self, crops: Sequence[ImageF32], weight: float) -> list[ImageF32]:
        """Restore crops (512, 512, 3) RGB in [0, 1], all in one batch; see `pipeline.protocols.Restorer`."""
        images = _batched(crops, SIZE, weight)
        arguments = self._architecture.arguments(weight)
        restored = self.network.run(images, [images.shape], half=self._half, **arguments)[0]
        require_colours(restored, self.network.path, self.network.runs_on)
        return _finished(crops, restored, 1 if self.fidelity else weight)


class OnnxRestorer:
    """A restorer exported to ONNX: GPEN, RestoreFormer++, GFPGAN, CodeFormer."""

    def __init__(self, session: Session, image: Port, weight: Port | None) -> None:
        """`image` and `weight` are the graph's inputs; without a weight the graph only knows one strength."""
        self.session = session
        side = int(image.shape[-1] or 0)
        self.spec = CropSpec(_OTHER_TEMPLATES.get(side, FFHQ_512), side)
        self.fidelity = weight is not None
        self._image, self._weight = image, weight
        session.working_bytes = self.batch * self.spec.size**2 * _BYTES_A_PIXEL

    @property
    def sessions(self) -> tuple[Session, ...]:
        return (self.session,)

    def place(self, face: Face) -> Placement:
        return published_placement(face, self.spec)

    @property
    def batch(self) -> int:
        """One where the graph was made for one crop, or where its weight is one number for all."""
        fixed = self._weight is not None or isinstance(self._image.shape[0], int)
        return 1 if fixed or self.session.runs_on == "cpu" else _BATCH

    def restore(self, crops: Sequence[ImageF32], weight: float) -> list[FloatArray]:
        """Restore crops (size, size, 3) RGB in [0, 1]; see `pipeline.protocols.Restorer`."""
        images = _batched(crops, self.spec.size, weight)
        step = self.batch
        parts = [self._run(images[at : at + step], weight) for at in range(0, len(images), step)]
        return _finished(crops, np.concatenate(parts), 1 if self.fidelity else weight)

    def _run(self, images: FloatArray, weight: float) -> FloatArray:
        feeds: dict[str, Array] = {self._image.name: images.astype(self._image.dtype)}
        if self._weight is not None:
            feeds[self._weight.name] = np.full(len(self._weight.shape) * [1], weight, self._weight.dtype)
        (restored,) = self.session.run(feeds, [images.shape])
        return require_colours(restored, self.session.path, self.session.runs_on)


def _batched(crops: Sequence[ImageF32], size: int, weight: float) -> FloatArray:
    require_range("face_restore_weight", weight, 0, 1)
    for crop in crops:
        if crop.shape != (size, size, 3):
            raise MismatchError(f"this restorer takes crops of {(size, size, 3)}, got {crop.shape}")
    return contiguous(np.stack(crops).transpose(0, 3, 1, 2)) * 2 - 1


def _finished(crops: Sequence[ImageF32], restored: FloatArray, share: float) -> list[ImageF32]:
    images = np.clip(restored.transpose(0, 2, 3, 1) / 2 + 0.5, 0, 1)
    if share >= 1:
        return list(images)
    return [crop + (image - crop) * np.float32(share) for crop, image in zip(crops, images, strict=True)]
