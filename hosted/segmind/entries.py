"""What the journal notes of a job, and how a note is read that is damaged or of another version."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

from .lenient_json import Json, read_json
from .responses import ResultInfo, finite

State = Literal["sending", "submitted", "fetched", "delivered"]
_TEXT: Final = re.compile(r'"(\w+)"\s*:\s*"([^"\\\x00-\x1f]{1,2000})"')
"""A name and its text in JSON, where the text has nothing escaped."""
_FARTHEST: Final = 8 * 24 * 3600.0
"""Seconds. An entry keeps its time when it is written anew, for the week that it is remembered."""
_STATES: Final[dict[str, State]] = {state: state for state in get_args(State)}


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """How far a job is."""

    state: State
    """sending: it may have arrived. submitted: it has an id. fetched: what came is on disk. delivered: as fetched, and
    the user has it too."""
    at: float
    """Seconds since 1970."""
    request_id: str = ""
    status_url: str = ""
    response_url: str = ""
    picture_sha256: str = ""
    inference_seconds: float | None = None
    credits: str | None = None

    def with_info(self, info: ResultInfo) -> JournalEntry:
        return replace(self, inference_seconds=info.inference_seconds, credits=info.credits)

    @property
    def info(self) -> ResultInfo:
        """What the API said about the result."""
        return ResultInfo(self.inference_seconds, self.credits)


def read_entry(text: bytes, written: float, now: float) -> JournalEntry:
    """The entry of a file that was `written` then, in seconds since 1970 as `now`: whatever of it can be read.

    What isn't known is left out, as a newer version may write more. Of a damaged one counts what it certainly holds:
    what came, a request's id, or else that something may have been sent.
    """
    values = read_json(text)
    values = values if isinstance(values, dict) else _salvaged(text)
    request_id, digest = _text(values, "request_id"), _text(values, "picture_sha256")
    at = _plausible(finite(values.get("at")), written, now)
    state = _STATES.get(_text(values, "state"))
    if state is None or at is None or (state == "submitted" and not request_id):
        state, at = None, written
    return JournalEntry(
        state or _state(request_id, digest),
        at,
        request_id,
        _text(values, "status_url"),
        _text(values, "response_url"),
        digest,
        finite(values.get("inference_seconds")),
        _text(values, "credits") or None,
    )


def _plausible(at: float | None, written: float, now: float) -> float | None:
    """The time of an entry. Where its file's own lies far from it, one of them is wrong: the later one counts, so that
    no doubt ends early, unless it is still to come."""
    if at is None or abs(at - written) <= _FARTHEST:
        return at
    return max((time for time in (at, written) if time <= now + _FARTHEST), default=written)


def _salvaged(text: bytes) -> dict[str, Json]:
    """What a damaged note holds of what nobody may lose: its whole texts of letters, digits and marks."""
    found = _TEXT.findall(text.decode("utf-8", errors="replace"))
    return {name: value for name, value in found if name in ("request_id", "status_url", "response_url")}


def _state(request_id: str, digest: str) -> State:
    if digest:
        return "fetched"
    return "submitted" if request_id else "sending"


def _text(values: dict[str, Json], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""
