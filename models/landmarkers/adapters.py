"""Opens what measures landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...pipeline.errors import DamagedModelError
from ..runtime.onnx_file import read_first_step, read_ports
from ..runtime.registry import SessionRegistry
from ..runtime.signature import require_ports
from ..spec import Model
from . import fan
from . import hrffa as angles


def hrffa(row: Model, paths: Sequence[Path], registry: SessionRegistry) -> angles.Hrffa:
    """Raises DamagedModelError for another network's file."""
    wanted = [(None, angles.POINTS, 2), (None, angles.POINTS, angles.STATES)]
    require_ports(paths[0], row.name, [(None, 3, angles.SIDE, angles.SIDE)], wanted)
    given = [port.name for port in read_ports(paths[0])[1]]
    if {*given} != {*angles.OUTPUTS}:
        raise DamagedModelError(
            f"{paths[0]} holds another network than {row.name}: expected outputs {', '.join(angles.OUTPUTS)}, this one "
            f"gives {', '.join(given)}."
        )
    return angles.Hrffa(registry.session(paths[0]), row.name, *_feeding(paths[0]))


def fan4(row: Model, paths: Sequence[Path], registry: SessionRegistry) -> fan.Fan4:
    """Raises DamagedModelError for another network's file."""
    wanted = [(None, fan.POINTS, 3), (None, fan.POINTS, fan.GRID, fan.GRID)]
    require_ports(paths[0], row.name, [(None, 3, fan.SIDE, fan.SIDE)], wanted)
    return fan.Fan4(registry.session(paths[0]), row.name)


def _feeding(path: Path) -> tuple[float, float]:
    """Factor and shift that bring RGB in [0, 1] to what the graph takes.

    A graph whose first step is arithmetic on the picture normalises by itself: by the size of its constant it takes
    0 to 255, or 0 to 1. Any other is fed (x - 0.5) / 0.5, as the author's own demo feeds all of them, although the
    project's text says that the small one's normalisation is folded into its first layer.
    """
    step = read_first_step(path)
    if step is None or step.operator not in ("Add", "Sub", "Mul", "Div"):
        return 2.0, -1.0
    return (255.0, 0.0) if step.largest > _BEYOND_ONE or 0 < step.largest < _OF_BYTES else (1.0, 0.0)


_BEYOND_ONE = 2.5
"""Constants up to 1 / 0.5, or to 1 / 0.225, belong to colours of 0 to 1."""
_OF_BYTES = 0.1
"""A factor below this, e.g. 1 / 255, brings bytes to 0 to 1."""
