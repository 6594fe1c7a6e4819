"""Who gives faces on the command line: pictures, people of several pictures, and saved faces."""

from __future__ import annotations

from argparse import Action, ArgumentParser, Namespace
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, cast

from ..app.donor_files import PersonFiles
from ..app.faces.folders import PREFIX, FaceFolders
from ..media.pictures import find_pictures
from ..models.store import Folders
from ..pipeline.errors import SettingsError
from ..pipeline.quotes import excerpt, named
from .files import add_paths, pictures_of

Source = str | PersonFiles
"""A path or URL, each of whose faces is a donor, or a person."""
Given = str | Mapping[str, Sequence[str] | str]
"""As it was written: a path, or a person with a name and files."""
PERSON_TEXT: Final = (
    "a name, and pictures, folders or saved faces of one person, who is one donor; faces of others are left out"
)


def add_sources(parser: ArgumentParser, text: str, metavar: str = "FILE") -> None:
    """`--source` and `--person`, which are numbered in the order that they come in."""
    add_paths(
        parser, "--source", f"{text}; a folder is one person, face:NAME a saved face", required=False, metavar=metavar
    )
    metavars = ("NAME", metavar)
    parser.add_argument("--person", dest="source", nargs="+", action=_AddPerson, metavar=metavars, help=PERSON_TEXT)


class _AddPerson(Action):
    """Puts a person among the sources."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: object, option_string: str | None = None
    ) -> None:
        name, *files = cast("list[str]", values)
        if not files:
            parser.error(f"--person {excerpt(name)}: expected files behind the name")
        before = cast("list[Given]", getattr(namespace, self.dest) or [])
        setattr(namespace, self.dest, [*before, {"person": name, "files": files}])


def sources_of(given: Sequence[Given] | None) -> list[Source]:
    """The sources as they were written: folders are people by the folder's name, patterns become their pictures.

    Raises SettingsError where there is none, or two people have one name, ImageError for a folder without a picture.
    """
    if not given:
        raise SettingsError("nobody gives a face: say --source or --person")
    taken: set[str] = set()
    return [source for one in given for source in _sources(one, taken)]


def faces_and_pictures(given: Iterable[str]) -> list[str]:
    """The files that names of files, folders, patterns and saved faces stand for."""
    return [file for one in given for file in _files(one)]


def flat(sources: Iterable[Source]) -> list[str]:
    """All their files."""
    return [str(file) for source in sources for file in (source.files if isinstance(source, PersonFiles) else [source])]


def has_people(sources: Iterable[Source]) -> bool:
    """Whether some source is a person, whose faces are compared."""
    return any(isinstance(source, PersonFiles) for source in sources)


def grouped(address: str) -> Source:
    """A source of a manifest: a folder of this machine as the person that its pictures show."""
    if "://" in address or not Path(address).is_dir():
        return address
    return PersonFiles(Path(address).resolve().name or address, tuple(map(str, find_pictures([address]).files)))


def resolved(address: str) -> str:
    """The file of a saved face for `face:NAME`; anything else as it is."""
    return FaceFolders.of(Folders.default()).resolved(address) if address.startswith(PREFIX) else address


def _sources(one: Given, taken: set[str]) -> list[Source]:
    if not isinstance(one, str):
        return [PersonFiles(_free(str(one["person"]), taken), tuple(faces_and_pictures(one["files"])))]
    if not one or "://" in one or not Path(one).is_dir():
        return [*_files(one)]
    own = Path(one).resolve().name or one
    name = one if own.casefold() in taken else own
    if name.casefold() in taken:
        raise SettingsError(f"--source {named(one)}: there is a person of that name already: give everybody once")
    return [PersonFiles(_free(name, taken), tuple(map(str, pictures_of([one]))))]


def _free(name: str, taken: set[str]) -> str:
    shown = excerpt(name)
    if not shown or shown.casefold() in taken:
        raise SettingsError(f"--person {named(shown)}: expected a name, and all files of a person behind it at once")
    taken.add(shown.casefold())
    return shown


def _files(one: str) -> list[str]:
    if one.startswith(PREFIX):
        return [resolved(one)]
    return [one] if "://" in one else [str(path) for path in pictures_of([one])]
