"""Remarks on a clip: each text once, with where it holds, in memory that grows with the texts and not with the clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypedDict

from ..faces.index_list import Span

SHOWN: Final = 8
"""A line names at most that many people or runs of frames."""


class ClipPerson(NamedTuple):
    """Somebody in one scene."""

    scene: int
    number: int

    def __str__(self) -> str:
        return f"scene {self.scene}, person {self.number}"


class NoteState(TypedDict):
    """A note as JSON."""

    text: str
    runs: list[list[int]]
    hidden: int
    last: int
    people: list[list[int]]


class Notes:
    """Collects notes frame after frame."""

    def __init__(self, state: Sequence[NoteState] = ()) -> None:
        self._places = {note["text"]: Places.from_json(note) for note in state}

    def add(self, text: str, frames: Span, person: ClipPerson | None = None) -> None:
        """Note what holds in these frames, which come after those that were noted before, or are the same."""
        places = self._places.setdefault(text, Places())
        places.add(frames)
        if person is not None:
            places.add_person(person)

    def lines(self) -> tuple[str, ...]:
        """A line a text: the people it is about, or where it is about nobody or about many, the frames."""
        return tuple(f"{places}: {text}" for text, places in self._places.items())

    def as_json(self) -> list[NoteState]:
        """What `Notes` takes to go on from here."""
        return [places.as_json(text) for text, places in self._places.items()]


@dataclass(slots=True)
class Places:
    """Where a text holds."""

    runs: list[Span] = field(default_factory=list[Span])
    """The first ones, `SHOWN` at most."""
    hidden: int = 0
    """Frames in later runs."""
    last: int = -2
    """The last frame of all."""
    people: list[ClipPerson] = field(default_factory=list[ClipPerson])
    """The first ones; more than `SHOWN` are too many to name."""

    def add(self, frames: Span) -> None:
        if self.runs and not self.hidden and frames.first <= self.last + 1:
            self.runs[-1] = Span(self.runs[-1].first, max(frames.last, self.last))
        elif len(self.runs) < SHOWN:
            self.runs.append(frames)
        else:
            self.hidden += max(frames.last - max(frames.first - 1, self.last), 0)
        self.last = max(frames.last, self.last)

    def add_person(self, person: ClipPerson) -> None:
        if len(self.people) <= SHOWN and person not in self.people:
            self.people.append(person)

    def __str__(self) -> str:
        if 0 < len(self.people) <= SHOWN:
            return "; ".join(map(str, self.people))
        several = len(self.runs) > 1 or self.runs[0].length > 1
        more = f" and {self.hidden} more" if self.hidden else ""
        return f"frame{'s' if several else ''} {', '.join(map(str, self.runs))}{more}"

    def as_json(self, text: str) -> NoteState:
        runs, people = [list(run) for run in self.runs], [list(person) for person in self.people]
        return {"text": text, "runs": runs, "hidden": self.hidden, "last": self.last, "people": people}

    @classmethod
    def from_json(cls, note: NoteState) -> Places:
        runs, people = [Span(*run) for run in note["runs"]], [ClipPerson(*person) for person in note["people"]]
        return cls(runs, note["hidden"], note["last"], people)
