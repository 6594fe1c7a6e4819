"""One network a file and device, however many models of a pool use it."""

from __future__ import annotations

from collections.abc import Callable, Generator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

from .runtime import Session

Sessions = MutableMapping[tuple[Path, str], Any]
"""The open networks by file and device: sessions and torch networks."""
T = TypeVar("T")

_sessions: ContextVar[Sessions | None] = ContextVar("sessions", default=None)


def session(path: Path, device: str) -> Session:
    """The session of this file on this device: the one that another model of the pool uses, or a new one."""
    return shared(path, device, lambda: Session(path, device))


def shared(path: Path, device: str, make: Callable[[], T]) -> T:
    """The network of this file on this device, which `make` makes where no other model of the pool uses it.

    A file has one kind of network: everyone who shares one makes it the same way.
    """
    known = _sessions.get()
    if known is None:
        return make()
    network = known.get((path, device))
    if network is None:
        network = known[path, device] = make()
    return network


@contextmanager
def shared_in(sessions: Sessions) -> Generator[None, None, None]:
    """Models that are made inside share the networks of this mapping."""
    token = _sessions.set(sessions)
    try:
        yield
    finally:
        _sessions.reset(token)
