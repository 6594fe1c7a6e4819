"""Who gives faces: every face of a picture is a donor by itself, those of a person's pictures are one together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..pipeline.errors import SettingsError
from ..pipeline.faces.identity import place_of
from ..pipeline.faces.joining import joined, part_of
from ..pipeline.quotes import quoted
from ..pipeline.types import Face, FaceSet, Picture
from .merging import merged_person
from .plan import Plan
from .report import counted

if TYPE_CHECKING:
    from .session import Session


class Shown(NamedTuple):
    """Pictures and what reports call each of them."""

    pictures: Sequence[Picture]
    names: Sequence[str]
    faces: FaceSet | None = None
    """Where they are known already: of a saved face. None: they are to be found."""


class Person(NamedTuple):
    """Somebody whom several pictures show, and who is one donor."""

    name: str
    shown: Sequence[Shown]


class Gathered(NamedTuple):
    """The donors of several pictures and people."""

    pictures: Sequence[Picture]
    faces: FaceSet
    names: tuple[str, ...]
    """What reports call whom each picture shows: by the picture, or by the person."""
    told: tuple[str, ...]
    """Who of the pictures of a person was left out."""


def singly(pictures: Sequence[Picture]) -> Shown:
    """Pictures by their numbers."""
    return Shown(pictures, [f"picture {number}" for number in range(len(pictures))])


def require_named(people: object, what: str) -> None:
    """Raise SettingsError for anything but pictures by names."""
    if not isinstance(people, Mapping):
        raise SettingsError(f"{what}: expected pictures by names, such as {{'Anna': pictures}}, got {quoted(people)}")


def by_name(people: Mapping[str, Sequence[Picture]]) -> list[Person]:
    """People by their names, with their pictures."""
    return [
        Person(name, [Shown(pictures, [f"{name}, picture {number}" for number in range(len(pictures))])])
        for name, pictures in people.items()
    ]


def searched(sources: Sequence[Shown | Person]) -> list[Picture]:
    """The pictures whose faces are to be found, in order."""
    return [picture for shown in each(sources) if shown.faces is None for picture in shown.pictures]


def gathered(session: Session, plan: Plan, sources: Sequence[Shown | Person], found: FaceSet) -> Gathered:
    """All donors, numbered in the order given. `found`: the faces of the pictures that were `searched`, of which each
    person's become one donor. Raises as `Session.merge`; of a person whom no picture shows there is no donor."""
    parts, start = list[FaceSet](), 0
    for shown in each(sources):
        known = shown.faces
        if known is None:
            known, start = part_of(found, start, shown.pictures), start + len(shown.pictures)
        parts.append(known)
    left, batches, told, names = iter(parts), list[FaceSet](), list[str](), list[str]()
    lacking = _lacking(plan)
    for source in sources:
        own = joined([next(left) for _ in _shown(source)])
        if isinstance(source, Person):
            shown_by = [name for shown in source.shown for name in shown.names]
            told += [f"{name}: {lacking}" for name, some in zip(shown_by, _shown_in(own), strict=True) if not some]
            own, lines = _merged(session, plan, source, own)
            told += lines
        batches.append(own)
        names += [source.name] * len(own) if isinstance(source, Person) else source.names
    pictures = [picture for shown in each(sources) for picture in shown.pictures]
    faces = replace(joined(batches), notes=(), remarks=found.remarks)
    return Gathered(pictures, faces, tuple(names), tuple(told))


def _merged(session: Session, plan: Plan, person: Person, faces: FaceSet) -> tuple[FaceSet, list[str]]:
    if not faces.count:
        return faces, []
    pictures = [picture for shown in person.shown for picture in shown.pictures]
    names = [name for shown in person.shown for name in shown.names]
    made = merged_person(session.models, plan, faces, pictures)
    told = made.told(names)
    (donor,) = made.faces.flat()
    views = len(set(map(place_of, donor.person)))
    return made.faces, [*told, f"{person.name}: one donor of {counted(views, 'face')}"]


def _lacking(plan: Plan) -> str:
    """What is said of a person's picture in which nobody counts."""
    filtered = plan.values.get("detect_gender_source", "no") != "no" or plan.values.get("detect_age_source")
    return "no face found that the filters keep" if filtered else "no face found"


def _shown_in(faces: FaceSet) -> list[bool]:
    """Whether each picture shows somebody; of a saved face each does, though its faces are views of the first."""
    frames = {view.frame for face in faces.flat() for view in face.person}
    return [number in frames for number in range(len(faces))]


def _shown(source: Shown | Person) -> Sequence[Shown]:
    return source.shown if isinstance(source, Person) else (source,)


def each(sources: Sequence[Shown | Person]) -> list[Shown]:
    """All that is shown, of whomever."""
    return [shown for source in sources for shown in _shown(source)]


def name_of(names: Sequence[str], face: Face) -> str:
    """What messages call a donor."""
    return names[face.frame] if face.frame < len(names) else f"source {face.index}"
