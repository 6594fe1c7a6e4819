"""Pictures in the top left corner of an ONNX graph's input, for graphs of one size and for those of any."""

from __future__ import annotations

from ...pipeline.errors import SettingsError
from ...pipeline.types import Size
from ..runtime.onnx import Session
from .scan import Letterbox

STEP = 32
"""Divides the sides of every input: the coarsest of the strides."""


class CornerNetwork:
    """Looks at pictures whose longer side is `side` at most, or of the only size that the file takes."""

    padding = 0.0
    border = 0.0

    def __init__(self, session: Session, side: int, asked: int | None = None) -> None:
        """`asked`: the side where it was chosen, which a file of another size refuses."""
        self.session = session
        self._side, self._asked = asked or side, asked

    def open(self) -> None:
        """Raises DamagedModelError, and SettingsError for a size that the file refuses."""
        self.session.open()
        require_size(self.session, self._asked)

    @property
    def side(self) -> int:
        """The longer side of the input in pixels."""
        return max(fixed_size(self.session) or (self._side,))

    @property
    def sessions(self) -> tuple[Session, ...]:
        return (self.session,)

    def fit(self, size: Size) -> Letterbox:
        return into_corner(size, self._side, fixed_size(self.session))


def fixed_size(session: Session) -> Size | None:
    """The only size that the graph's first input takes; None where it is free. Opens the session."""
    height, width = next(iter(session.input_shapes().values()))[2:]
    return Size(width, height) if isinstance(width, int) and isinstance(height, int) else None


def require_size(session: Session, asked: int | None) -> None:
    """Raise SettingsError where a graph takes pictures of another size alone than was asked for, if any was."""
    fixed = fixed_size(session)
    if fixed is not None and asked not in (None, *fixed):
        raise SettingsError(f"detection_size: {session.path.name} takes pictures of {fixed} only, got {asked}")


def into_corner(size: Size, side: int, fixed: Size | None) -> Letterbox:
    """A picture of `size` scaled up or down to fill the input: one of `fixed` size, or one whose longer side is `side`
    at most and whose sides 32 divides."""
    longest = max(side // STEP, 1) * STEP
    room = fixed or Size(longest, longest)
    scale = min(room.width / size.width, room.height / size.height)
    inner = Size(max(round(size.width * scale), 1), max(round(size.height * scale), 1))
    outer = fixed or Size(*(-(-length // STEP) * STEP for length in inner))
    return Letterbox(inner, outer, 0, 0, scale)
