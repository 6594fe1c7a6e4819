"""What a clip's file says of itself beside what its target does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple


class Marks(NamedTuple):
    """What the file says of itself."""

    xmp: bytes | None = None
    """A packet, for formats that hold one."""
    tags: Mapping[str, str] = MappingProxyType({})
    """For the others."""
    finish: Callable[[Path], None] | None = None
    """What is done last to the written file, before it has its name."""


NO_MARKS: Final = Marks()
