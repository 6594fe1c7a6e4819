"""Opens what tells genders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..catalog import Model
from ..ports import require_ports
from ..sharing import session
from .dlib_gender import DlibGender
from .genderage import SIDE, GenderAge


def dlib_gender(_row: Model, paths: Sequence[Path], device: str) -> DlibGender:
    return DlibGender(session(paths[0], device))


def genderage(row: Model, paths: Sequence[Path], device: str) -> GenderAge:
    require_ports(paths[0], row.name, [(None, 3, SIDE, SIDE)], [(None, 3)])
    return GenderAge(session(paths[0], device))
