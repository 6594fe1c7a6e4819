"""Which file becomes which, decided and checked before any work starts."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from ..app.names import free_name, result_name
from ..media.clips import is_clip, output_format
from ..media.files import PLAYLIST, is_playlist
from ..media.pictures import EXTENSIONS, find_pictures, passed_over_note, picture_format
from ..pipeline.errors import ImageError, SettingsError
from ..pipeline.quotes import named
from . import console

Identity = tuple[int, int]
MASK_TEXT = "also write what was changed, white on black; an existing file is replaced only with --overwrite"


def add_paths(parser: ArgumentParser, name: str, text: str, *, required: bool = True, metavar: str = "FILE") -> None:
    """An option that takes several paths, and may be given several times."""
    parser.add_argument(name, nargs="+", action="extend", required=required, metavar=metavar, help=text)


class Targets(NamedTuple):
    """The pictures to work on."""

    files: list[Path]
    to_folder: bool
    """Whether results go into a folder, each named like its target."""


def pictures_of(given: Sequence[str]) -> list[Path]:
    """The pictures that files, folders and patterns name; what folders pass over is said.

    Raises ImageError where there is none.
    """
    found = find_pictures(given)
    if note := passed_over_note([path.name for path in found.passed_over]):
        console.note(note)
    return found.files


def find_targets(given: Sequence[str], output: str | None = None) -> Targets:
    """The pictures that `given` names. Several, or those of a folder, go into a folder; one does where `output` is one.

    Raises ImageError where there is none.
    """
    files = pictures_of(given)
    is_folder = output is not None and (os.path.isdir(output) or output.endswith(("/", os.sep)))
    return Targets(files, len(files) > 1 or os.path.isdir(given[0]) or is_folder)


def results(targets: Targets, output: str, image_format: str | None, option: str) -> list[Path]:
    """A path for every target: the output itself, or a file in it named like the target, each name once.

    Raises SettingsError where the format can't be told, or where a folder is needed and a file's name was given;
    ImageError where the only target is a playlist.
    """
    if not targets.to_folder:
        if is_playlist(targets.files[0]):
            raise ImageError(f"{named(targets.files[0])}: {PLAYLIST}")
        if is_clip(targets.files[0]):
            output_format(output)
        else:
            picture_format(output, image_format)
        return [Path(output)]
    is_named_like_a_file = Path(output).suffix.lower() in EXTENSIONS or is_clip(output)
    if os.path.isfile(output) or (is_named_like_a_file and not os.path.isdir(output)):
        raise SettingsError(f"{option} {named(output)}: expected a folder, because there are several targets")
    taken: set[str] = set()
    return [Path(output) / _free(result_name(file.name, image_format), taken) for file in targets.files]


def _free(name: str, taken: set[str]) -> str:
    free = free_name(name, taken)
    taken.add(free.casefold())
    return free


def require_free(outputs: Iterable[Path], inputs: Iterable[Path], hint: str = "") -> None:
    """Raise SettingsError where two outputs are one file, or an output is an input."""
    written: set[str] = set()
    read = {identity for path in inputs if (identity := _identity(path))}
    for path in outputs:
        place = _place(path)
        if place in written:
            raise SettingsError(f"{named(path)} would be written twice: give every output a name of its own")
        if _identity(path) in read:
            raise SettingsError(f"{named(path)} is an input and would be overwritten: choose another output{hint}")
        written.add(place)


def require_new_masks(masks: Iterable[Path], hint: str = "; --limit-mask is what says where it may change") -> None:
    """Raise SettingsError where a mask would replace a file, which may be one that was drawn by hand."""
    for path in masks:
        if path.exists():
            raise SettingsError(
                f"--mask {named(path)} is there already, and it would be replaced by a mask of what changed: choose "
                f"another name or say --overwrite{hint}"
            )


def _place(path: Path) -> str:
    """The same text for all names of one file, which on some systems may differ in case."""
    place = os.path.normcase(os.path.realpath(path))
    return place.casefold() if sys.platform == "darwin" else place


def _identity(path: Path) -> Identity | None:
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return None
    return status.st_dev, status.st_ino
