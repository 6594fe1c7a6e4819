"""The money: which answers to a paid call certainly cost nothing, and what running the same again does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .errors import JournalError
from .journal import Journal

COSTS_NOTHING: Final = frozenset({400, 401, 402, 403, 404, 406, 413, 415, 422, 429})
"""The statuses that turn a paid call away before any work. After any other end of it nobody here knows what it cost."""

RUN_AGAIN: Final = "`run_again`"
"""What the setting is called in Python and in nodes."""
_NOTHING: Final = "Nothing was charged."
_FORGOTTEN: Final = "The same run again is a new request."
_ACCEPTED: Final = (
    "Run the same again within the hour: the request was accepted, so it is picked up and not paid for twice. To send "
    "it anyway, change {run_again}."
)
_KEPT: Final = "What came may have been charged and is kept in {place}."
_READ_AGAIN: Final = (
    " For an hour the same run again reads it there and sends nothing. To send it anyway, change {run_again}."
)
_UNKNOWN: Final = (
    "It may have been charged, so for an hour the same isn't sent again by itself. See https://cloud.segmind.com for "
    "whether it ran. To send it anyway, change {run_again}."
)
_UNDELIVERED: Final = (
    "What was paid for is kept in {place}: run the same again within the hour, to any output of the same format, and "
    "it is taken from there and not paid for twice."
)


@dataclass(frozen=True, slots=True)
class Payment:
    """What a run paid for means for the next one, by what the journal holds then."""

    journal: Journal
    run_again: str = RUN_AGAIN
    """What the setting is called where the user meets it."""

    def after_failure(self, digest: str, *, is_sent: bool) -> str:
        """Of a failed run; empty if the journal can't be read.

        `is_sent` says whether the run sent the request or knows it by its id.
        """
        try:
            entry = self.journal.read(digest)
        except JournalError:
            return ""
        if entry is None:
            return _FORGOTTEN if is_sent else _NOTHING
        is_recent = self.journal.is_recent(entry)
        if entry.request_id:
            return self._text(_ACCEPTED, digest)
        if self.journal.picture(digest, entry) is not None:
            return self._text(_KEPT + (_READ_AGAIN if is_recent else ""), digest)
        return self._text(_UNKNOWN, digest) if is_recent else _FORGOTTEN

    def undelivered(self, digest: str) -> str:
        """Of a run that has its result, and couldn't put it where it was to go."""
        try:
            entry = self.journal.read(digest)
        except JournalError:
            return ""
        if entry is not None and self.journal.picture(digest, entry) is not None:
            return self._text(_UNDELIVERED, digest)
        return self.after_failure(digest, is_sent=True)

    def _text(self, template: str, digest: str) -> str:
        return template.format(place=self.journal.place(digest), run_again=self.run_again)
