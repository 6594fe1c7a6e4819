"""Who is who from frame to frame: by where faces were and how they move, and where that is ambiguous, by identity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, KeysView, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple, TypedDict

import numpy as np

from ..faces.identity import apart
from ..protocols import Metric
from ..types import Face, FloatArray
from .looks import has_changed
from .people import Person, PersonState

Embed = Callable[[Sequence[Face]], Sequence["FloatArray | None"]]
"""Gives the identities of faces of the current frame, or None where it has none."""

SAME_PERSON: Final = 0.6
"""Euclidean distance of embeddings below which two faces are one person: dlib's figure for its own network."""
REMEMBERED: Final = 256
"""Absent people who are known by their identity, the latest ones. A camera that passes somebody new every second meets
as many in four minutes; their embeddings, of 512 numbers, take half a megabyte."""
_UNLIKE: Final = -0.25
"""Likeness from which down a face is somebody else, wherever it is."""
_UNLIKE_CLOSELY: Final = 0.0
"""The same where it matters who it is: as for two faces that nothing else connects."""
_RENEWED: Final = 25
"""Frames after which a person's embedding is brought up to date."""


class TrackerState(TypedDict):
    """A tracker as JSON."""

    frame: int
    count: int
    people: list[PersonState]


class _Claim(NamedTuple):
    """A person who may be a face of the current frame."""

    score: float
    person: int
    face: int


