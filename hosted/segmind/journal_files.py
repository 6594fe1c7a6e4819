"""The journal's files: each whole or absent, for their owner alone, whatever else lies in the folder."""

from __future__ import annotations

import re
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from ...media.atomic import TEMPORARY_NAME, patiently, write_atomic
from .errors import JournalError

_OWN_NAME: Final = re.compile(r"[0-9a-f]{64}\.(json|picture|lock)|" + TEMPORARY_NAME)
"""Nothing else in the folder is ours to remove."""


class StoredFile(NamedTuple):
    """A file as it lies there."""

    written: float
    """Seconds since 1970."""
    size: int
    path: Path


class JournalFiles:
    """The files of one folder, which is made when it is first written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, digest: str, suffix: str) -> Path:
        return self._folder / f"{digest}{suffix}"

    def make_folder(self) -> None:
        """Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def save(self, path: Path, data: bytes) -> None:
        """Write so that after a crash the file is whole: the old one or the new one. Raises JournalError."""
        with explained(path):
            self.make_folder()
            write_atomic(path, data, mode=0o600, durable=True)

    def remove(self, path: Path) -> None:
        """Remove a file if it is there. Raises JournalError."""
        with explained(path):
            patiently(lambda: path.unlink(missing_ok=True))

    def listed(self, suffix: str) -> Iterator[StoredFile]:
        """The journal's own files that end so; nothing where the folder can't be looked at."""
        with suppress(OSError):
            for path in list(self._folder.iterdir()):
                # Another process may have removed it just now.
                with suppress(OSError):
                    if path.suffix == suffix and _OWN_NAME.fullmatch(path.name):
                        status = path.lstat()
                        yield StoredFile(status.st_mtime, status.st_size, path)


def contents(path: Path, limit: int) -> bytes | None:
    """A file's bytes; None where it is something else than a file, has more bytes than `limit`, or may not be read.

    Raises OSError.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
        return None
    try:
        return patiently(path.read_bytes)
    except PermissionError:
        return None


@contextmanager
def explained(path: Path) -> Generator[None]:
    """Turns OSError into JournalError."""
    try:
        yield
    except OSError as error:
        raise JournalError(f"{path}: {error.strerror or error}") from error
