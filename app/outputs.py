"""Whether results can be written, found out before the work that makes them."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from ..media.atomic import require_writable, require_writable_folder, temporary_name
from ..media.clips import is_clip, require_unowned_output
from ..media.pictures import picture_format, picture_size, require_fits
from ..pipeline.errors import ImageError
from ..pipeline.quotes import excerpt, named


def require_outputs(outputs: Iterable[Path]) -> None:
    """Raise ImageError where a file can't be written: by its folder, its name's length or what stands there."""
    wanted = list(outputs)
    require_folders(wanted)
    for path in wanted:
        require_place(path)


def require_folders(outputs: Iterable[Path]) -> None:
    """Raise ImageError where a folder that files go into can't be made or written to."""
    parents: dict[Path, Path] = {}
    for path in outputs:
        parents.setdefault(path.parent, path)
    folders: dict[Path, Path] = {}
    for parent, path in parents.items():
        with _named(path):
            folders.setdefault(require_writable(parent / temporary_name()), path)
    for folder, path in folders.items():
        with _named(path):
            require_writable_folder(folder)


def require_place(path: Path) -> None:
    """Raise ImageError where a file can't be written by its name's length or what stands there, and BusyError where it
    is a clip that another command is writing."""
    with _named(path):
        require_writable(path)
        if is_clip(path):
            require_unowned_output(path)


@contextmanager
def _named(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise ImageError(f"{named(path)}: can't be written: {excerpt(error.strerror or error)}") from error
    except ValueError as error:
        raise ImageError(f"{named(path)}: can't be written: {excerpt(error)}") from error


def require_readable(target: Path) -> None:
    """Raise ImageError where a target is no picture by its first bytes. Clips are left for when their turn comes."""
    if not is_clip(target):
        picture_size(target)


def require_held(target: Path, output: Path, image_format: str | None) -> None:
    """Raise ImageError where the format of a target's result can't hold a picture of its size, and SettingsError where
    it can't be told or written. A target that can't be read is left for when its turn comes."""
    if is_clip(target):
        return
    written = picture_format(output, image_format)
    try:
        size = picture_size(target)
    except ImageError:
        return
    try:
        require_fits(size, written)
    except ImageError as error:
        raise ImageError(f"{named(target)}: {error}") from error
