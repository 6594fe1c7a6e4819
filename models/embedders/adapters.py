"""Opens the shipped embedder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..catalog import Model
from ..runtime import Session
from .dlib128 import Dlib128


def dlib128(_row: Model, paths: Sequence[Path], device: str) -> Dlib128:
    return Dlib128(Session(paths[0], device))
