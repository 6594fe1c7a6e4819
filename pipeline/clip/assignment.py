"""Who plays whom in a clip: decided when a person appears, and then kept for as long as the scene lasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from ..errors import FaceNotFoundError, require_choice
from ..faces.index_list import parse_indexes
from ..faces.ordering import GENDERS, ORDERS, order_faces
from ..faces.pairing import MISSING, PAIRINGS, map_indexes
from ..types import Face, FaceSet, IndexMap, Size

_SOMEBODY: Final = Face(np.zeros(4), np.zeros((5, 2)), 1.0)
"""Index lists count people and don't look at them."""
_SPANS_SHOWN: Final = 8
"""A report line names at most that many runs of frames."""


@dataclass(frozen=True, slots=True)
class AssignmentRules:
    """Which people of a clip are to be changed, and into whom: what `map_indexes` and `order_faces` take."""

    input_faces_index: str = "0"
    source_faces_index: str = "0"
    pairing: str = "pairwise"
    missing: str = "skip"
    detection_face_order: str = "large-small"
    detect_gender: str = "no"

    def __post_init__(self) -> None:
        parse_indexes(self.input_faces_index)
        parse_indexes(self.source_faces_index)
        require_choice("pairing", self.pairing, PAIRINGS)
        require_choice("missing", self.missing, MISSING)
        require_choice("detection_face_order", self.detection_face_order, ORDERS)
        require_choice("detect_gender", self.detect_gender, GENDERS)


class Assignment:
    """Numbers the people of each scene and gives them their donors.

    The people of the first frame that shows any are numbered by `detection_face_order`; who appears later in the scene
    gets the next numbers. The index lists are read over everybody seen in the scene so far, for those who have just
    appeared: a person's donor never changes within a scene. People of another gender than asked for have no number.
    """

    def __init__(self, rules: AssignmentRules, donors: FaceSet) -> None:
        self._rules = rules
        self._donors = donors
        self._first_frame = 0
        self._numbered: list[int] = []
        self._roles: dict[int, Face] = {}
        self._report: dict[str, list[tuple[int, int]]] = {}
        # What can't be used is said before any work: lists of unequal length, for one.
        self._mapped(0)

    @property
    def roles(self) -> Mapping[int, Face]:
        """The source face of each person of this scene who gets one; grows while the scene lasts."""
        return self._roles

    def number_of(self, person: int) -> int:
        """The person's number in this scene, as index lists count."""
        return self._numbered.index(person)

    def appear(self, newcomers: Sequence[Face]) -> None:
        """Number people who are seen for the first time; each face's `index` is its person."""
        # The order renumbers faces: `frame`, which it leaves alone, carries the person through.
        marked = tuple(replace(face, frame=face.index) for face in newcomers)
        wanted = order_faces(
            FaceSet((marked,), Size(0, 0)), self._rules.detection_face_order, self._rules.detect_gender
        ).faces.frames[0]
        known = len(self._numbered)
        self._numbered += [face.frame for face in wanted]
        for pair in self._mapped(len(self._numbered)).frames[0] if wanted else ():
            if pair.target.index >= known:
                self._roles[self._numbered[pair.target.index]] = pair.source

    def end_scene(self, next_frame: int) -> None:
        """Note what the scene lacked and start another. FaceNotFoundError where people were seen and `missing` is
        `error`."""
        lines = self._mapped(len(self._numbered)).report
        if next_frame > self._first_frame:
            span = (self._first_frame, next_frame - 1)
            if self._rules.missing == "error" and self._numbered:
                self._require_complete(span)
            for line in lines:
                self._note(line.partition(": ")[2] if line.startswith("frame 0: ") else line, span)
        self._first_frame, self._numbered, self._roles = next_frame, [], {}

    def report(self) -> tuple[str, ...]:
        """Lines about the scenes that have ended."""
        return tuple(f"{_frames(spans)}: {line}" for line, spans in self._report.items())

    def as_json(self) -> dict[str, Any]:
        """What `restore` goes on from, of plain numbers, lists and texts."""
        return {
            "first_frame": self._first_frame,
            "numbered": self._numbered.copy(),
            "roles": [[person, source.index] for person, source in self._roles.items()],
            "report": [[line, spans.copy()] for line, spans in self._report.items()],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `as_json` was called; rules and donors must be the same as then."""
        sources = [replace(face, index=number) for number, face in enumerate(self._donors.flat())]
        self._first_frame, self._numbered = state["first_frame"], list(state["numbered"])
        self._roles = {person: sources[index] for person, index in state["roles"]}
        self._report = {line: [(first, last) for first, last in spans] for line, spans in state["report"]}

    def _mapped(self, people: int, missing: str = "skip") -> IndexMap:
        rules = self._rules
        return map_indexes(
            FaceSet(((_SOMEBODY,) * people,), Size(0, 0)),
            self._donors,
            rules.input_faces_index,
            rules.source_faces_index,
            rules.pairing,
            missing,
        )

    def _require_complete(self, span: tuple[int, int]) -> None:
        try:
            self._mapped(len(self._numbered), "error")
        except FaceNotFoundError as error:
            raise FaceNotFoundError(str(error).replace("frame 0", _frames([span]), 1)) from error

    def _note(self, line: str, span: tuple[int, int]) -> None:
        spans = self._report.setdefault(line, [])
        if spans and spans[-1][1] == span[0] - 1:
            span = spans.pop()[0], span[1]
        spans.append(span)


def _frames(spans: Sequence[tuple[int, int]]) -> str:
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in spans[:_SPANS_SHOWN]]
    hidden = sum(last - first + 1 for first, last in spans[_SPANS_SHOWN:])
    several = len(spans) > 1 or spans[0][0] != spans[0][1]
    return f"frame{'s' if several else ''} {', '.join(texts)}{f' and {hidden} more' if hidden else ''}"
