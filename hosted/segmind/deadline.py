"""The time limit and the stop button of a job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from ...pipeline.errors import CancelledError, MultiFaceSwapError
from .errors import TimeLimitError

T = TypeVar("T")
_SLICE: Final = 0.1
"""Seconds between looks at the stop button."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Where time comes from. `wall` may jump; only the journal reads it."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


class Deadline:
    """Waits for things until they happen, the time limit is over or the user stops."""

    def __init__(self, seconds: float, cancelled: Callable[[], bool], clock: Clock) -> None:
        self._seconds = seconds
        self._cancelled = cancelled
        self._clock = clock
        # Hosts withdraw their stop once it was noticed, but other threads of the job may not have asked yet.
        self._stopped = False
        self._end = clock.monotonic() + seconds

    @property
    def remaining(self) -> float:
        """Seconds until the time limit, at least a tenth."""
        return max(self._end - self._clock.monotonic(), _SLICE)

    def check(self) -> None:
        """Raise CancelledError or TimeLimitError if the job must stop."""
        self._stopped = self._stopped or self._cancelled()
        if self._stopped:
            raise CancelledError("cancelled")
        if self._clock.monotonic() >= self._end:
            raise TimeLimitError(f"not done within {self._seconds:g} s")

    def sleep(self, seconds: float) -> None:
        """Wait, and wake up early to raise what `check` raises."""
        end = self._clock.monotonic() + seconds
        while (left := end - self._clock.monotonic()) > 0:
            self.check()
            self._clock.sleep(min(left, _SLICE))
        self.check()

    def run(self, task: Callable[[], T]) -> T:
        """Do the task in a thread and return or raise what it does; raise what `check` raises meanwhile.

        The task is then left to itself: one that was paid for still writes its outcome to the journal.
        """
        worker = _Worker(task)
        worker.start()
        while not worker.done.wait(_SLICE):
            self.check()
        return worker.outcome()


class _Worker(threading.Thread, Generic[T]):
    def __init__(self, task: Callable[[], T]) -> None:
        super().__init__(daemon=True)
        self._task = task
        self._value: list[T] = []
        self._error: MultiFaceSwapError | None = None
        self.done = threading.Event()

    def run(self) -> None:
        try:
            self._value.append(self._task())
        except MultiFaceSwapError as error:
            self._error = error
        finally:
            self.done.set()

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        if not self._value:
            raise RuntimeError("a thread of the hosted engine ended with an error that its log shows")
        return self._value[0]
