"""Opens the face parser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..catalog import Model
from ..runtime.registry import Networks
from .bisenet import BiSeNetParser, build


def bisenet(row: Model, paths: Sequence[Path], networks: Networks) -> BiSeNetParser:
    network = networks.torch(paths[0], build, row.name)
    network.open()
    return BiSeNetParser(network)
