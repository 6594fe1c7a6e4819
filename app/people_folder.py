"""The people of many files in a folder: a thumbnail, a number and a saved face of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from ..media.atomic import write_atomic
from ..media.pictures import write_picture
from ..pipeline.draw.preview import draw_faces
from ..pipeline.errors import SettingsError
from ..pipeline.quotes import named
from ..pipeline.types import Picture
from .faces.person import MOST_VIEWS, SavedPerson, SavedView
from .faces.writing import write_person
from .grouping import Sighting, Somebody
from .report import counted

SHEET: Final = "people.jpg"
_PERSON: Final = re.compile(r"person-([0-9]+)\.safetensors")
_TILE: Final = 256
_COLUMNS: Final = 6
_GREY: Final = 40


def write_people(folder: Path, people: Sequence[Somebody]) -> list[str]:
    """Write `person-N.jpg` and `person-N.safetensors`, which holds identities and no picture, of each person, and
    `people.jpg`, which shows all with their numbers; gives a line of each. Raises OSError, ImageError."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, somebody in enumerate(people):
        best = somebody.sightings[0]
        write_atomic(folder / f"person-{number}.jpg", best.thumbnail)
        views = tuple(map(_view, somebody.sightings[:MOST_VIEWS]))
        write_person(folder / f"person-{number}.safetensors", SavedPerson(views), overwrite=True)
    write_picture(folder / SHEET, _sheet(people))
    return [
        f"person {number}: {counted(len(one.sightings), 'face')} in {counted(one.files, 'file')}"
        for number, one in enumerate(people)
    ]


def require_free(folder: Path) -> None:
    """Raise SettingsError where a folder holds anything, which might be replaced or be taken for people."""
    if folder.is_dir() and any(folder.iterdir()):
        raise SettingsError(f"{named(folder)}: expected a new or an empty folder for the people, there are files in it")


def _view(sighting: Sighting) -> SavedView:
    """Who a sighting shows, and no picture."""
    face = sighting.face
    identities = () if face.embedding is None else (face.embedding,)
    return SavedView(face.box, face.landmarks, face.score, None, identities, None)


def people_in(folder: Path) -> list[Path]:
    """The saved faces of a folder's people by their numbers; none where it holds none. Raises SettingsError where one
    is missing between others, so that numbers would be others'."""
    found = {int(match[1]): path for path in sorted(folder.glob("person-*")) if (match := _PERSON.fullmatch(path.name))}
    missing = sorted(set(range(max(found, default=-1) + 1)) - found.keys())
    if missing:
        raise SettingsError(f"{named(folder)}: person-{missing[0]}.safetensors is missing: group the files anew")
    return [found[number] for number in range(len(found))]


def _sheet(people: Sequence[Somebody]) -> Picture:
    rows = -(-len(people) // _COLUMNS)
    sheet = np.full((rows * _TILE, min(len(people), _COLUMNS) * _TILE, 3), _GREY, np.uint8)
    for number, somebody in enumerate(people):
        row, column = divmod(number, _COLUMNS)
        best = somebody.sightings[0]
        with Image.open(BytesIO(best.thumbnail)) as image:
            shown = draw_faces(np.asarray(image.convert("RGB")), [best.face], [number])
        tile = sheet[row * _TILE : (row + 1) * _TILE, column * _TILE : (column + 1) * _TILE]
        part = shown[:_TILE, :_TILE]
        top, left = (_TILE - len(part)) // 2, (_TILE - part.shape[1]) // 2
        tile[top : top + len(part), left : left + part.shape[1]] = part
    return sheet
