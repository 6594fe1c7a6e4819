"""Who lends the device is told before a network runs on it: to make room, or to stop the work.

A host such as ComfyUI keeps several programs' models on one device. What it gives to `ModelPool` is called before
every run of a network that was made inside `lent_by`; it may free memory, may raise to cancel, and may close the
network later.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol


class Network(Protocol):
    """What opens at first use and can be closed at any time: the next run opens it again."""

    @property
    def device(self) -> str:
        """The name under which it was opened, e.g. `cpu` or `cuda:1`."""
        ...

    @property
    def size_bytes(self) -> int: ...

    @property
    def working_bytes(self) -> int:
        """About what a run takes beside the weights; 0 where that is little."""
        ...

    @property
    def is_open(self) -> bool: ...

    def open(self) -> Any: ...

    def close(self) -> None: ...


Lender = Callable[[Network], None]
"""Called with a network right before it runs, open or not. Must not open it."""


def _nobody(_network: Network) -> None:
    """No host: the device is the process's own."""


_lender: ContextVar[Lender] = ContextVar("lender", default=_nobody)


def lender() -> Lender:
    """Whom a network that is being made has to tell."""
    return _lender.get()


@contextmanager
def lent_by(told: Lender | None) -> Generator[None, None, None]:
    """Networks made inside tell `told`."""
    token = _lender.set(told or _nobody)
    try:
        yield
    finally:
        _lender.reset(token)
