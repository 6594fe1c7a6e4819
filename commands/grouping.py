"""The people of many pictures and clips, for the commands that number them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ..app.outputs import require_folders
from ..app.session import Session
from ..app.settings import SETTINGS
from ..pipeline.errors import SettingsError
from ..pipeline.quotes import named
from . import console


def add_group(parser: ArgumentParser, text: str) -> None:
    """`--group`."""
    text = f"folder of the {text}; without any in it, they are found in the files and written there with their numbers"
    parser.add_argument("--group", metavar="FOLDER", help=text)


def group_of(arguments: Namespace) -> Path | None:
    """The folder that was asked for. Raises SettingsError where it can't be one, ImageError where it can't be made."""
    if not arguments.group:
        return None
    folder = Path(arguments.group)
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"--group {named(folder)}: expected a folder")
    require_folders([folder / "people.jpg"])
    return folder


class Found(NamedTuple):
    """The people of a folder."""

    files: list[Path]
    """Their saved faces, by their numbers."""
    failed: int
    """How many files couldn't be looked at, which was said."""


def people_of(session: Session, folder: Path, files: Sequence[Path], settings: Mapping[str, object]) -> Found:
    """The people of a folder, found in the files where it holds none.

    `settings` of a picture among others. Raises as `find_people` and `people_in`, and SettingsError where other files
    are in the folder.
    """
    # What looks into clips is loaded by those who group.
    from ..app.grouping import find_people
    from ..app.people_folder import SHEET, people_in, require_free, write_people

    known = people_in(folder)
    if known:
        console.note(f"{named(folder)}: {len(known)} people, as they were found before")
        return Found(known, 0)
    require_free(folder)
    asked = {name: value for name, value in settings.items() if name in SETTINGS["picture"]}
    failed: list[Path] = []

    def fail(file: Path, error: Exception) -> None:
        console.fail(console.message(error, file))
        failed.append(file)

    for line in write_people(folder, find_people(session, files, asked, _shown, fail)):
        console.note(line)
    console.note(f"{named(folder / SHEET)} shows them with their numbers")
    return Found(people_in(folder), len(failed))


def _shown(files: Sequence[Path]) -> Iterator[Path]:
    with console.progress(files, "file") as bar:
        yield from bar
