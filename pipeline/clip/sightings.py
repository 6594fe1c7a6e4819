"""In which frames a reference was found and how near, in memory that doesn't grow with the clip."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import TypedDict

from ..faces.index_list import Span
from ..faces.matching import shown_range
from .notes import NoteState, Places


class SightingsState(TypedDict):
    """Sightings as JSON."""

    places: NoteState
    range: list[float] | None
    """Smallest and largest distance of those who were taken for this reference."""
    nearest: float | None


@dataclass(slots=True)
class Sightings:
    """What is known of one reference."""

    places: Places = field(default_factory=Places)
    low: float = inf
    high: float = 0.0
    nearest: float = inf
    """The smallest distance of anybody."""

    def add(self, frames: Span, distance: float) -> None:
        """Somebody was taken for this reference."""
        self.places.add(frames)
        self.low, self.high = min(self.low, distance), max(self.high, distance)

    def line(self, reference: int, source: int) -> str:
        """For the report."""
        if self.places.runs:
            near = shown_range(self.low, self.high)
            return f"reference {reference} → source {source}: {self.places}, distance {near}"
        nearest = f", nearest face {self.nearest:.2f} away" if self.nearest < inf else ""
        return f"reference {reference} not found{nearest}"

    def as_json(self) -> SightingsState:
        """What `from_json` takes."""
        near = [self.low, self.high] if self.places.runs else None
        return {
            "places": self.places.as_json(""),
            "range": near,
            "nearest": None if self.nearest == inf else self.nearest,
        }

    @classmethod
    def from_json(cls, state: SightingsState) -> Sightings:
        low, high = state["range"] or (inf, 0.0)
        nearest = inf if state["nearest"] is None else state["nearest"]
        return cls(Places.from_json(state["places"]), low, high, nearest)
