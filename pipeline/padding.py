"""How much of a swapped face's rim is taken off: so many percent at its top, right, bottom and left."""

from __future__ import annotations

from typing import Final, NamedTuple

from .errors import SettingsError
from .quotes import quoted

_MOST: Final = 90.0


class Padding(NamedTuple):
    """Percent of the face's height and width, as it looks upright in the picture."""

    top: float = 0.0
    right: float = 0.0
    bottom: float = 0.0
    left: float = 0.0


NO_PADDING: Final = Padding()


def parse_padding(text: str) -> Padding:
    """Four numbers separated by commas, top, right, bottom and left; one for all sides; none for an empty text.

    Raises SettingsError for anything else, and where nothing of the face would be left.
    """
    parts = [part.strip() for part in text.split(",")] if text.strip() else ["0"]
    numbers = [_percent(part, text) for part in (parts * 4 if len(parts) == 1 else parts)]
    if len(numbers) != 4:
        raise SettingsError(f"expected one number or top, right, bottom, left, got {quoted(text)}")
    padding = Padding(*numbers)
    if max(padding.top + padding.bottom, padding.left + padding.right) > _MOST:
        raise SettingsError(f"expected {_MOST:g} percent at most of the height and of the width, got {quoted(text)}")
    return padding


def _percent(part: str, text: str) -> float:
    try:
        value = float(part)
    except ValueError:
        value = -1.0
    if not 0 <= value <= _MOST:
        raise SettingsError(f"expected percents from 0 to {_MOST:g}, separated by commas, got {quoted(text)}")
    return value
