"""A donor becomes a saved face, and a saved face a donor again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ...models.catalog import names
from ...models.store import Folders
from ...pipeline.clip.people import quality
from ...pipeline.errors import FaceNotFoundError, SettingsError
from ...pipeline.faces.ages import parse_ages
from ...pipeline.faces.detect import add_meshes
from ...pipeline.faces.identity import place_of
from ...pipeline.transparency import greyed
from ...pipeline.types import Embedding, Face, FaceSet, Picture, Size
from ...pipeline.validation import require_pictures
from .cutting import cut, moved
from .folders import FaceFolders, is_saved
from .person import MOST_VIEWS, About, SavedPerson, SavedView, checked_consent
from .reading import read_person, unreadable
from .writing import require_new, write_person

if TYPE_CHECKING:
    from ...models.pool import ModelPool
    from ...pipeline.protocols import Embedder

_BUILT_IN: Final = "dlib128"
_PLACEHOLDER: Final = 64
"""Side, in pixels, of the grey picture that stands for one that wasn't saved."""


class SavedFace(NamedTuple):
    """A saved face as a donor."""

    pictures: tuple[Picture, ...]
    """(H, W, 3) uint8, one a view; grey where none was saved."""
    faces: FaceSet
    """One face with all further views."""
    about: About


def save_face(
    models: ModelPool,
    name: str,
    faces: FaceSet,
    pictures: Sequence[Picture],
    *,
    embeddings_only: bool,
    consent: str,
    overwrite: bool,
) -> About:
    """See `Session.save_face`."""
    path = FaceFolders.of(models.folders).path(name)
    require_new(path, overwrite)
    person = saved_of(models, faces, pictures, embeddings_only=embeddings_only, consent=consent)
    write_person(path, person, overwrite=overwrite)
    return person.about(path.stem, path.stat().st_size)


def load_face(folders: Folders, name: str | os.PathLike[str]) -> SavedFace:
    """See `Session.load_face`."""
    text = os.fspath(name)
    return read_saved(text if is_saved(text) else FaceFolders.of(folders).find(text))


def saved_of(
    models: ModelPool,
    faces: FaceSet,
    pictures: Sequence[Picture],
    *,
    embeddings_only: bool = False,
    consent: str = "",
) -> SavedPerson:
    """The one donor of a batch of pictures, in sRGB, as it is saved: cut out, and measured by every embedder that is
    installed.

    Raises FaceNotFoundError where there is no donor, SettingsError where there are several, MismatchError.
    """
    require_pictures(pictures, "pictures")
    faces.require(pictures, "saved")
    donor = _only(faces)
    told = (checked_consent(consent.strip() or "; ".join(donor.consents)), donor.gender, str(donor.age or ""))
    embedders = [models.embedder(name) for name in _installed(models)]
    shown = greyed(pictures)
    views, (kept, left_out) = list[SavedView](), _best(_views_of(donor))
    for same in kept:
        lead = _meshed(same[0], shown[same[0].frame], models)
        embeddings = _measured(lead, same, shown[lead.frame], embedders)
        views.append(_view(lead, embeddings, pictures[lead.frame], embeddings_only))
    return SavedPerson(tuple(views), *told, left_out=left_out)


def read_saved(path: str | os.PathLike[str]) -> SavedFace:
    """A saved face as a donor. Raises as `reading.read_person`."""
    person = read_person(path)
    try:
        pictures, faces = _donor(person)
    except SettingsError as error:
        raise unreadable(path, error) from error
    return SavedFace(pictures, faces, person.about(Path(path).stem, os.stat(path).st_size))


def _donor(person: SavedPerson) -> tuple[tuple[Picture, ...], FaceSet]:
    pictures, faces = list[Picture](), list[Face]()
    for number, view in enumerate(person.views):
        picture, face = _shown(view)
        pictures.append(picture)
        faces += [replace(one, frame=number) for one in _by_model(face, view.embeddings)]
    age = parse_ages(person.age)
    lead, *views = [replace(face, gender=person.gender, age=age, consent=person.consent) for face in faces]
    frames = ((replace(lead, views=tuple(views)),), *(() for _ in pictures[1:]))
    return tuple(pictures), FaceSet(frames, Size.holding(pictures))


def _only(faces: FaceSet) -> Face:
    if not faces.count:
        raise FaceNotFoundError("no face to save: none was found in these pictures")
    if faces.count > 1:
        raise SettingsError(f"a saved face is one person, got {faces.count} faces: merge those of one person first")
    return faces.flat()[0]


def _views_of(donor: Face) -> list[list[Face]]:
    """The faces of a person by the place where they are: what several models measured there is one view."""
    places: dict[tuple[float, ...], list[Face]] = {}
    for face in sorted(donor.person, key=lambda face: not face.pictured):
        places.setdefault(place_of(face), []).append(replace(face, views=()))
    first = place_of(donor)
    return [places[first], *(some for place, some in places.items() if place != first)]


def _best(views: Sequence[list[Face]]) -> tuple[list[list[Face]], int]:
    """As many views as a file holds, in their order, the first of them and the largest and most frontal ones; and how
    many others there are."""

    def worth(number: int) -> tuple[bool, bool, float]:
        face = views[number][0]
        return number == 0, face.pictured, quality(face) * float(max(face.area, 0.0)) ** 0.5

    best = sorted(range(len(views)), key=worth, reverse=True)[:MOST_VIEWS]
    return [views[number] for number in sorted(best)], len(views) - len(best)


def _installed(models: ModelPool) -> list[str]:
    """The shipped embedder, and those whose files are there and may be used."""
    return [name for name in names("embedder") if models.is_there("embedder", name)]


def _meshed(face: Face, picture: Picture, models: ModelPool) -> Face:
    return add_meshes(picture, [face], models.mesher())[0] if face.pictured else face


def _measured(face: Face, same: Sequence[Face], picture: Picture, embedders: Sequence[Embedder]) -> list[Embedding]:
    """Of every model one: as the faces carry them, else as measured where there is a picture."""
    known = {one.embedding.model: one.embedding for one in reversed(same) if one.embedding is not None}
    if face.pictured:
        lacking = [embedder for embedder in embedders if embedder.name not in known]
        known |= {embedder.name: embedder.embed(picture, [face])[0] for embedder in lacking}
    return [known[model] for model in sorted(known, key=lambda model: (model != _BUILT_IN, model))]


def _view(face: Face, embeddings: Sequence[Embedding], picture: Picture, embeddings_only: bool) -> SavedView:
    part, placed = cut(picture, face)
    kept = part if face.pictured and not embeddings_only else None
    return SavedView(placed.box, placed.landmarks, float(face.score), placed.mesh, tuple(embeddings), kept)


def _shown(view: SavedView) -> tuple[Picture, Face]:
    """A view's picture and its face there; of a view without one, a grey square that the face fills."""
    face = Face(view.box, view.landmarks, view.score, mesh=view.mesh, pictured=view.picture is not None)
    if view.picture is not None:
        return view.picture, face
    left, top, right, bottom = (float(edge) for edge in view.box)
    scale = _PLACEHOLDER / max(right - left, bottom - top, 1e-3)
    matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]])
    return np.full((_PLACEHOLDER, _PLACEHOLDER, 3), 128, np.uint8), moved(face, matrix)


def _by_model(face: Face, embeddings: Sequence[Embedding]) -> Iterator[Face]:
    """The face with the first identity, and the others as views that no picture shows."""
    yield replace(face, embedding=next(iter(embeddings), None))
    yield from (replace(face, embedding=one, pictured=False) for one in embeddings[1:])
