"""Opens what tells genders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..catalog import Model
from ..runtime.registry import SessionRegistry
from ..runtime.signature import require_ports
from .dlib_gender import DlibGender
from .genderage import NUMBERS, SIDE, GenderAge


def dlib_gender(_row: Model, paths: Sequence[Path], registry: SessionRegistry) -> DlibGender:
    return DlibGender(registry.session(paths[0]))


def genderage(row: Model, paths: Sequence[Path], registry: SessionRegistry) -> GenderAge:
    """Raises DamagedModelError for another network's file."""
    require_ports(paths[0], row.name, [(None, 3, SIDE, SIDE)], [(None, NUMBERS)])
    return GenderAge(registry.session(paths[0]))
