"""Files that appear complete or not at all: written under a temporary name in the same folder, then renamed.

The only module that renames files.
"""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

T = TypeVar("T")
_IS_WINDOWS: Final = os.name == "nt"
_BUSY_TRIES: Final = 20
_BUSY_PAUSE: Final = 0.02
_NEW_FILE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_atomic(path: str | os.PathLike[str], data: bytes, *, mode: int = 0o666, durable: bool = False) -> None:
    """Write a file. `mode` are its permissions before the umask; `durable`: it survives a power cut from here on.

    Links are followed, missing folders are made. Raises OSError, which leaves what was there before.
    """
    with atomic_path(path) as temporary, open(os.open(temporary, _NEW_FILE, mode), "wb") as file:
        file.write(data)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    if durable:
        _sync_folder(Path(os.path.realpath(path)).parent)


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Generator[Path]:
    """Hand out a path to write to; the file there becomes `path` when the block ends, and is removed if it raises.

    Links are followed, missing folders are made. Raises OSError; FileExistsError where `path` isn't a regular file.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise FileExistsError(errno.EEXIST, "it exists and is not a regular file", os.fspath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(temporary_name())
    try:
        yield temporary
        replace_file(temporary, target)
    finally:
        with suppress(OSError):
            temporary.unlink()


def require_writable(path: str | os.PathLike[str]) -> Path:
    """Raise OSError where `write_atomic` is sure to: before the work whose result is to be written.

    `path` is something else than a file, a name on the way is too long, or its folder can't be made or written to.
    Gives the folder that is there already and that all of it goes into, in which nothing is left.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise FileExistsError(errno.EEXIST, "it exists and is not a regular file", os.fspath(path))
    folder, names = target.parent, [target.name]
    while not os.path.lexists(folder):
        folder, names = folder.parent, [*names, folder.name]
    for name in names:
        # Asked where it can be: in a folder that isn't there yet no name is too long.
        with suppress(FileNotFoundError):
            os.lstat(folder / name)
    return folder


def require_writable_folder(folder: Path) -> None:
    """Raise OSError where nothing can be put into a folder; what it is tried with is gone at the end."""
    probe = folder / temporary_name()
    probe.mkdir()
    probe.rmdir()


def temporary_name() -> str:
    """A hidden file name that nobody else uses."""
    return f".{secrets.token_hex(8)}.tmp"


def replace_file(source: Path, target: Path) -> None:
    """Give a finished file its name in the same file system, in place of what has it. Raises OSError."""
    patiently(lambda: os.replace(source, target))


def patiently(action: Callable[[], T]) -> T:
    """Do something with a file; on Windows, which refuses it while another process has the file open, several times.

    Raises what the action raises.
    """
    for _ in range(_BUSY_TRIES if _IS_WINDOWS else 0):
        with suppress(PermissionError):
            return action()
        time.sleep(_BUSY_PAUSE)
    return action()


def _sync_folder(folder: Path) -> None:
    """Make a renaming last. Windows can't, and doesn't need it."""
    if _IS_WINDOWS:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
