"""One command at a time for one output: the second is told who is at it, and touches nothing.

The locks are the operating system's own, on hidden files: what a killed process held is free at once.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import socket
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from filelock import FileLock, Timeout

from ..pipeline.errors import BusyError
from .atomic import hidden_beside, remove, write_atomic

log = logging.getLogger(__name__)

_NO_LOCKS: Final = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)
"""What file systems answer that have no locks."""
_SETTLED: Final = 0.1
"""Seconds in which whoever has just taken a lock has written down who it is."""
_LONGEST_HOST: Final = 64


class Owner(NamedTuple):
    """Who is writing something."""

    pid: int
    host: str
    since: float
    """Seconds since 1970."""

    def __str__(self) -> str:
        here = socket.gethostname()
        if (self.pid, self.host) == (os.getpid(), here):
            who = "this process"
        else:
            who = f"process {self.pid}" + ("" if self.host == here else f" on {self.host[:_LONGEST_HOST]}")
        return f"{who} since {datetime.fromtimestamp(self.since):%Y-%m-%d %H:%M:%S}"


@contextmanager
def owned(path: str | os.PathLike[str], shown: str = "") -> Generator[None]:
    """Keep other commands, and other threads, from what is written at `path` until the block ends.

    `shown` is what messages call it, else the path itself. Links are followed; folders that are missing are made, and
    go again if they are empty at the end. A file system without locks is warned of, and nothing is kept from it.
    Raises BusyError where somebody else is at it, OSError where nothing can be written there.
    """
    place = Path(os.path.realpath(path))
    with _folder(place.parent), _locked(place, shown or os.fspath(path)):
        yield


def require_unowned(path: str | os.PathLike[str], shown: str = "") -> None:
    """Raise BusyError where a command is at `path` just now: before the work that leads there. Raises OSError too."""
    if hidden_beside(Path(os.path.realpath(path)), ".lock").exists():
        with owned(path, shown):
            pass


@contextmanager
def _locked(place: Path, shown: str) -> Generator[None]:
    file, note = hidden_beside(place, ".lock"), hidden_beside(place, ".owner")
    for path in (file, note):
        if path.is_symlink() or (path.exists() and not path.is_file()):
            remove(path)  # nobody holds what is no file
    # Open to everybody: it is empty, and one that a killed process left must not keep other users away.
    lock = FileLock(file, mode=0o666, thread_local=False, fallback_to_soft=False)
    try:
        if _take(lock, place, shown, note):
            owner = Owner(os.getpid(), socket.gethostname(), time.time())
            write_atomic(note, json.dumps(owner._asdict()).encode())
        yield
    finally:
        if lock.is_locked:
            with suppress(OSError):
                note.unlink()
            # Safe while the lock is held: a lock on a file that is gone doesn't count. On Windows the release does it.
            if os.name != "nt":
                with suppress(OSError):
                    file.unlink()
            lock.release()


def _take(lock: FileLock, place: Path, shown: str, note: Path) -> bool:
    """Whether there is a lock now; without one the file system has none."""
    try:
        try:
            lock.acquire(blocking=False)
        except FileNotFoundError:
            # Whoever had it last has just removed the empty folder.
            place.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(blocking=False)
    except Timeout as error:
        time.sleep(_SETTLED)
        who = _read(note) or "another process"
        raise BusyError(f"{shown}: is being written by {who}: try again when that has ended") from error
    except (OSError, NotImplementedError) as error:
        if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
            raise
        log.warning("%s: its file system has no locks: let no other command write %s", place.parent, place.name)
        with suppress(OSError):
            hidden_beside(place, ".lock").unlink()
        return False
    return True


def _read(note: Path) -> str:
    """Who is at it, in words; nothing where that can't be read."""
    try:
        match json.loads(note.read_bytes()):
            case {"pid": int(pid), "host": str(host), "since": int(since) | float(since)}:
                return str(Owner(pid, host, since))
            case _:
                return ""
    except (OSError, ValueError, OverflowError, RecursionError) as error:
        log.debug("%s: can't be read: %s", note, error)
        return ""


@contextmanager
def _folder(folder: Path) -> Generator[None]:
    """A folder that is there for as long as the block lasts, and longer if something is in it."""
    missing = [one for one in (folder, *folder.parents) if not os.path.lexists(one)]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):
            for one in missing:
                one.rmdir()
