"""Takes on what waits, has it done, and says what came of it: one dispatcher a process, several requests at once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from .claims import LEASE, Claims
from .logs import event
from .metrics import Metrics
from .store import Store
from .tables import unreachable
from .values import FAILED, Claimed, Outcome

log = logging.getLogger(__name__)
Work = Callable[[Claimed], Outcome]
"""Does a request's work. Raises Lost where whoever did it is gone."""
_POLL: Final = 0.5
"""Seconds between looks for what other processes accepted."""
_TIDY: Final = 30.0
_PAUSE: Final = 2.0
"""After something went wrong, such as the database that couldn't be reached."""


class Lost(Exception):
    """Whoever worked on a request is gone, and another one may do it."""


class Dispatcher:
    """Has the requests of a state worked on, until it is stopped."""

    def __init__(self, store: Store, work: Work, workers: int, metrics: Metrics) -> None:
        self._store, self._claims = store, Claims(store)
        self._work = work
        self._workers = workers
        self._metrics = metrics
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._running: dict[Future[Outcome], Claimed] = {}
        self._due = {"renew": 0.0, "tidy": 0.0}
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    def start(self, *, alone: bool) -> None:
        """`alone`: no other process works on this state, so that all that is under way was left by one that is gone."""
        if count := self._claims.recover(everything=alone):
            event(log, "recovered", requests=count)
        self._thread.start()

    def wake(self) -> None:
        """Something was accepted, or is over."""
        self._wake.set()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self, seconds: float) -> None:
        """Take on nothing more, and wait for what is under way. What isn't done by then is done after a restart."""
        self._stopping.set()
        self.wake()
        self._thread.join(seconds)

    def _run(self) -> None:
        with ThreadPoolExecutor(self._workers, thread_name_prefix="worker") as pool:
            while not self._stopping.is_set() or self._running:
                try:
                    self._finish()
                    self._keep_up()
                    if not self._stopping.is_set():
                        self._fill(pool)
                except SQLAlchemyError as error:
                    event(log, "database", logging.ERROR, error=unreachable(error))
                    self._stopping.wait(_PAUSE)
                except Exception:  # all who wait depend on this thread, whatever it met
                    log.exception("the dispatcher goes on")
                    self._stopping.wait(_PAUSE)
                self._wake.wait(_POLL)
                self._wake.clear()

    def _fill(self, pool: ThreadPoolExecutor) -> None:
        while len(self._running) < self._workers and (claimed := self._claims.take()) is not None:
            event(log, "started", request_id=claimed.id, attempt=claimed.attempts)
            future = pool.submit(self._work, claimed)
            self._running[future] = claimed
            future.add_done_callback(lambda _: self.wake())

    def _finish(self) -> None:
        """Say what came of what is done. A future is forgotten only once that is on the disk."""
        for future, claimed in [(future, claimed) for future, claimed in self._running.items() if future.done()]:
            try:
                self._end(future, claimed)
            except SQLAlchemyError:
                raise
            except Exception as error:  # once more would go wrong as well, and keep all others from their end
                log.exception("request %s", claimed.id)
                self._claims.done(claimed, Outcome(None, _internal(error)))
            del self._running[future]

    def _end(self, future: Future[Outcome], claimed: Claimed) -> None:
        error = future.exception()
        if isinstance(error, Lost):
            self._claims.give_back(claimed)
            event(log, "given back", logging.WARNING, request_id=claimed.id)
            return
        if error is not None:  # a mistake of this program: its own words may hold anything
            log.error("request %s: %s", claimed.id, type(error).__name__, exc_info=error)
        outcome = future.result() if error is None else Outcome(None, _internal(error))
        if self._claims.done(claimed, outcome):
            self._metrics.ended(outcome)
            status = FAILED if outcome.picture is None else "COMPLETED"
            event(log, "ended", request_id=claimed.id, status=status, seconds=round(outcome.seconds, 3))

    def _keep_up(self) -> None:
        now = time.monotonic()
        if now >= self._due["renew"]:
            self._claims.renew([claimed.claim for claimed in self._running.values()])
            self._claims.recover()
            self._due["renew"] = now + LEASE / 3
        if now >= self._due["tidy"]:
            self._store.tidy()
            self._due["tidy"] = now + _TIDY


def _internal(error: BaseException) -> str:
    return f"internal error ({type(error).__name__})"