class Tracker:
    """Gives every face of a clip the number of its person; starts over where `reset` says a new scene begins.

    With `embed` in `update`, faces that more than one person may be, or that come back, are told apart by identity.
    People who have left are forgotten, except for the latest `REMEMBERED` whose identity is known: time and memory of a
    frame don't grow with the scene.
    """

    def __init__(
        self, same_person: float = SAME_PERSON, metric: Metric = "euclidean", *, closely: bool = False
    ) -> None:
        """`same_person` is the distance by `metric` below which two faces are one person.

        `closely`: it matters who people are and not only that they stay the same. Newcomers are measured several times
        within a second, and so is everybody whose look changes, as in a cut that isn't noticed or when one picture
        dissolves into another; who no longer is like themselves is somebody else.
        """
        self._same_person = same_person
        self._metric: Metric = metric
        self._closely = closely
        self._frame = 0
        self._count = 0
        self._people: dict[int, Person] = {}

    @property
    def count(self) -> int:
        """How many numbers were given in the scene so far, which is the next newcomer's."""
        return self._count

    @property
    def people(self) -> KeysView[int]:
        """The numbers of those who would be recognised."""
        return self._people.keys()

    def reset(self) -> None:
        """Forget everybody: the next frame starts a new scene."""
        self._people, self._count = {}, 0

    def identity(self, person: int) -> FloatArray | None:
        """The embedding of somebody who is known; None where it wasn't measured."""
        return self._people[person].embedding

    def update(
        self, faces: Sequence[Face], embed: Embed | None = None, looks: Sequence[FloatArray | None] = ()
    ) -> list[Face]:
        """The faces of the next frame, each with its person's number as `index`; newcomers get the next numbers.

        `looks` of the faces are used where people are followed `closely`.
        """
        self._frame += 1
        self._forget()
        people, seen = list(self._people.values()), dict(enumerate(looks))
        near = self._nearness(people, faces)
        embeddings = self._embeddings(people, faces, near, seen, embed)
        unlike = _UNLIKE_CLOSELY if self._closely else _UNLIKE
        owners = _matched(_claims(people, near, self._likeness(people, len(faces), embeddings), unlike))
        for number, face in enumerate(faces):
            if number not in owners:
                owners[number] = self._count
                self._people[self._count] = Person.at(self._count, face, self._frame)
                self._count += 1
        for number, owner in owners.items():
            new = embeddings.get(number), self._frame, seen.get(number)
            self._people[owner] = self._people[owner].seen_again(faces[number], *new)
        return [replace(face, index=owners[number]) for number, face in enumerate(faces)]

    def as_json(self) -> TrackerState:
        """What `from_json` goes on from."""
        people = [person.as_json() for person in self._people.values()]
        return {"frame": self._frame, "count": self._count, "people": people}

    @classmethod
    def from_json(
        cls,
        state: TrackerState,
        same_person: float = SAME_PERSON,
        metric: Metric = "euclidean",
        *,
        closely: bool = False,
    ) -> Tracker:
        tracker = cls(same_person, metric, closely=closely)
        tracker._frame, tracker._count = state["frame"], state["count"]
        tracker._people = {person["number"]: Person.from_json(person) for person in state["people"]}
        return tracker

    def _forget(self) -> None:
        """Drop those who could no longer be recognised, and where there are too many, those who left first."""
        absent = [person for person in self._people.values() if not person.is_expected(self._frame)]
        known = sorted((person for person in absent if person.embedding is not None), key=lambda person: person.seen)
        kept = {person.number for person in known[-REMEMBERED:]}
        for person in absent:
            if person.number not in kept:
                del self._people[person.number]

    def _nearness(self, people: Sequence[Person], faces: Sequence[Face]) -> FloatArray:
        """(P, F) how well each face fits where each person is expected; 0 where it can't be."""
        near = np.zeros((len(people), len(faces)), np.float32)
        boxes = np.array([face.box for face in faces], np.float32).reshape(-1, 4)
        for row, person in enumerate(people):
            if len(faces) and person.is_expected(self._frame):
                near[row] = person.nearness(boxes, self._frame)
        return near

    def _likeness(self, people: Sequence[Person], faces: int, embeddings: Mapping[int, FloatArray]) -> FloatArray:
        """(P, F) 1 for the same embedding, 0 at the distance from which on it is somebody else, negative beyond; NaN
        where one isn't known."""
        likeness = np.full((len(people), faces), np.nan)
        known = [(row, person.embedding) for row, person in enumerate(people) if person.embedding is not None]
        if known and embeddings:
            rows, matrix = [row for row, _ in known], np.stack([embedding for _, embedding in known])
            for face, embedding in embeddings.items():
                likeness[rows, face] = 1 - apart(matrix, embedding[None], self._metric)[:, 0] / self._same_person
        return likeness

    def _embeddings(
        self,
        people: Sequence[Person],
        faces: Sequence[Face],
        near: FloatArray,
        looks: Mapping[int, FloatArray | None],
        embed: Embed | None,
    ) -> dict[int, FloatArray]:
        """Embeddings of the faces that their place doesn't identify, and of some to stay up to date."""
        if embed is None or not faces:
            return {}
        given = {number: face.embedding.vector for number, face in enumerate(faces) if face.embedding is not None}
        wanted = [n for n in range(len(faces)) if n not in given and self._is_open(n, people, near, looks.get(n))]
        fresh = embed([faces[number] for number in wanted]) if wanted else ()
        found = dict(zip(wanted, fresh, strict=True))
        return {number: value for number, value in {**found, **given}.items() if value is not None}

    def _is_open(self, face: int, people: Sequence[Person], near: FloatArray, look: FloatArray | None) -> bool:
        rows = np.flatnonzero(near[:, face])
        if len(rows) != 1:
            return True
        person, rivals = people[int(rows[0])], int(np.count_nonzero(near[rows[0]]))
        if rivals > 1 or person.seen < self._frame - 1 or self._frame - person.known >= self._renewed(person):
            return True
        return self._closely and has_changed(person.look, look)

    def _renewed(self, person: Person) -> int:
        """Frames after which this person is measured again: with each time later, where people are followed closely."""
        return min(2 ** min(max(person.samples - 1, 0), 5), _RENEWED) if self._closely else _RENEWED


def _claims(
    people: Sequence[Person], near: FloatArray, likeness: FloatArray, unlike: float = _UNLIKE
) -> Iterator[_Claim]:
    """Who may be whom, by (P, F) nearness and likeness."""
    # An unknown likeness, NaN, is neither too little nor enough.
    possible = ((near > 0) & ~(likeness <= unlike)) | (likeness > 0)
    scores = near + 2 * np.nan_to_num(likeness)
    for row, face in np.argwhere(possible).tolist():
        yield _Claim(float(scores[row, face]), people[row].number, face)


def _matched(claims: Iterator[_Claim]) -> dict[int, int]:
    """Face to person: the surest claims first, each face and each person once."""
    owners: dict[int, int] = {}
    taken: set[int] = set()
    for claim in sorted(claims, reverse=True):
        if claim.face not in owners and claim.person not in taken:
            owners[claim.face] = claim.person
            taken.add(claim.person)
    return owners
