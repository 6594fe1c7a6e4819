"""Opens restorers, whatever their files are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...pipeline.errors import DamagedModelError
from ..runtime.registry import SessionRegistry
from ..spec import Model
from .architectures import SpandrelNetwork
from .contents import OnnxContents, look
from .restorers import OnnxRestorer, TorchRestorer
from .sharpen import SharpenRestorer
from .upscalers import UpscaleRestorer, UpscalerNetwork


def restorer(
    _row: Model, paths: Sequence[Path], registry: SessionRegistry, *, half: bool = True
) -> OnnxRestorer | TorchRestorer:
    """Option: `half`, see TorchRestorer. Raises DamagedModelError for a file that holds no restorer."""
    path = paths[0]
    contents = look(path)
    if contents is None:
        raise DamagedModelError(
            f"{path} is damaged or no face restorer: expected the weights of GFPGAN, CodeFormer or RestoreFormer, or "
            "an ONNX graph that turns one picture of a face into another. Fetch it again."
        )
    if isinstance(contents, OnnxContents):
        return OnnxRestorer(registry.session(path), contents.image, contents.weight)
    network = registry.shared(path, lambda: SpandrelNetwork(path, registry.device, registry.memory_hook))
    return TorchRestorer(network, contents, half=half)


def sharpen(_row: Model, _paths: Sequence[Path], _registry: SessionRegistry) -> SharpenRestorer:
    """Needs no file."""
    return SharpenRestorer()


def upscaler(_row: Model, paths: Sequence[Path], registry: SessionRegistry) -> UpscaleRestorer:
    """Raises DamagedModelError, when it is first used, for a file that holds no such network."""
    path = paths[0]
    return UpscaleRestorer(registry.shared(path, lambda: UpscalerNetwork(path, registry.device, registry.memory_hook)))
