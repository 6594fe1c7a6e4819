"""Opens the shipped gender classifier."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..catalog import Model
from ..runtime import Session
from .dlib_gender import DlibGender


def dlib_gender(_row: Model, paths: Sequence[Path], device: str) -> DlibGender:
    return DlibGender(Session(paths[0], device))
