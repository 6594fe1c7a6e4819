"""The hosted swap of many pictures: some at once, results in order."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed

from ...pipeline.errors import require_range
from ...pipeline.types import Picture, Progress
from .client import SegmindClient
from .errors import SegmindError
from .job import SegmindResult, never
from .settings import (
    DEFAULT_CONCURRENCY,
    DEFAULT_POLL_INTERVAL,
    DEFAULT_TIMEOUT,
    MAX_CONCURRENCY,
    MODES,
    TRANSPORTS,
    SegmindSettings,
)


def swap_all(
    client: SegmindClient,
    source: Picture | bytes | str,
    targets: Sequence[Picture | bytes | str],
    settings: SegmindSettings | None = None,
    *,
    concurrency: int = DEFAULT_CONCURRENCY,
    mode: str = MODES[0],
    transport: str = TRANSPORTS[0],
    timeout: float = DEFAULT_TIMEOUT,
    poll_interval: float = DEFAULT_POLL_INTERVAL,
    run_again: int = 0,
    cancelled: Callable[[], bool] = never,
    progress: Progress | None = None,
) -> list[SegmindResult]:
    """`client.swap` of one source onto every target, at most `concurrency` (1 to 16) at once; results in order.

    The first failure stops the others and is raised, with `frame` set; what they have paid for is picked up when the
    same is run again. `progress(done, total)` is called in this thread; the other options are those of `swap`, the
    `timeout` is for each picture. Raises SettingsError and what `swap` raises.
    """
    require_range("concurrency", concurrency, 1, MAX_CONCURRENCY)
    stop = threading.Event()

    def swap(frame: int, target: Picture | bytes | str) -> SegmindResult:
        try:
            return client.swap(
                source,
                target,
                settings,
                mode=mode,
                transport=transport,
                timeout=timeout,
                poll_interval=poll_interval,
                run_again=run_again,
                cancelled=lambda: stop.is_set() or cancelled(),
            )
        except SegmindError as error:
            error.frame = frame if len(targets) > 1 else None
            raise

    failures: list[BaseException] = []

    def attempt(frame: int, target: Picture | bytes | str) -> SegmindResult:
        try:
            return swap(frame, target)
        except BaseException as error:
            # Here, before this thread takes the next target: the one that waits for the results may be slow to look.
            failures.append(error)
            stop.set()
            raise

    with ThreadPoolExecutor(concurrency) as pool:
        try:
            futures = [pool.submit(attempt, *numbered) for numbered in enumerate(targets)]
            return _gathered(futures, failures, progress)
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)


def _gathered(
    futures: Sequence[Future[SegmindResult]], failures: Sequence[BaseException], progress: Progress | None
) -> list[SegmindResult]:
    """The results in order. Raises the first failure, not what came of stopping the others."""
    for done, future in enumerate(as_completed(futures), start=1):
        if failures:
            raise failures[0]
        future.result()
        if progress is not None:
            progress(done, len(futures))
    return [future.result() for future in futures]
