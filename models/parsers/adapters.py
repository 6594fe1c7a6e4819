"""Opens the face parser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..catalog import Model
from ..sharing import shared
from ..torch_runtime import TorchNetwork
from .bisenet import BiSeNetParser, build


def bisenet(row: Model, paths: Sequence[Path], device: str) -> BiSeNetParser:
    network = shared(paths[0], device, lambda: TorchNetwork(paths[0], build, device, what=row.name))
    network.open()
    return BiSeNetParser(network)
