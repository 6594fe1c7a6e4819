"""Opens the shipped detector and mesh."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..catalog import Model
from ..runtime import Session
from .blazeface import BlazeFace
from .builtin import BuiltinDetector
from .facemesh import FaceMesh


def builtin(
    _row: Model,
    paths: Sequence[Path],
    device: str,
    *,
    confidence: float = 0.5,
    turns: bool = False,
    tiles: bool = True,
    min_size: float = 16,
) -> BuiltinDetector:
    """Options: see BuiltinDetector."""
    blazeface, facemesh = (Session(path, device) for path in paths)
    return BuiltinDetector(
        BlazeFace(blazeface), FaceMesh(facemesh), confidence=confidence, turns=turns, tiles=tiles, min_size=min_size
    )


def facemesh(_row: Model, paths: Sequence[Path], device: str) -> FaceMesh:
    return FaceMesh(Session(paths[0], device))
