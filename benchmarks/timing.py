"""Ratios of processor time: two pieces of work in turn, the best run of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from time import perf_counter, process_time
from typing import Any

Work = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    ours: float
    peer_name: str
    peer: float
    unit: str = "ms"
    least: float | None = None
    """What `ratio` must reach, where a goal is set."""
    most: float | None = None
    """What `ours` must stay under, where a goal is set."""

    @property
    def ratio(self) -> float:
        """How many times less the pack takes than its peer."""
        return self.peer / self.ours

    @property
    def met(self) -> bool | None:
        """Whether the goals are reached; None where there is none."""
        goals = [self.ratio >= self.least] if self.least is not None else []
        goals += [self.ours <= self.most] if self.most is not None else []
        return all(goals) if goals else None

    def json(self) -> dict[str, Any]:
        return {**asdict(self), "ratio": self.ratio, "met": self.met}


def compare(ours: Work, peer: Work, *, seconds: float = 1.0, runs: int = 200) -> tuple[float, float]:
    """Milliseconds of processor time of both: the best of runs in turn, for `seconds` together and twice at least.

    The best and not the mean: what else runs on a machine only ever adds. In turn, so that both meet the same load.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for work in (ours, peer):
        work()
    end = perf_counter() + seconds
    while len(times[0]) < 2 or (perf_counter() < end and len(times[0]) < runs):
        for taken, work in zip(times, (ours, peer), strict=True):
            taken.append(_taken(work))
    return min(times[0]), min(times[1])


def best(work: Work, *, seconds: float = 0.5, runs: int = 50) -> float:
    """Milliseconds of processor time of the best of several runs."""
    times: list[float] = []
    end = perf_counter() + seconds
    while not times or (perf_counter() < end and len(times) < runs):
        times.append(_taken(work))
    return min(times)


def _taken(work: Work) -> float:
    start = process_time()
    work()
    return (process_time() - start) * 1000
