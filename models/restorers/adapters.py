"""Opens restorers, whatever their files are called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...pipeline.errors import DamagedModelError
from ..catalog import Model
from ..runtime.registry import SessionRegistry
from .architectures import SpandrelNetwork
from .contents import OnnxContents, look
from .restorers import OnnxRestorer, TorchRestorer


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
