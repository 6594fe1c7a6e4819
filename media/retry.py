"""Trying again: how often, and how long to wait between two tries."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how patiently something is tried.

    Waits double from `first` seconds to `longest`, each cut by up to half at random: what failed together doesn't come
    back together. What counts as a failure stays with the caller::

        pauses = retries.pauses()
        while True:
            try:
                return attempt()
            except ConnectionError:
                if (pause := next(pauses, None)) is None:
                    raise
            retries.sleep(pause)
    """

    tries: int = 6
    first: float = 0.5
    longest: float = 20.0
    chance: Callable[[], float] = random.random
    """Gives numbers in [0, 1)."""
    sleep: Callable[[float], None] = time.sleep
    """Waits so many seconds, for those who don't have to watch something else meanwhile."""

    def pauses(self) -> Iterator[float]:
        """Seconds to wait after each try but the last."""
        pause = self.first
        for _ in range(self.tries - 1):
            yield min(pause, self.longest) * (1 - self.chance() / 2)
            pause = min(pause * 2, self.longest)


def retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that a server asks to wait by its headers, whose names are in lower case; 0 where it doesn't say.

    A date is compared with the server's own, not with a clock here that may be wrong.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return max(wait.total_seconds(), 0.0)
