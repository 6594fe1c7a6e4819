"""Opens the face parser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..catalog import Model
from ..runtime.registry import SessionRegistry
from .bisenet import BiSeNetParser, build
from .builtin import BuiltinParser


def builtin(_row: Model, _paths: Sequence[Path], _registry: SessionRegistry) -> BuiltinParser:
    """Needs no file."""
    return BuiltinParser()


def bisenet(row: Model, paths: Sequence[Path], registry: SessionRegistry) -> BiSeNetParser:
    """Raises DamagedModelError for another network's file, MissingPackageError."""
    network = registry.torch(paths[0], build, row.name)
    network.open()
    return BiSeNetParser(network)
