"""Where saved faces lie, and what they may be called."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from platformdirs import user_data_path

from ...media.environment import variables
from ...models.store import Folders
from ...pipeline.errors import ImageError, SettingsError
from ...pipeline.quotes import listed, named, nearest, quoted

VARIABLE: Final = "MULTIFACESWAP_FACES"
"""Environment variable: the folder of saved faces."""
PREFIX: Final = "face:"
"""What stands before the name of a saved face where a file's name could be."""
SUFFIX: Final = ".safetensors"
_KEY: Final = "multifaceswap"
_REACTOR: Final = "reactor/faces"
_LONGEST: Final = 64
_LONGEST_FILE: Final = 200
"""Bytes: letters of other scripts take several, and some systems allow 255."""
_MARKS: Final = " ._-"


def is_saved(file: str | os.PathLike[str]) -> bool:
    """Whether a file is a saved face, by its name."""
    return os.fspath(file).lower().endswith(SUFFIX)


def checked_name(name: str) -> str:
    """The name of a saved face, in the one form of its letters. Raises SettingsError for one that not every system
    takes for a file, or that leads elsewhere."""
    from ..names import inner_name  # with what writes clips, which listing the nodes does without

    plain = unicodedata.normalize("NFC", name)
    fit = all(unicodedata.category(letter)[0] in "LMN" or letter in _MARKS for letter in plain)
    if not fit or not plain or len(plain) > _LONGEST or plain[0] in _MARKS:
        raise SettingsError(
            f"a saved face's name: expected 1 to {_LONGEST} letters, digits, spaces and . _ -, with a letter or digit "
            f"first, got {quoted(name)}"
        )
    if len(os.fsencode(plain + SUFFIX)) > _LONGEST_FILE or plain[-1] in " ." or is_saved(plain):
        raise SettingsError(
            f"a saved face's name: expected a shorter one, without {SUFFIX}, a dot or a space at its end, got "
            f"{quoted(name)}"
        )
    try:
        return inner_name(plain)
    except ValueError as error:
        raise SettingsError(f"a saved face's name {quoted(name)}: some system takes it for no file's name") from error


@dataclass(frozen=True, slots=True)
class FaceFolders:
    """The folder of saved faces, and those in which ReActor keeps its own."""

    own: Path
    others: tuple[Path, ...] = ()

    @classmethod
    def of(cls, folders: Folders) -> FaceFolders:
        """That of the environment variable, else the host's, else one that is there among the model folders, else the
        user's own."""
        own = _own(folders)
        return cls(own, tuple(place for place in folders.places(_REACTOR) if place != own and place.is_dir()))

    def path(self, name: str) -> Path:
        """Where a face of that name is saved. Raises SettingsError for a name that none can have."""
        return self.own / f"{checked_name(name)}{SUFFIX}"

    def find(self, name: str) -> Path:
        """The file of a saved face. Raises SettingsError where there is none of that name."""
        file = f"{checked_name(name)}{SUFFIX}"
        found = next((folder / file for folder in (self.own, *self.others) if (folder / file).is_file()), None)
        if found is None:
            known = self.names()
            there = f"there are {listed(known)}" if known else "there are none"
            raise SettingsError(
                f"no face is saved as {quoted(name)} in {named(self.own)}{nearest(name, known)}: {there}"
            )
        return found

    def names(self) -> list[str]:
        """Of all saved faces, in order; each once."""
        found = {path.stem for folder in (self.own, *self.others) for path in _files(folder)}
        return sorted((name for name in found if _is_name(name)), key=lambda name: (name.casefold(), name))

    def delete(self, name: str) -> Path:
        """Delete a saved face; its file. Raises SettingsError where there is none, or it is ReActor's, and OSError."""
        path = self.find(name)
        if path.parent != self.own:
            raise SettingsError(f"{named(path)} is ReActor's: delete it there")
        path.unlink()
        return path

    def resolved(self, given: str) -> str:
        """The path of a saved face for `face:NAME`; anything else as it is. Raises SettingsError as `find`."""
        return str(self.find(given.removeprefix(PREFIX))) if given.startswith(PREFIX) else given


def _own(folders: Folders) -> Path:
    if given := variables().get(VARIABLE):
        return Path(given)
    hosted = next(iter(folders.by_key.get(_KEY, ())), None)
    if hosted is not None:
        return Path(hosted) / "faces"
    there = (place for place in folders.places(f"{_KEY}/faces") if place.is_dir())
    return next(there, user_data_path(_KEY, appauthor=False) / "faces")


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.suffix == SUFFIX and path.is_file()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ImageError(f"{named(folder)}: can't be read: {error.strerror}") from error


def _is_name(name: str) -> bool:
    try:
        return checked_name(name) == name
    except SettingsError:
        return False
