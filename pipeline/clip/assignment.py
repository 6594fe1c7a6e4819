"""Who becomes whom in a clip: decided when a person appears, and then kept for as long as the scene lasts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import ClassVar, Final, TypedDict, cast

import numpy as np

from ..errors import FaceNotFoundError, require_choice
from ..faces.ages import parse_ages
from ..faces.index_list import Span, parse_indexes
from ..faces.ordering import GENDERS, ORDERS, Wanted, order_faces
from ..faces.pairing import MISSING, PAIRINGS, map_indexes, numbered, source_of
from ..types import Face, FaceSet, FloatArray, IndexMap, Size
from .notes import SHOWN, Notes, NoteState

_SOMEBODY: Final = Face(np.zeros(4), np.zeros((5, 2)), 1.0)
"""Index lists count people, whatever their faces."""


@dataclass(frozen=True, slots=True)
class AssignmentRules:
    """Which people of a clip are to be changed, and into whom: what `map_indexes` and `order_faces` take."""

    input_faces_index: str = "0"
    source_faces_index: str = "0"
    pairing: str = "pairwise"
    missing: str = "skip"
    detection_face_order: str = "large-small"
    detect_gender: str = "no"
    detect_age: str = ""

    def __post_init__(self) -> None:
        parse_indexes(self.input_faces_index)
        parse_indexes(self.source_faces_index)
        require_choice("pairing", self.pairing, PAIRINGS)
        require_choice("missing", self.missing, MISSING)
        require_choice("detection_face_order", self.detection_face_order, ORDERS)
        require_choice("detect_gender", self.detect_gender, GENDERS)
        parse_ages(self.detect_age)

    @property
    def wanted(self) -> Wanted:
        """Whom the filters keep."""
        return Wanted(self.detect_gender, self.detect_age)


class AssignmentState(TypedDict):
    """An assignment as JSON."""

    first_frame: int
    count: int
    sources: list[list[int]]
    """Person and number of the source face."""
    report: list[NoteState]
    scenes: int
    peopled: int
    starts: list[int]


class Assignment:
    """Numbers the people of each scene and gives them their donors.

    The people of the first frame that shows any are numbered by `detection_face_order`; those who appear later in the
    scene get the next numbers. The index lists are read over everybody seen in the scene so far, for those who have
    just appeared: a person's donor never changes within a scene. People of another gender or age than asked for
    have no number. Time and memory don't grow with the people who have left.
    """

    needs_identities: ClassVar[bool] = False

    def __init__(self, rules: AssignmentRules, donors: FaceSet) -> None:
        self._rules = rules
        self._donors = donors
        self._source_faces = [numbered(face, number) for number, face in enumerate(donors.flat())]
        self._first_frame = 0
        self._count = 0
        """People numbered in this scene."""
        self._sources: dict[int, Face] = {}
        self._report = Notes()
        self._scenes = 0
        """Scenes that have ended."""
        self._peopled = 0
        """Those of them that show people."""
        self._starts: list[int] = []
        """First frames of all scenes but the first; no more of them than are named."""
        # What can't be used is refused before any work: lists of unequal length, for one.
        self._mapped(0)

    @property
    def sources(self) -> Mapping[int, Face]:
        """The source face of each person of this scene who gets one; newcomers are added to it."""
        return self._sources

    def appear(self, newcomers: Sequence[Face]) -> None:
        """Number people who are seen for the first time; each face's `index` is its person."""
        # The order renumbers faces: `frame`, which it leaves alone, carries the person through.
        marked = tuple(replace(face, frame=face.index) for face in newcomers)
        order, (gender, ages) = self._rules.detection_face_order, self._rules.wanted
        wanted = order_faces(FaceSet((marked,), Size(0, 0)), order, gender, ages=ages).faces.frames[0]
        known, self._count = self._count, self._count + len(wanted)
        for number, face in enumerate(wanted, known):
            source = self._source_of(number)
            if source is not None:
                self._sources[face.frame] = self._source_faces[source]

    def recognise(self, frame: int, identities: Mapping[int, FloatArray | None]) -> None:
        """Numbers don't depend on it."""

    def keep(self, people: AbstractSet[int]) -> None:
        """Forget everybody else: they can't come back. What `sources` gave before still holds them."""
        if not self._sources.keys() <= people:
            self._sources = {person: source for person, source in self._sources.items() if person in people}

    def end_scene(self, next_frame: int) -> None:
        """Note what the scene lacked and start another. FaceNotFoundError where people were seen and `missing` is
        `error`."""
        if next_frame > self._first_frame:
            span = Span(self._first_frame, next_frame - 1)
            if self._rules.missing == "error" and self._count:
                self._require_complete(span)
            for line in self._mapped(self._count).report:
                self._report.add(line.removeprefix("frame 0: "), span)
            self._count_scene()
        self._first_frame, self._count, self._sources = next_frame, 0, {}

    def report(self) -> tuple[str, ...]:
        """Lines about the scenes that have ended."""
        return (*self._new_starts(), *self._report.lines())

    def as_json(self) -> AssignmentState:
        """What `restore` goes on from."""
        return {
            "first_frame": self._first_frame,
            "count": self._count,
            "sources": [[person, source.index] for person, source in self._sources.items()],
            "report": self._report.as_json(),
            "scenes": self._scenes,
            "peopled": self._peopled,
            "starts": list(self._starts),
        }

    def restore(self, state: object) -> None:
        """Go on where `as_json` was called; rules and donors must be the same as then."""
        known = cast(AssignmentState, state)
        self._first_frame, self._count = known["first_frame"], known["count"]
        self._sources = {person: self._source_faces[index] for person, index in known["sources"]}
        self._report = Notes(known["report"])
        self._scenes, self._peopled, self._starts = known["scenes"], known["peopled"], list(known["starts"])

    def _count_scene(self) -> None:
        if self._scenes and len(self._starts) < SHOWN:
            self._starts.append(self._first_frame)
        self._scenes, self._peopled = self._scenes + 1, self._peopled + bool(self._count)

    def _new_starts(self) -> Iterator[str]:
        """Where numbers start over, for who goes by them; nothing where everybody gets the same source, or where one
        scene alone shows people."""
        targets, sources = parse_indexes(self._rules.input_faces_index), parse_indexes(self._rules.source_faces_index)
        alike = targets.spans is None and sources.length(len(self._source_faces)) == 1
        if self._peopled < 2 or alike:
            return
        if self._scenes == self._first_frame:
            yield "numbers start over at every frame"
            return
        hidden = self._scenes - 1 - len(self._starts)
        *first, last = [*map(str, self._starts), *([f"{hidden} more"] if hidden else [])]
        at = f"frames {', '.join(first)} and {last}" if first else f"frame {last}"
        yield f"{self._scenes} scenes: numbers start over at {at}"

    def _source_of(self, number: int) -> int | None:
        rules = self._rules
        lists = rules.input_faces_index, rules.source_faces_index, rules.pairing
        return source_of(number, self._count, len(self._source_faces), *lists)

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

    def _require_complete(self, span: Span) -> None:
        try:
            self._mapped(self._count, "error")
        except FaceNotFoundError as error:
            frames = f"frame{'s' if span.length > 1 else ''} {span}"
            raise FaceNotFoundError(str(error).replace("frame 0", frames, 1)) from error
