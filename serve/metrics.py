"""Numbers for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from .values import COMPLETED, FAILED, Outcome

_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)


class Metrics:
    """What a process has done since its start, and what waits."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        one = self._registry
        self._ended = Counter("multifaceswap_requests", "Requests that ended.", ["status"], registry=one)
        self._answered = Counter("multifaceswap_answers", "HTTP answers.", ["route", "code"], registry=one)
        self._seconds = Histogram(
            "multifaceswap_inference_seconds", "Seconds of work a request.", buckets=_SECONDS, registry=one
        )
        self._faces = Counter("multifaceswap_faces_swapped", "Faces that were swapped.", registry=one)
        self._queue = Gauge("multifaceswap_queue_length", "Requests that wait, of all processes.", registry=one)
        self._memory = Gauge("multifaceswap_gpu_memory_bytes", "GPU memory in use.", ["device"], registry=one)
        for status in (COMPLETED, FAILED):
            self._ended.labels(status)

    def ended(self, outcome: Outcome) -> None:
        self._ended.labels(FAILED if outcome.picture is None else COMPLETED).inc()
        self._seconds.observe(outcome.seconds)
        self._faces.inc(outcome.swapped)

    def cancelled(self) -> None:
        """A request ended before its work did."""
        self._ended.labels(FAILED).inc()

    def answered(self, route: str, code: int) -> None:
        """`route` as it is written in the program, so that ids make no numbers of their own."""
        self._answered.labels(route, str(code)).inc()

    def text(self, waiting: Callable[[], int]) -> bytes:
        """All numbers as Prometheus reads them."""
        self._queue.set(waiting())
        for device, used in gpu_memory().items():
            self._memory.labels(device).set(used)
        return generate_latest(self._registry)


def gpu_memory() -> dict[str, int]:
    """Bytes in use of each GPU that torch sees; nothing where no model needed torch so far."""
    import sys

    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return {}
    sizes = {f"cuda:{n}": torch.cuda.mem_get_info(n) for n in range(torch.cuda.device_count())}
    return {device: total - free for device, (free, total) in sizes.items()}
