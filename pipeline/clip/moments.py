"""Places in a clip as users write them: a time such as `12.5`, `1:02.5` or `0:01:02`, or a frame such as `120f`."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final, NamedTuple

from ..errors import SettingsError
from ..quotes import quoted

_LATEST: Final = 1_000_000
"""Seconds."""
_LAST_FRAME: Final = 10**9
_LONGEST: Final = 40
"""Characters; of longer ones none is meant."""
_FRAME: Final = re.compile("([0-9]+)[fF]")
_TIME: Final = re.compile(r"(?:(?:([0-9]+):)?([0-9]+):)?([0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_EXPECTED: Final = "expected a time such as 12.5, 1:02.5 or 0:01:02, or a frame such as 120f"


class Moment(NamedTuple):
    """A place in a clip: seconds from its beginning, or a frame of it."""

    value: Fraction
    is_frame: bool = False
    """Whether `value` counts frames; the first one is 0."""

    def __str__(self) -> str:
        return f"{self.value}f" if self.is_frame else f"{float(self.value):.10g}"


def moment_text(value: object) -> str:
    """A place as `parse_moment` reads it, from a text or a number of seconds. Raises SettingsError for others."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise SettingsError(f"{_EXPECTED}, got {quoted(value)}")
    if isinstance(value, str):
        text = value.strip()
    elif 0 <= value <= _LATEST:
        # Nanoseconds leave out what sums of binary fractions add.
        text = f"{value:.9f}".rstrip("0").rstrip(".")
    else:
        raise _beyond(value)
    if text and not parse_moment(text).value and text[-1] not in "fF":
        return "0"
    return text


def parse_moment(text: str) -> Moment:
    """Read a place in a clip. Raises SettingsError for anything else."""
    if len(text) <= _LONGEST and (frame := _FRAME.fullmatch(text)):
        return _within(Moment(Fraction(frame[1]), is_frame=True), text)
    time = _TIME.fullmatch(text) if len(text) <= _LONGEST else None
    if time is None:
        raise SettingsError(f"{_EXPECTED}, got {quoted(text)}")
    hours, minutes, seconds = int(time[1] or 0), int(time[2] or 0), Fraction(time[3])
    if (time[2] and seconds >= 60) or (time[1] and minutes >= 60):
        raise SettingsError(f"{_EXPECTED}, with less than 60 minutes and seconds behind a colon, got {quoted(text)}")
    return _within(Moment(3600 * hours + 60 * minutes + seconds), text)


def require_rising(start: Moment, end: Moment | None) -> None:
    """Raise SettingsError where nothing can lie between two places, as far as it shows without the clip."""
    if end is not None and (not end.value or (start.is_frame == end.is_frame and start.value >= end.value)):
        raise SettingsError(f"end {end}: expected a place behind the start, {start}")


def _within(moment: Moment, text: str) -> Moment:
    if moment.value > (_LAST_FRAME if moment.is_frame else _LATEST):
        raise _beyond(text)
    return moment


def _beyond(value: object) -> SettingsError:
    return SettingsError(f"{_EXPECTED}, from 0 to {_LATEST:,} seconds or {_LAST_FRAME:,} frames, got {quoted(value)}")
