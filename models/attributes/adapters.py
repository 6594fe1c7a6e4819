"""Opens what guesses genders and ages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...pipeline.errors import DamagedModelError
from ..catalog import Model
from ..runtime.onnx_file import read_ports
from ..runtime.registry import SessionRegistry
from ..runtime.signature import require_ports
from . import fairface as fair
from .dlib_gender import DlibGender
from .genderage import NUMBERS, SIDE, GenderAge


def dlib_gender(_row: Model, paths: Sequence[Path], registry: SessionRegistry) -> DlibGender:
    return DlibGender(registry.session(paths[0]))


def genderage(row: Model, paths: Sequence[Path], registry: SessionRegistry) -> GenderAge:
    """Raises DamagedModelError for another network's file."""
    require_ports(paths[0], row.name, [(None, 3, SIDE, SIDE)], [(None, NUMBERS)])
    return GenderAge(registry.session(paths[0]))


def fairface(row: Model, paths: Sequence[Path], registry: SessionRegistry) -> fair.FairFace:
    """Raises DamagedModelError for another network's file."""
    require_ports(paths[0], row.name, [(None, 3, fair.SIDE, fair.SIDE)], [(None,)] * 3)
    given = [port.name for port in read_ports(paths[0])[1]]
    if not {*fair.OUTPUTS} <= {*given}:
        raise DamagedModelError(
            f"{paths[0]} holds another network than {row.name}: expected outputs {', '.join(fair.OUTPUTS)}, this one "
            f"gives {', '.join(given)}."
        )
    return fair.FairFace(registry.session(paths[0]))
