"""Who is who from frame to frame: by where faces were and move, and where that can't tell, by whose faces they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np

from ..boxes import iou
from ..types import Face, FloatArray

Embed = Callable[[Sequence[Face]], Sequence["FloatArray | None"]]
"""Gives the identities of faces of the current frame, or None where it can't tell."""

SAME_PERSON: Final = 0.6
"""Euclidean distance of embeddings below which two faces are one person: dlib's figure for its own network."""
_COAST: Final = 8
"""Frames for which a face that isn't seen is expected to move on as before."""
_PATIENCE: Final = 25
"""Frames after which a face that isn't seen is known by its identity alone."""
_REACH: Final = 0.5
"""Of its side: how far from where it is expected a face may be one frame later."""
_REACH_GROWTH, _REACH_MAX = 0.1, 1.5
_SIZES: Final = 2.0
"""How many times larger or smaller a face may have become."""
_RENEWED: Final = 25
"""Frames after which a person's embedding is brought up to date."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody in the current scene, as last seen."""

    number: int
    """Counted from 0 in the order of appearance; never given twice in a scene."""
    box: FloatArray
    """(4,) left, top, right, bottom."""
    speed: FloatArray
    """(4,) what the box changes by in a frame."""
    seen: int
    """Number of the frame it was seen in."""
    embedding: FloatArray | None = None
    known: int = 0
    """Number of the frame that the embedding is of."""

    def expected(self, frame: int) -> FloatArray:
        """(4,) where the face should be in a frame."""
        return self.box + self.speed * min(frame - self.seen, _COAST)

    def as_json(self) -> dict[str, Any]:
        """What `from_json` takes, of plain numbers and lists."""
        embedding = None if self.embedding is None else self.embedding.tolist()
        return {
            "number": self.number,
            "box": self.box.tolist(),
            "speed": self.speed.tolist(),
            "seen": self.seen,
            "embedding": embedding,
            "known": self.known,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Person:
        box, speed = (np.array(state[name], np.float32) for name in ("box", "speed"))
        embedding = None if state["embedding"] is None else np.array(state["embedding"], np.float32)
        return cls(state["number"], box, speed, state["seen"], embedding, state["known"])


class _Claim(NamedTuple):
    """A person who may be a face of the current frame."""

    score: float
    person: int
    face: int


class Tracker:
    """Gives every face of a clip the number of its person; starts over where `reset` says a new scene begins.

    With `embed` in `update`, faces that more than one person may be, or that come back, are told apart by identity.
    """

    def __init__(self, same_person: float = SAME_PERSON) -> None:
        self._same_person = same_person
        self._frame = 0
        self._people: list[Person] = []

    @property
    def people(self) -> tuple[Person, ...]:
        """Everybody seen in the scene so far, by number."""
        return tuple(self._people)

    def reset(self) -> None:
        """Forget everybody: the next frame starts a new scene."""
        self._people = []

    def update(self, faces: Sequence[Face], embed: Embed | None = None) -> list[Face]:
        """The faces of the next frame, each with its person's number as `index`; newcomers get the next numbers."""
        self._frame += 1
        embeddings = self._looked_at(faces, embed)
        owners = self._matched(faces, embeddings)
        for number, face in enumerate(faces):
            if number not in owners:
                owners[number] = len(self._people)
                self._people.append(Person(owners[number], face.box, np.zeros(4, np.float32), self._frame))
        for number, owner in owners.items():
            self._people[owner] = self._seen(self._people[owner], faces[number], embeddings.get(number))
        return [replace(face, index=owners[number]) for number, face in enumerate(faces)]

    def as_json(self) -> dict[str, Any]:
        """What `from_json` goes on from."""
        return {"frame": self._frame, "people": [person.as_json() for person in self._people]}

    @classmethod
    def from_json(cls, state: Mapping[str, Any], same_person: float = SAME_PERSON) -> Tracker:
        tracker = cls(same_person)
        tracker._frame = int(state["frame"])
        tracker._people = [Person.from_json(person) for person in state["people"]]
        return tracker

    def _seen(self, person: Person, face: Face, embedding: FloatArray | None) -> Person:
        away = self._frame - person.seen
        step = (face.box - person.box) / away if away else person.speed
        speed = step if away > 1 else (person.speed + step) / 2
        if embedding is not None:
            old = person.embedding
            mixed = embedding if old is None else old + (embedding - old) * np.float32(0.3)
            person = replace(person, embedding=mixed, known=self._frame)
        return replace(person, box=face.box, speed=speed, seen=self._frame)

    def _matched(self, faces: Sequence[Face], embeddings: Mapping[int, FloatArray]) -> dict[int, int]:
        """Face to person: the surest claims first, each face and each person once."""
        owners: dict[int, int] = {}
        taken: set[int] = set()
        for claim in sorted(self._claims(faces, embeddings), reverse=True):
            if claim.face not in owners and claim.person not in taken:
                owners[claim.face] = claim.person
                taken.add(claim.person)
        return owners

    def _claims(self, faces: Sequence[Face], embeddings: Mapping[int, FloatArray]) -> Iterator[_Claim]:
        for person in self._people:
            for number, nearness in enumerate(self._nearness(person, faces)):
                likeness = self._likeness(person, embeddings.get(number))
                if nearness > 0 and (likeness is None or likeness > -0.25):
                    yield _Claim(float(nearness) + 2 * (likeness or 0), person.number, number)
                elif likeness is not None and likeness > 0:
                    yield _Claim(2 * likeness, person.number, number)

    def _likeness(self, person: Person, embedding: FloatArray | None) -> float | None:
        """1 for the same embedding, 0 at the distance from which on it is somebody else, negative beyond."""
        if embedding is None or person.embedding is None:
            return None
        return 1 - float(np.linalg.norm(embedding - person.embedding)) / self._same_person

    def _nearness(self, person: Person, faces: Sequence[Face]) -> FloatArray:
        """(N,) how well the faces lie where the person is expected; 0 where it can't be."""
        away = self._frame - person.seen
        boxes = np.array([face.box for face in faces], np.float32).reshape(-1, 4)
        if away > _PATIENCE:
            return np.zeros(len(boxes), np.float32)
        expected = person.expected(self._frame)
        side, sides = _side(expected[None])[0], _side(boxes)
        distance = np.linalg.norm(_centre(boxes) - _centre(expected[None]), axis=1)
        reach = min(_REACH + _REACH_GROWTH * (away - 1), _REACH_MAX) * side
        ratio = np.maximum(sides, side) / np.maximum(np.minimum(sides, side), 1e-6)
        near = np.maximum(0, 1 - distance / reach) * (ratio < _SIZES)
        return np.where(near > 0, iou(expected, boxes) + near, 0)

    def _looked_at(self, faces: Sequence[Face], embed: Embed | None) -> dict[int, FloatArray]:
        """Embeddings of the faces whose place alone doesn't tell whose they are, and of some to stay up to date."""
        if embed is None or not faces:
            return {}
        given = {number: face.embedding for number, face in enumerate(faces) if face.embedding is not None}
        wanted = [number for number in range(len(faces)) if number not in given and self._is_open(number, faces)]
        fresh = embed([faces[number] for number in wanted]) if wanted else ()
        found = dict(zip(wanted, fresh, strict=True))
        return {number: value for number, value in {**found, **given}.items() if value is not None}

    def _is_open(self, number: int, faces: Sequence[Face]) -> bool:
        near = [person for person in self._people if self._nearness(person, faces)[number] > 0]
        if len(near) != 1:
            return True
        (person,) = near
        rivals = int(np.count_nonzero(self._nearness(person, faces)))
        return rivals > 1 or person.seen < self._frame - 1 or self._frame - person.known >= _RENEWED


def _side(boxes: FloatArray) -> FloatArray:
    return np.sqrt(np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1e-6))


def _centre(boxes: FloatArray) -> FloatArray:
    return (boxes[:, :2] + boxes[:, 2:]) / 2
