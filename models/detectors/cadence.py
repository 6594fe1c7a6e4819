"""Whose turn it is: the parts of a clip's frames are looked at one after the other, each twice a second."""

from __future__ import annotations

from math import floor
from typing import Final

CADENCE: Final = 0.48
"""Seconds in which all of a frame has been looked at once."""


def turns_of(count: int, phase: float, before: float, time: float, period: float = CADENCE) -> range:
    """Whose turn it is between two times in seconds, of a number of things of which each has its turn once a period;
    `phase`, in periods, is how far ahead they are."""
    first, last = (floor((seconds / period + phase) * count) for seconds in (before, time))
    return range(first, min(last, first + count))
