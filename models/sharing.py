"""One session a file and device, however many models of a pool use it."""

from __future__ import annotations

from collections.abc import Generator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from .runtime import Session

Sessions = MutableMapping[tuple[Path, str], Session]

_sessions: ContextVar[Sessions | None] = ContextVar("sessions", default=None)


def session(path: Path, device: str) -> Session:
    """The session of this file on this device: the one that another model of the pool uses, or a new one."""
    known = _sessions.get()
    made = None if known is None else known.get((path, device))
    if made is None:
        made = Session(path, device)
        if known is not None:
            known[path, device] = made
    return made


@contextmanager
def shared_in(sessions: Sessions) -> Generator[None, None, None]:
    """Models that are made inside share the sessions of this mapping."""
    token = _sessions.set(sessions)
    try:
        yield
    finally:
        _sessions.reset(token)
