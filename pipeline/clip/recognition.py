"""Who becomes whom in a clip by looks: people who look like a reference face take its source, in every scene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import ClassVar, Final, NamedTuple, TypedDict, cast

import numpy as np

from ..faces.identity import apart_from, require_people
from ..faces.index_list import Span
from ..faces.matching import assign, nobody_like
from ..faces.ordering import is_wanted
from ..faces.pairing import numbered, pair_faces
from ..protocols import Embedder
from ..types import Face, FaceSet, FloatArray
from .assignment import AssignmentRules
from .sightings import Sightings, SightingsState

_HYSTERESIS: Final = 0.1
"""Of the threshold: how much farther from a reference somebody may get before they are no longer that person, and how
much nearer somebody must be who was seen beside that person."""


class TrackState(TypedDict):
    """Somebody as JSON."""

    person: int
    since: int
    seen: int
    reference: int | None
    unlike: list[int]


class _Track(NamedTuple):
    """Somebody in the current scene."""

    since: int
    """The frame from which on they were in view without a longer gap."""
    seen: int
    reference: int | None
    unlike: list[int]
    """References that were somebody else's while this one was in view."""

    def as_json(self, person: int) -> TrackState:
        return {
            "person": person,
            "since": self.since,
            "seen": self.seen,
            "reference": self.reference,
            "unlike": self.unlike,
        }

    @classmethod
    def from_json(cls, state: TrackState) -> _Track:
        return cls(state["since"], state["seen"], state["reference"], state["unlike"])


class RecognitionState(TypedDict):
    """A recognition as JSON."""

    first_frame: int
    somebody: bool
    """Whether the scene shows people."""
    found: list[int]
    """References found in the scene."""
    wanted: list[int]
    tracks: list[TrackState]
    sightings: list[SightingsState]


