"""Which failures of an API call are worth another try."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ...media.retry import Retries, retry_after
from .answers import ApiResponse
from .deadline import Deadline
from .errors import ConnectionLostError

_PASSING: Final = frozenset({429, 502, 503, 504})
_REFUSED: Final = frozenset({429})
"""The one status that says the request was turned away before any work."""


def send_again(attempt: Callable[[], ApiResponse], deadline: Deadline, retries: Retries, *, safe: bool) -> ApiResponse:
    """Try until there is an answer that waiting won't change, and return it.

    Where repeating isn't `safe`, only what certainly didn't arrive is sent again. Returns the refusal where the server
    asks for a longer wait than there is time. Raises ConnectionLostError after the last try, and what Deadline raises.
    """
    pauses = retries.pauses()
    while True:
        try:
            response = attempt()
        except ConnectionLostError as error:
            pause = next(pauses, None)
            if pause is None or not (safe or error.unsent):
                raise
        else:
            pause = next(pauses, None)
            if pause is None or response.status not in (_PASSING if safe else _REFUSED):
                return response
            pause = max(retry_after(response.headers), pause)
            if pause > deadline.remaining:
                return response
        deadline.sleep(pause)
