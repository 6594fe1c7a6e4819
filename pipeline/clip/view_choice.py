"""Which view of a donor a person of a clip shows: it changes seldom, and never from one frame to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from math import exp
from typing import Final, NamedTuple, TypedDict, cast

import numpy as np

from ..faces.views import distances
from ..types import Face

_BETTER: Final = 0.4
"""By how much nearer another view must be to take over: as `faces.views.distances` counts, 8 degrees."""
_PATIENCE: Final = 0.7
"""Seconds over which distances are averaged: lips that speak have no view take over."""
_FADE: Final = 0.3
"""Seconds in which it does."""


class ChosenState(TypedDict):
    """What one person shows, as JSON."""

    person: int
    source: int
    held: int
    shares: list[float]
    apart: list[float]
    time: float


class _Chosen(NamedTuple):
    source: int
    """Number of the source face."""
    held: int
    """The view that shows, or that is on its way."""
    shares: tuple[float, ...]
    apart: tuple[float, ...]
    """How far each view was from the face of late."""
    time: float


class ViewChoice:
    """Follows the people of a scene, and gives for each how much every pictured face of its donor shows."""

    def __init__(self) -> None:
        self._chosen: dict[int, _Chosen] = {}

    @property
    def shares(self) -> dict[int, tuple[float, ...]]:
        """By person, of all whose donors have several views."""
        return {person: chosen.shares for person, chosen in self._chosen.items()}

    def update(self, time: float, faces: Sequence[Face], sources: Mapping[int, Face | None]) -> None:
        """The next frame, at `time` in seconds; each face's `index` is its person."""
        for face in faces:
            source = sources.get(face.index)
            if source is not None and source.views:
                views = [view for view in source.person if view.pictured]
                self._chosen[face.index] = _next(self._chosen.get(face.index), time, face, source.index, views)

    def keep(self, people: AbstractSet[int]) -> None:
        """Forget everybody else."""
        self._chosen = {person: chosen for person, chosen in self._chosen.items() if person in people}

    def reset(self) -> None:
        """Another scene begins."""
        self._chosen = {}

    def as_json(self) -> list[ChosenState]:
        """What `restore` goes on from."""
        return [
            {
                "person": person,
                "source": one.source,
                "held": one.held,
                "shares": list(one.shares),
                "apart": list(one.apart),
                "time": one.time,
            }
            for person, one in self._chosen.items()
        ]

    def restore(self, state: object) -> None:
        """Go on where `as_json` was called."""
        self._chosen = {
            one["person"]: _Chosen(one["source"], one["held"], tuple(one["shares"]), tuple(one["apart"]), one["time"])
            for one in cast("list[ChosenState]", state)
        }


def _next(before: _Chosen | None, time: float, face: Face, source: int, views: Sequence[Face]) -> _Chosen:
    apart = distances(face, views)
    if before is None or before.source != source or len(before.shares) != len(views):
        best = int(np.argmin(apart)) if len(views) else 0
        shares = tuple(float(number == best) for number in range(len(views)))
        return _Chosen(source, best, shares, tuple(apart.tolist()), time)
    kept = exp(-max(time - before.time, 0) / _PATIENCE)
    late = apart + kept * (np.array(before.apart) - apart)
    best = int(np.argmin(late))
    held = best if late[best] < late[before.held] - _BETTER else before.held
    shares = _moved(before.shares, held, (time - before.time) / _FADE)
    return _Chosen(source, held, shares, tuple(late.tolist()), time)


def _moved(shares: Sequence[float], held: int, step: float) -> tuple[float, ...]:
    """Shares that went on towards the held view by at most `step`; together they stay 1."""
    left = 1 - shares[held]
    kept = max(left - max(step, 0), 0) / left if left > 0 else 0.0
    rest = [share * kept for share in shares]
    rest[held] = 1 - sum(share for number, share in enumerate(rest) if number != held)
    return tuple(rest)
