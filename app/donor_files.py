"""Donors from files: pictures, whose faces are a donor each, people with several pictures, and saved faces."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..media.pictures import converted, read_metadata, read_picture
from ..pipeline.errors import FaceNotFoundError, ImageError
from ..pipeline.quotes import named, reason
from ..pipeline.types import Face, FaceSet, Picture
from .donor_colours import DonorColours
from .faces.folders import is_saved
from .faces.keeping import read_saved
from .people import Person, Shown, gathered, searched
from .pictures import Donors, find_donors
from .session import Session
from .settings import SETTINGS

PathLike = str | os.PathLike[str]


class PersonFiles(NamedTuple):
    """Files that show one person, who is one donor."""

    name: str
    files: tuple[PathLike, ...]


class FileDonors(NamedTuple):
    """Donors and what the report calls whom each of their pictures shows."""

    names: Sequence[str]
    donors: Donors
    notes: tuple[str, ...] = ()
    """What was left out of the files, and what saved faces say of consent, which the faces then don't repeat."""
    colours: DonorColours = DonorColours()
    failed: tuple[str, ...] = ()
    """A line for each file of a person that can't be read: the others show them."""


class _Read(NamedTuple):
    """What one file holds."""

    shown: Shown
    profiles: tuple[bytes | None, ...]
    notes: tuple[str, ...]


class _Source(NamedTuple):
    """What the files of one source hold."""

    given: Shown | Person
    read: tuple[_Read, ...]
    failed: tuple[str, ...] = ()


def read_donors(
    session: Session,
    sources: Sequence[PathLike | PersonFiles],
    references: Sequence[PathLike],
    settings: Mapping[str, object],
    names: Sequence[str] | None = None,
) -> FileDonors:
    """The faces of source files, and of files that show people to recognise, found once for all targets.

    A file that ends in .safetensors is a saved face. `names` are what the report calls the files, one after the other,
    sources before references, where those aren't their own.
    Raises ImageError for a file that can't be read, of a person only where none can, and as `Session.donors`, which
    tells where nothing can be swapped.
    """
    files = [file for source in sources for file in _files(source)]
    shown = iter([os.fspath(file) for file in (*files, *references)] if names is None else names)
    opened = [_opened(source, [next(shown) for _ in _files(source)]) for source in sources]
    read, given = [one for source in opened for one in source.read], [source.given for source in opened]
    known = [_read(file, next(shown)) for file in references]
    found = find_donors(session, given, [one.shown for one in known], picture_settings(settings))
    notes = [note for one in (*read, *known) for note in one.notes]
    notes += _without_faces(given, found.faces, "source")
    if found.references is not None:
        notes += _without_faces([one.shown for one in known], found.references.faces, "reference")
    colours = DonorColours(tuple(profile for one in read for profile in one.profiles))
    quiet = found._replace(faces=_without_consent(found.faces))
    failed = tuple(line for source in opened for line in source.failed)
    return FileDonors(found.names, quiet, (*notes, *found.told), colours, failed)


class FoundPerson(NamedTuple):
    """The one donor of a person's files, with all pictures in sRGB."""

    pictures: Sequence[Picture]
    faces: FaceSet
    notes: tuple[str, ...]
    failed: tuple[str, ...]
    """As of `FileDonors`."""


def read_person_files(
    session: Session, person: PersonFiles, finding: Mapping[str, object], merging: Mapping[str, object]
) -> FoundPerson:
    """Whom a person's files show, by settings of `Session.detect` and of `Session.merge`. Raises ImageError where
    none of them can be read, FaceNotFoundError where there is no face, and as those."""
    given, read, failed = _opened(person, [os.fspath(file) for file in person.files])
    sources = [given]
    # Numbered as every command numbers them by default, so that lines name the same faces.
    faces = session.order(session.detect(searched(sources), **session.plan("detect", finding).values_of("detect")))
    own = gathered(session, session.plan("merge", merging), sources, faces)
    notes = [note for one in read for note in one.notes]
    lines = (*notes, *faces.notes, *faces.remarks, *own.told)
    if not own.faces.count:
        raise FaceNotFoundError("; ".join(["no face found: nobody can be saved", *failed, *lines]))
    profiles = [profile for one in read for profile in one.profiles]
    pictures = [converted(picture, profile, None) for picture, profile in zip(own.pictures, profiles, strict=True)]
    return FoundPerson(pictures, own.faces, lines, failed)


def picture_settings(settings: Mapping[str, object]) -> dict[str, object]:
    """Those of pictures, among others."""
    return {name: value for name, value in settings.items() if name in SETTINGS["picture"]}


def _without_consent(faces: FaceSet) -> FaceSet:
    def quiet(face: Face) -> Face:
        return replace(face, consent="", views=tuple(replace(view, consent="") for view in face.views))

    return replace(faces, frames=tuple(tuple(map(quiet, some)) for some in faces))


def _files(source: PathLike | PersonFiles) -> tuple[PathLike, ...]:
    return source.files if isinstance(source, PersonFiles) else (source,)


def _opened(source: PathLike | PersonFiles, names: Sequence[str]) -> _Source:
    """What a source's files hold; of a person's, those that can be read."""
    if not isinstance(source, PersonFiles):
        (read,) = (_read(source, name) for name in names)
        return _Source(read.shown, (read,))
    made, errors, failed = list[_Read](), list[Exception](), list[str]()
    for file, name in zip(source.files, names, strict=True):
        try:
            made.append(_read(file, name))
        except (ImageError, OSError) as error:
            errors.append(error)
            text = str(error) if isinstance(error, ImageError) else reason(error)
            failed.append(f"{text.replace(named(file), named(name))}; left out of {source.name}")
    if errors and not made:
        raise errors[0]
    return _Source(Person(source.name, [one.shown for one in made]), tuple(made), tuple(failed))


def _read(file: PathLike, name: str) -> _Read:
    if is_saved(file):
        saved = read_saved(file)
        shown = f"face:{saved.about.name}"
        consent = (f"{shown}: consent: {saved.about.consent}",) if saved.about.consent else ()
        count = len(saved.pictures)
        return _Read(Shown(saved.pictures, [shown] * count, saved.faces), (None,) * count, consent)
    picture, metadata = read_picture(file), read_metadata(file)
    notes = tuple(f"{os.fspath(file)}: {note}" for note in metadata.notes)
    return _Read(Shown([picture], [name]), (metadata.profile,), notes)


def _without_faces(sources: Sequence[Shown | Person], faces: FaceSet, what: str) -> list[str]:
    """A line for each picture and person that gives nothing, so that the numbers go on as if they weren't there."""
    lines, frames = list[str](), iter(faces)
    for source in sources:
        if isinstance(source, Person):
            own = [next(frames) for shown in source.shown for _ in shown.pictures]
            lines += [] if any(own) else [f"{source.name}: no {what} face found"]
        elif source.faces is None:
            own = zip(source.names, [next(frames) for _ in source.pictures], strict=True)
            lines += [f"{name}: no {what} face found" for name, found in own if not found]
        else:
            for _ in source.pictures:
                next(frames)
    return lines
