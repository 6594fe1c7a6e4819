"""Opens what tells faces from what lies before them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..runtime.registry import SessionRegistry
from ..runtime.signature import require_ports
from ..spec import Model
from .builtin import BuiltinParser

if TYPE_CHECKING:
    from .bisenet import BiSeNetParser
    from .xseg import XSegParser


def builtin(_row: Model, _paths: Sequence[Path], _registry: SessionRegistry) -> BuiltinParser:
    """Needs no file."""
    return BuiltinParser()


def bisenet(row: Model, paths: Sequence[Path], registry: SessionRegistry) -> BiSeNetParser:
    """Raises DamagedModelError for another network's file, MissingPackageError."""
    from .bisenet import CLASSES, SIDE, BiSeNetParser, build

    if paths[0].suffix == ".onnx":
        shape = (None, CLASSES, SIDE, SIDE)
        require_ports(paths[0], row.name, [(None, 3, SIDE, SIDE)], [shape], more_outputs=True)
        return BiSeNetParser(registry.session(paths[0]))
    network = registry.torch(paths[0], build, row.name)
    network.open()
    return BiSeNetParser(network)


def xseg(row: Model, paths: Sequence[Path], registry: SessionRegistry) -> XSegParser:
    """Raises DamagedModelError for another network's file."""
    from .xseg import SIDE, XSegParser

    require_ports(paths[0], row.name, [(None, SIDE, SIDE, 3)], [(None, SIDE, SIDE, 1)])
    return XSegParser(registry.session(paths[0]))
