"""A lock that holds for all threads and processes of this machine, and goes with the process that held it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: int) -> bool:
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class FileLock:
    """A lock that is held. Any thread may release it."""

    def __init__(self, file: int, path: Path) -> None:
        self._file = file
        self._path = path

    def release(self) -> None:
        """Let others in. Whoever has the file open by then finds that it is gone, and makes a new one."""
        # Windows removes no open file: it is closed first, and stays where somebody else has opened it meanwhile.
        if sys.platform == "win32":
            os.close(self._file)
            self._remove()
        else:
            self._remove()
            os.close(self._file)

    def _remove(self) -> None:
        with suppress(OSError):
            self._path.unlink()


def try_lock(path: Path) -> FileLock | None:
    """The lock of a file, which is made if need be; None while somebody else holds it. Raises OSError."""
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except PermissionError:
        # Windows says so for the moment in which whoever held it removes the file.
        if sys.platform == "win32":
            return None
        raise
    if _try_lock(file) and _is_current(file, path):
        return FileLock(file, path)
    os.close(file)
    return None


def _is_current(file: int, path: Path) -> bool:
    """Whether the locked file is still the one under that name: who held it before may have removed it."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
