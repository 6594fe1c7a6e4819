"""Which pictures files, folders and patterns name, and what a folder passes over."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Final, NamedTuple

from ...pipeline.errors import ImageError
from ...pipeline.quotes import listed, named
from ..picture_formats import READ, format_of
from .reading import reads_heif

EXTENSIONS: Final = frozenset(extension for extensions in READ.values() for extension in extensions)
"""Of pictures. A folder's HEIC and HEIF are taken where their package is there."""
_FOLDERS_OWN: Final = ("thumbs.db", "desktop.ini")
"""What Windows puts into folders; other systems hide such files."""


class FoundPictures(NamedTuple):
    """What names of files, folders and patterns come to."""

    files: list[Path]
    passed_over: list[Path]
    """What lies in the folders and isn't taken; hidden files aren't counted."""


def find_pictures(paths: Iterable[str | os.PathLike[str]]) -> FoundPictures:
    """Files as given; a folder becomes its pictures, sorted by name; `*` and `?` are expanded where no shell did it.

    Raises ImageError for a folder or pattern without a picture, and for an empty name.
    """
    found = [_found(path) for path in paths]
    return FoundPictures(*([path for one in found for path in one[part]] for part in (0, 1)))


def passed_over_note(names: Sequence[str]) -> str | None:
    """One line on files that a folder passes over, the first of them by name; None where there are none."""
    if not names:
        return None
    shown = listed(names)
    heif = any(format_of(name) == "heif" for name in names) and not reads_heif()
    cure = " (with pillow-heif installed, HEIC and HEIF are read)" if heif else ""
    return f"{len(names)} file{'' if len(names) == 1 else 's'} passed over: {shown}{cure}"


def is_picture(name: str) -> bool:
    """Whether a file in a folder is taken for a picture, by its name."""
    known = format_of(name)
    return known is not None and (known != "heif" or reads_heif())


def is_mentioned(name: str) -> bool:
    """Whether a file that is passed over is worth a word: not what systems leave in folders."""
    return not any(part.startswith(".") for part in PurePath(name).parts) and (
        PurePath(name).name.lower() not in _FOLDERS_OWN
    )


def _found(given: str | os.PathLike[str]) -> FoundPictures:
    if not os.fspath(given):
        # An unset variable gives one; as a path it would be the current folder.
        raise ImageError("a name is empty: expected a picture or a folder (. is the current one)")
    path = Path(given)
    if path.is_dir():
        return _inside(path)
    if glob.has_magic(str(path)) and not path.exists():
        matches = sorted(Path(match) for match in glob.glob(str(path)))
        if not matches:
            raise ImageError(f"{named(path)}: there is no picture here")
        return FoundPictures(matches, [])
    return FoundPictures([path], [])


def _inside(folder: Path) -> FoundPictures:
    files = sorted(entry for entry in folder.iterdir() if is_mentioned(entry.name) and entry.is_file())
    taken = [file for file in files if is_picture(file.name)]
    others = [file for file in files if not is_picture(file.name)]
    if not taken:
        note = passed_over_note([file.name for file in others])
        raise ImageError(f"{named(folder)}: there is no picture here" + (f": {note}" if note else ""))
    return FoundPictures(taken, others)
