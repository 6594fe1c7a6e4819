"""Which failures are worth another try, and when."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from .errors import ConnectionLostError
from .transport import ApiResponse
from .waiting import Watch

_PASSING: Final = frozenset({429, 502, 503, 504})
_REFUSED: Final = 429
"""The one status that says the request was turned away before any work."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how patiently: waits double from `first` seconds to `longest`, each cut by up to half at random."""

    tries: int = 6
    first: float = 0.5
    longest: float = 20.0
    chance: Callable[[], float] = random.random

    def pause(self, number: int) -> float:
        """Seconds to wait after try `number`, from 0."""
        return min(self.first * 2**number, self.longest) * (1 - self.chance() / 2)


def send_again(attempt: Callable[[], ApiResponse], watch: Watch, retries: Retries, *, safe: bool) -> ApiResponse:
    """Try until there is an answer that waiting won't change, and give it back.

    Where repeating isn't `safe`, only what certainly didn't arrive is sent again. Gives back the refusal where the
    server asks for a longer wait than there is time. Raises ConnectionLostError after the last try, and what Watch
    raises.
    """
    for number in range(retries.tries):
        last = number == retries.tries - 1
        try:
            reply = attempt()
        except ConnectionLostError as error:
            if last or not (safe or error.unsent):
                raise
            pause = retries.pause(number)
        else:
            if last or reply.status not in (_PASSING if safe else {_REFUSED}):
                return reply
            pause = max(retry_after(reply), retries.pause(number))
            if pause > watch.remaining:
                return reply
        watch.sleep(pause)
    raise AssertionError("expected at least one try")


def retry_after(reply: ApiResponse) -> float:
    """Seconds that the server asks to wait; 0 where it doesn't say.

    A date is compared with the server's own, not with a clock here that may be wrong.
    """
    text = reply.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return float(text[:9])
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, TypeError):
        return 0.0
    return max(wait.total_seconds(), 0.0)
