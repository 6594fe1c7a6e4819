"""The money: which answers to a paid call certainly cost nothing, and what running the same again does."""

from __future__ import annotations

from typing import Final

from .errors import JournalError
from .journal import Journal

COSTS_NOTHING: Final = frozenset({400, 401, 402, 403, 404, 406, 413, 415, 422, 429})
"""The statuses that turn a paid call away before any work. After any other end of it nobody here knows what it cost."""

_NOTHING: Final = "Nothing was charged."
_FORGOTTEN: Final = "The same run again is a new request."
_ACCEPTED: Final = (
    "Run the same again within the hour: the request was accepted, so it is picked up and not paid for twice. To send "
    "it anyway, change `run_again`."
)
_KEPT: Final = "What came may have been charged and is kept in {place}."
_READ_AGAIN: Final = (
    " For an hour the same run again reads it there and sends nothing. To send it anyway, change `run_again`."
)
_UNKNOWN: Final = (
    "It may have been charged, so for an hour the same isn't sent again by itself. See https://cloud.segmind.com for "
    "whether it ran. To send it anyway, change `run_again`."
)


def after_failure(journal: Journal, digest: str, *, is_sent: bool) -> str:
    """What a failed run means for the next one, by what the journal holds of the job now; empty if it can't be read.

    `is_sent` says whether this run sent the request or knows it by its id.
    """
    try:
        entry = journal.read(digest)
    except JournalError:
        return ""
    if entry is None:
        return _FORGOTTEN if is_sent else _NOTHING
    is_recent = journal.is_recent(entry)
    if entry.request_id:
        return _ACCEPTED
    if journal.picture(digest, entry) is not None:
        return _KEPT.format(place=journal.place(digest)) + (_READ_AGAIN if is_recent else "")
    return _UNKNOWN if is_recent else _FORGOTTEN
