"""Parts of a face by name, where its mesh says that they lie."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, NamedTuple

from ..errors import SettingsError
from ..quotes import quoted
from ..types import Mesh, Points
from . import mesh_points as points


class _Outline(NamedTuple):
    points: tuple[int, ...]
    holes: tuple[tuple[int, ...], ...] = ()


_PARTS: Final = MappingProxyType(
    {
        "mouth": (_Outline(points.LIPS_OUTER),),
        "eyes": (_Outline(points.EYE_LEFT_RING), _Outline(points.EYE_RIGHT_RING)),
        "brows": (_Outline(points.BROW_LEFT), _Outline(points.BROW_RIGHT)),
        "nose": (_Outline(points.NOSE),),
        "forehead": (_Outline(points.FOREHEAD),),
        "beard": (_Outline(points.BEARD, (points.LIPS_OUTER,)),),
        "glasses": (_Outline(points.GLASSES),),
    }
)
PARTS: Final = tuple(_PARTS)
"""Their names. `glasses` are what lies between the temples: with the eyes behind them and the brows."""


class Area(NamedTuple):
    """Closed outlines (N, 2) in picture pixels: what lies within an odd number of them."""

    outlines: tuple[Points, ...]


def parse_parts(text: str) -> tuple[str, ...]:
    """The names of a list such as `mouth, eyes`, once each in the order of `PARTS`; none for an empty one.

    Raises SettingsError for a name that isn't known.
    """
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in PARTS:
            raise SettingsError(f"expected some of {', '.join(PARTS)}, separated by commas, got {quoted(name)}")
    return tuple(name for name in PARTS if name in names)


def areas_of(mesh: Mesh, names: tuple[str, ...]) -> list[Area]:
    """Where the named parts of a face lie, whose mesh (468, 2 or 3) is in picture pixels."""
    wanted = [outline for name in names for outline in _PARTS[name]]
    return [Area(tuple(mesh[list(one), :2] for one in (outline.points, *outline.holes))) for outline in wanted]
