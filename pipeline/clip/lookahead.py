"""Delays a clip by a few frames, so that short gaps in a track are filled in and landmarks are smoothed both ways."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from ..streams import closing_source
from ..types import Face
from .depth_order import Leads
from .smoothing import RADIUS, TimedFace, interpolate_face, smooth_face

T = TypeVar("T")


@dataclass(slots=True)
class ObservedFrame(Generic[T]):
    """One frame and the people in it."""

    frame: T | None
    """Whatever goes with the frame; let go of once it is handed on."""
    time: float
    """In seconds."""
    scene: int
    people: dict[int, Face] = field(default_factory=dict[int, Face])
    """Faces by the number of their person."""
    sources: Mapping[int, Face | None] = field(default_factory=dict[int, "Face | None"])
    """Source faces by person, of all who are known in this frame's scene; None for who gets none."""
    leads: Leads = field(default_factory=dict[tuple[int, int], float])
    """Who is in front of whom."""
    shares: Mapping[int, tuple[float, ...]] = field(default_factory=dict[int, tuple[float, ...]])
    """How much each view of their donors people show."""


def delay(max_gap: int, smooth: bool) -> int:
    """How many frames later a frame comes out than it went in."""
    return max_gap + (RADIUS if smooth else 0)


def reach(max_gap: int, smooth: bool) -> int:
    """How many frames before it a frame's faces may depend on."""
    return max_gap + 1 + (RADIUS if smooth else 0)


def look_ahead(
    frames: Iterable[ObservedFrame[T]], *, max_gap: int = 5, smooth: bool = True
) -> Generator[ObservedFrame[T]]:
    """The frames in order, at most `delay` of them held back; closes `frames` at its end.

    A person missing for up to `max_gap` frames is filled in where they are seen before and after. `smooth` smooths
    landmarks and meshes over `RADIUS` frames on either side. Who gets which source is what the newest frame held back
    says, which has seen more of everybody. Nothing reaches from one scene into another.
    """
    window: _Window[T] = _Window(max_gap, smooth)
    with closing_source(frames) as source:
        for frame in source:
            if window.is_of_another_scene(frame):
                yield from window.rest()
                window = _Window(max_gap, smooth)
            yield from window.add(frame)
        yield from window.rest()


class _Window(Generic[T]):
    """The latest frames of a scene: some that were handed on and are remembered, some that wait."""

    def __init__(self, max_gap: int, smooth: bool) -> None:
        self._max_gap = max_gap
        self._radius = RADIUS if smooth else 0
        self._frames: deque[ObservedFrame[T]] = deque()
        self._next = 0
        """Place of the first frame that waits."""

    def is_of_another_scene(self, frame: ObservedFrame[T]) -> bool:
        return bool(self._frames) and self._frames[-1].scene != frame.scene

    def add(self, frame: ObservedFrame[T]) -> Iterator[ObservedFrame[T]]:
        self._frames.append(frame)
        self._fill_in()
        if len(self._frames) - self._next > self._max_gap + self._radius:
            yield self._handed_on()

    def rest(self) -> Iterator[ObservedFrame[T]]:
        while self._next < len(self._frames):
            yield self._handed_on()

    def _handed_on(self) -> ObservedFrame[T]:
        held = self._frames[self._next]
        people = {person: self._smoothed(person) for person in held.people}
        frame, held.frame = held.frame, None
        newest = self._frames[-1].sources
        sources = {person: newest.get(person, held.sources.get(person)) for person in people}
        self._next += 1
        if self._next > max(self._radius, 1):
            self._frames.popleft()
            self._next -= 1
        return ObservedFrame(frame, held.time, held.scene, people, sources, held.leads, held.shares)

    def _fill_in(self) -> None:
        """Where the newest frame shows somebody again after a gap, the gap is filled."""
        last = len(self._frames) - 1
        for person in self._frames[last].people:
            first = last - 1
            while first >= max(0, last - self._max_gap - 1) and person not in self._frames[first].people:
                first -= 1
            if first < max(0, last - self._max_gap - 1):
                continue
            for place in range(max(first + 1, self._next), last):
                held = self._frames[place]
                held.people[person] = interpolate_face(self._timed(first, person), self._timed(last, person), held.time)

    def _smoothed(self, person: int) -> Face:
        places = range(1, self._radius + 1)
        before = [self._next - step for step in places]
        after = [self._next + step for step in places]
        return smooth_face(self._run(before, person), self._timed(self._next, person), self._run(after, person))

    def _run(self, places: Iterable[int], person: int) -> list[TimedFace]:
        """Sightings at these places, up to the first where there is none."""
        run: list[TimedFace] = []
        for place in places:
            if not 0 <= place < len(self._frames) or person not in self._frames[place].people:
                break
            run.append(self._timed(place, person))
        return run

    def _timed(self, place: int, person: int) -> TimedFace:
        return TimedFace(self._frames[place].time, self._frames[place].people[person])
