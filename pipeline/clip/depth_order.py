"""Who is in front of whom in a clip, steady from frame to frame."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple, TypedDict

from ..faces.depth import MARGIN, lead_of, overlapping
from ..protocols import Mesher
from ..types import Face, Picture

_SHARE: Final = 0.25
"""Of the newest frame in the running mean of what was seen."""

Leads = Mapping[tuple[int, int], float]
"""By two people's numbers, the lower first: how surely the first of them lies in front, in log odds."""


def lead_by(leads: Leads, first: Face, second: Face) -> float:
    """How surely the first person's face lies in front of the second's; 0 where nothing is known."""
    one, two = first.index, second.index
    return leads.get((one, two), 0.0) if one < two else -leads.get((two, one), 0.0)


class DepthState(TypedDict):
    """A depth order as JSON."""

    pairs: list[tuple[int, int, float, float]]
    """Both people, the running mean, and what was decided."""


class _Seen(NamedTuple):
    mean: float
    decided: float
    """Follows the mean only over steps larger than the margin, so that noise can't turn it back and forth."""

    def again(self, lead: float) -> _Seen:
        mean = self.mean + _SHARE * (lead - self.mean)
        return _Seen(mean, mean if abs(mean - self.decided) > MARGIN else self.decided)


class DepthOrder:
    """Remembers for every two people of a scene whose faces have overlapped who is in front."""

    def __init__(self, mesher: Mesher | None = None) -> None:
        self._mesher = mesher
        self._pairs: dict[tuple[int, int], _Seen] = {}

    @property
    def leads(self) -> Leads:
        return {people: seen.decided for people, seen in self._pairs.items()}

    def update(self, picture: Picture, faces: Sequence[Face]) -> None:
        """Look at the next frame, where faces overlap; each face's `index` is its person."""
        for some, other in overlapping(faces):
            one, two = sorted((faces[some], faces[other]), key=lambda face: face.index)
            lead = lead_of(picture, one, two, self._mesher)
            known = self._pairs.get((one.index, two.index), _Seen(lead, lead))
            self._pairs[one.index, two.index] = known.again(lead)

    def keep(self, people: AbstractSet[int]) -> None:
        """Forget everybody else."""
        self._pairs = {pair: seen for pair, seen in self._pairs.items() if pair[0] in people and pair[1] in people}

    def reset(self) -> None:
        """Forget everybody: the next frame starts a new scene."""
        self._pairs = {}

    def as_json(self) -> DepthState:
        """What `restore` goes on from."""
        return {"pairs": [(one, two, seen.mean, seen.decided) for (one, two), seen in self._pairs.items()]}

    def restore(self, state: DepthState) -> None:
        self._pairs = {(one, two): _Seen(mean, decided) for one, two, mean, decided in state["pairs"]}
