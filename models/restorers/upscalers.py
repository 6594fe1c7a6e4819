"""Any upscaling or restoration network that spandrel opens, on faces: ESRGAN, SwinIR, DAT, SCUNet and many others."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...pipeline.errors import DamagedModelError, require_range
from ...pipeline.geometry import resized
from ...pipeline.quotes import excerpt, listed, named
from ...pipeline.types import Face, FloatArray, ImageF32, Placement, Size
from ..runtime.checkpoints import load_state
from ..runtime.onnx import contiguous
from ..runtime.outputs import require_colours
from ..runtime.registry import MemoryHook
from ..runtime.torch import TorchNetwork
from .own_pixels import blended, own_pixels

if TYPE_CHECKING:
    from torch import Tensor, nn

_MOST = 1024
"""Side of the crops in pixels at most."""
_BYTES_A_PIXEL = 3000
"""Of memory in which a network works, beside its weights, as measured for the networks of restorers."""
_SHOWN = 3


class UpscalerNetwork(TorchNetwork):
    """A network whose class, sizes and scale follow from its weight file."""

    def __init__(self, path: Path, device: str = "cpu", memory_hook: MemoryHook | None = None) -> None:
        super().__init__(path, partial(_described, path), device, what=path.name, memory_hook=memory_hook)
        self.working_bytes = _MOST**2 * _BYTES_A_PIXEL

    @property
    def scale(self) -> int:
        """How many pixels it makes of one, along each side. Opens the network."""
        return int(str(self.open().scale))

    def _load(self) -> nn.Module:
        return self._build()


class UpscaleRestorer:
    """Makes a face anew from a crop that is smaller by the network's scale: detail beyond that is the network's.

    A network of scale 1, such as one that takes noise or blur away, gets the face's own pixels.
    """

    fidelity = False
    batch = 1

    def __init__(self, network: UpscalerNetwork) -> None:
        self.network = network

    @property
    def sessions(self) -> tuple[TorchNetwork, ...]:
        return (self.network,)

    def place(self, face: Face) -> Placement:
        """A crop of as many pixels as the face has in the picture."""
        return own_pixels(face, _MOST)

    def restore(self, crops: Sequence[ImageF32], weight: float) -> list[ImageF32]:
        """Restore crops (S, S, 3) RGB in [0, 1], each by itself; see `pipeline.protocols.Restorer`."""
        require_range("face_restore_weight", weight, 0, 1)
        return [blended(crop, self._restored(crop), weight) for crop in crops]

    def _restored(self, crop: ImageF32) -> ImageF32:
        scale, size = self.network.scale, Size.of(crop)
        small = resized(crop, Size(max(round(size.width / scale), 1), max(round(size.height / scale), 1)))
        values: FloatArray = contiguous(small.transpose(2, 0, 1)[None])
        height, width = (side * scale for side in small.shape[:2])
        (image,) = self.network.run(values, [(1, 3, height, width)])
        require_colours(image, self.network.path, self.network.runs_on)
        return resized(np.asarray(np.clip(image[0].transpose(1, 2, 0), 0, 1), np.float32), size)


def _described(path: Path) -> nn.Module:
    from spandrel import ImageModelDescriptor, ModelLoader, UnsupportedModelError
    from torch import nn

    state = load_state(path)
    try:
        found = ModelLoader("cpu").load_from_state_dict({**state})
    except UnsupportedModelError as error:
        raise DamagedModelError(
            f"{named(path)} holds no network that spandrel knows, but {listed(list(state)[:_SHOWN])}, …"
        ) from error
    except (RuntimeError, KeyError, IndexError, ValueError, TypeError, AssertionError) as error:
        raise DamagedModelError(f"{named(path)} is damaged: {excerpt(error)}. Fetch it again.") from error
    if not isinstance(found, ImageModelDescriptor) or (found.input_channels, found.output_channels) != (3, 3):
        raise DamagedModelError(f"{named(path)} holds a network that doesn't turn one colour picture into another")

    class Described(nn.Module):
        """Pads what comes as the network needs it, and keeps what it gives in range."""

        scale = found.scale

        def __init__(self) -> None:
            super().__init__()
            self.network = found.model

        def forward(self, images: Tensor) -> Tensor:
            return found(images)

    return Described()