class Recognition:
    """Gives people the donors of the reference faces that they look like.

    In each frame the people in view and the references go together as `match_identities` puts faces and references
    together: the nearest first, each once, all nearer than the threshold. What is compared is not the frame's face but
    what is known of the person by then, and a person who was recognised stays so up to a somewhat larger distance: who
    is who doesn't flicker. People of another gender or age than asked for aren't compared.
    """

    needs_identities: ClassVar[bool] = True

    def __init__(
        self,
        rules: AssignmentRules,
        references: FaceSet,
        donors: FaceSet,
        embedder: Embedder,
        threshold: float | None = None,
        *,
        ahead: int = 0,
        max_gap: int = 0,
    ) -> None:
        """`references` carry embeddings of `embedder`, whose own distance stands in where `threshold` is None.

        `ahead`: how many frames before it a recognition still reaches; `max_gap`: frames without a face that are
        filled in. Raises SettingsError, IndexListError and, where `missing` is `error` and a reference or source that
        was asked for isn't there, FaceNotFoundError.
        """
        self._rules = rules
        self._embedder = embedder
        self._threshold = embedder.same_person if threshold is None else threshold
        self._ahead, self._max_gap = ahead, max_gap
        faces = [numbered(face, number) for number, face in enumerate(references.flat())]
        lists = rules.input_faces_index, rules.source_faces_index, rules.pairing, rules.missing
        pairs, self._lines = pair_faces(faces, donors, *lists, noun="reference")
        self._people = require_people(faces, "reference", embedder)
        self._partners = {pair.target.index: pair.source for pair in pairs}
        self._first_frame = 0
        self._somebody = False
        self._found: set[int] = set()
        self._tracks: dict[int, _Track] = {}
        self._wanted: set[int] = set()
        self._sources: dict[int, Face | None] = {}
        self._sightings = [Sightings() for _ in faces]

    @property
    def sources(self) -> Mapping[int, Face | None]:
        """The source face of each person who is known in this scene, None where they get none; never changed."""
        return self._sources

    def appear(self, newcomers: Sequence[Face]) -> None:
        """People who are seen for the first time; each face's `index` is its person."""
        wanted = {face.index for face in newcomers if is_wanted(face, self._rules.wanted)}
        self._wanted |= wanted
        self._somebody = self._somebody or bool(wanted)

    def recognise(self, frame: int, identities: Mapping[int, FloatArray | None]) -> None:
        """Decide about the people in view, by what is known of their identity."""
        known = {person: vector for person, vector in identities.items() if vector is not None}
        people = [person for person in known if person in self._wanted]
        vectors = np.array([known[person] for person in people], np.float64)
        table = apart_from(vectors, self._people, self._embedder.metric)
        for person in people:
            self._tracks[person] = self._in_view(person, frame)
        matches = assign(self._biased(people, table), self._threshold)
        found = {people[match.target]: match.reference for match in matches}
        for row, person in enumerate(people):
            self._settle(person, frame, found, table[row])
        self._sources = self._decided()

    def keep(self, people: AbstractSet[int]) -> None:
        """Forget everybody else: they can't come back."""
        self._wanted &= people
        for person in self._tracks.keys() - people:
            del self._tracks[person]

    def end_scene(self, next_frame: int) -> None:
        """Start another scene. FaceNotFoundError where people were seen and `missing` is `error` and one of those who
        were asked for wasn't among them."""
        lost = sorted(self._partners.keys() - self._found)
        if self._rules.missing == "error" and self._somebody and lost:
            span = Span(self._first_frame, next_frame - 1)
            raise nobody_like(lost, f"frame{'s' if span.length > 1 else ''} {span}")
        self._first_frame, self._somebody, self._found = next_frame, False, set()
        self._tracks, self._wanted, self._sources = {}, set(), {}

    def report(self) -> tuple[str, ...]:
        """Where each reference was found and how near, or how far the nearest face was."""
        first = f"matched by identity: {self._embedder.metric} distance, threshold {self._threshold:g}"
        told = (self._sightings[number].line(number, source.index) for number, source in sorted(self._partners.items()))
        return (first, *self._lines, *told)

    def as_json(self) -> RecognitionState:
        """What `restore` goes on from."""
        return {
            "first_frame": self._first_frame,
            "somebody": self._somebody,
            "found": sorted(self._found),
            "wanted": sorted(self._wanted),
            "tracks": [track.as_json(person) for person, track in self._tracks.items()],
            "sightings": [sightings.as_json() for sightings in self._sightings],
        }

    def restore(self, state: object) -> None:
        """Go on where `as_json` was called; rules, references and donors must be the same as then."""
        known = cast(RecognitionState, state)
        self._first_frame, self._somebody = known["first_frame"], known["somebody"]
        self._found, self._wanted = set(known["found"]), set(known["wanted"])
        self._tracks = {track["person"]: _Track.from_json(track) for track in known["tracks"]}
        self._sightings = [Sightings.from_json(sightings) for sightings in known["sightings"]]
        self._sources = self._decided()

    def _decided(self) -> dict[int, Face | None]:
        sources = self._partners
        return {who: None if (r := track.reference) is None else sources.get(r) for who, track in self._tracks.items()}

    def _in_view(self, person: int, frame: int) -> _Track:
        track = self._tracks.get(person, _Track(frame, frame, None, []))
        return track if frame - track.seen - 1 <= self._max_gap else track._replace(since=frame)

    def _biased(self, people: Sequence[int], table: FloatArray) -> FloatArray:
        """The distances, with what is known of each person taken into account."""
        biased, margin = table.copy(), _HYSTERESIS * self._threshold
        for row, track in enumerate(self._tracks[person] for person in people):
            biased[row, track.unlike] += margin
            if track.reference is not None:
                biased[row, track.reference] -= margin
        return biased

    def _settle(self, person: int, frame: int, found: Mapping[int, int], distances: FloatArray) -> None:
        """Write down what was decided about one person."""
        track, reference = self._tracks[person], found.get(person)
        if reference is not None:
            first = track.seen + 1 if reference == track.reference else frame - self._ahead
            self._sightings[reference].add(Span(max(first, track.since), frame), float(distances[reference]))
            self._found.add(reference)
        for sightings, distance in zip(self._sightings, distances.tolist(), strict=True):
            sightings.nearest = min(sightings.nearest, distance)
        others = {other for who, other in found.items() if who != person and distances[other] < self._threshold}
        unlike = sorted(({*track.unlike} | others) - {reference})
        self._tracks[person] = _Track(track.since, frame, reference, unlike)
