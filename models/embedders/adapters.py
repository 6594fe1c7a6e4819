"""Opens what gives faces an identity."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..runtime.registry import SessionRegistry
from ..runtime.signature import require_ports
from ..spec import EmbedderParams, Model
from .arcface import ArcFace
from .dlib128 import Dlib128


def dlib128(row: Model, paths: Sequence[Path], registry: SessionRegistry) -> Dlib128:
    return Dlib128(registry.session(paths[0]), row.name)


def arcface(row: Model, paths: Sequence[Path], registry: SessionRegistry) -> ArcFace:
    """Raises DamagedModelError for another network's file."""
    known = row.params_of(EmbedderParams)
    require_ports(paths[0], row.name, [(None, 3, known.size, known.size)], [(None, known.numbers)])
    return ArcFace(registry.session(paths[0]), row.name)
