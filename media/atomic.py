"""Files that appear complete or not at all: written under a temporary name in the same folder, then renamed.

The only module that renames files.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
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
_NO_SYNC: Final = (errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.EBADF)
"""What file systems answer that can't be asked to write a folder down, and folders that may not be read."""
TEMPORARY_NAME: Final = r"\.[0-9a-f]{16}\.tmp"
"""What every `temporary_name` matches."""
_LONGEST: Final = 255
"""Bytes in a name, in the usual file systems."""


def write_atomic(path: str | os.PathLike[str], data: bytes, *, mode: int = 0o666, durable: bool = False) -> None:
    """Write a file. `mode` are its permissions before the umask; `durable`: it survives a power cut from here on.

    Links are followed, missing folders are made. Raises OSError, which leaves what was there before.
    """
    with (
        atomic_path(path, durable=durable) as temporary,
        open(os.open(temporary, _NEW_FILE, mode), "wb") as file,
    ):
        file.write(data)


@contextmanager
def atomic_path(path: str | os.PathLike[str], *, durable: bool = False, within: Path | None = None) -> Generator[Path]:
    """Hand out a path to write to; the file there becomes `path` when the block ends, and is removed if it raises.

    `durable`: from then on it survives a power cut. `within` is a folder of the same file system to write it in, where
    it isn't to be that of `path`. Links are followed, missing folders are made. Raises OSError;
    FileExistsError where `path` isn't a regular file.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        raise FileExistsError(errno.EEXIST, "it exists and is not a regular file", os.fspath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = (within or target.parent) / temporary_name()
    try:
        yield temporary
        replace_file(temporary, target, durable=durable)
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


def hidden_beside(path: Path, suffix: str) -> Path:
    """`.NAME` with the suffix, in the folder of `path`; a digest stands for a name that leaves no room for it."""
    name = f".{path.name}{suffix}"
    if len(os.fsencode(name)) > _LONGEST:
        name = f".{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:32]}{suffix}"
    return path.with_name(name)


def replace_file(source: Path, target: Path, *, durable: bool = False) -> None:
    """Give a finished file its name in the same file system, in place of what has it. Raises OSError.

    `durable`: its contents are on disk before it has the name, and the name is when this returns.
    """
    if durable:
        _sync(source)
    patiently(lambda: os.replace(source, target))
    if durable:
        _sync_folder(target.parent)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it, if it is there. Raises OSError."""
    if path.is_dir() and not path.is_symlink():
        patiently(lambda: shutil.rmtree(path))
    else:
        patiently(lambda: path.unlink(missing_ok=True))


def patiently(action: Callable[[], T]) -> T:
    """Do something with a file; on Windows, which refuses it while another process has the file open, several times.

    Raises what the action raises.
    """
    for _ in range(_BUSY_TRIES if _IS_WINDOWS else 0):
        with suppress(PermissionError):
            return action()
        time.sleep(_BUSY_PAUSE)
    try:
        return action()
    except PermissionError as error:
        if not _IS_WINDOWS:
            raise
        reason = f"{error.strerror or 'Access is denied'}: it is write-protected, or another program has it open"
        raise PermissionError(error.errno, reason, error.filename) from error


def _sync(path: Path) -> None:
    """Have a file's contents written to the disk."""
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make a renaming last, where the file system can be asked to. Windows can't, and doesn't need it."""
    if _IS_WINDOWS:
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
