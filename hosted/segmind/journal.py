"""Requests and results on disk, so that a crash, a cancel or a lost connection never makes anybody pay twice.

Every job has files of its own, named by the hash of what was asked: `.json` says how far it is, `.picture` holds a
result that wasn't delivered yet, `.lock` is held by the thread that submits. No picture that was sent, no setting and
no key is written down.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Literal, get_args

from filelock import FileLock, Timeout

from ...media.atomic import patiently, write_atomic
from .deadline import Clock, Deadline
from .errors import JournalError
from .responses import finite

State = Literal["sending", "submitted", "fetched"]
RESULTS_KEPT: Final = 3600.0
"""Seconds for which the API keeps results."""
_REMEMBERED: Final = 24 * 3600.0
"""Seconds after which a request is forgotten; until then the API is asked, whose clock is the one that counts."""
_UNDELIVERED: Final = 7 * 24 * 3600.0
_SUFFIXES: Final = (".json", ".picture", ".lock")
_LOCK_POLL: Final = 0.05
"""Seconds between looks at a lock that somebody else holds."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """How far a job is."""

    state: State
    """sending: it may have arrived. submitted: it has an id. fetched: its picture is on disk."""
    at: float
    """Seconds since 1970."""
    request_id: str = ""
    status_url: str = ""
    response_url: str = ""
    picture_sha256: str = ""
    inference_seconds: float | None = None
    credits: str | None = None

    def with_info(self, inference_seconds: float | None, credits: str | None) -> JournalEntry:
        """The entry with what the API said about the result."""
        return replace(self, inference_seconds=inference_seconds, credits=credits)


class Journal:
    """The jobs of one folder, which is made when it is first written. Raises JournalError throughout."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self._folder = folder
        self._clock = clock or Clock()

    def read(self, digest: str) -> JournalEntry | None:
        """How far the job is, or None where it is unknown or long over. A damaged entry counts as one in doubt."""
        with _explained(self._folder):
            path = self._path(digest, ".json")
            try:
                entry = _parsed(patiently(path.read_bytes)) or JournalEntry("sending", path.stat().st_mtime)
            except FileNotFoundError:
                return None
        return None if self._is_over(entry) else entry

    def new(self, state: State) -> JournalEntry:
        """An entry with the current time."""
        return JournalEntry(state, self._clock.wall())

    def write(self, digest: str, entry: JournalEntry) -> None:
        """Note how far the job is; on disk when this returns."""
        with _explained(self._folder):
            self._save(self._path(digest, ".json"), json.dumps(asdict(entry)).encode())

    def store(self, digest: str, entry: JournalEntry, picture: bytes) -> JournalEntry:
        """Keep a result until it is delivered; the picture is on disk before the entry says so."""
        with _explained(self._folder):
            self._save(self._path(digest, ".picture"), picture)
        stored = replace(entry, state="fetched", picture_sha256=hashlib.sha256(picture).hexdigest())
        self.write(digest, stored)
        return stored

    def picture(self, digest: str, entry: JournalEntry) -> bytes | None:
        """The result that is kept, or None where it isn't there or isn't whole."""
        with _explained(self._folder):
            try:
                data = patiently(self._path(digest, ".picture").read_bytes)
            except FileNotFoundError:
                return None
        return data if hashlib.sha256(data).hexdigest() == entry.picture_sha256 else None

    def delivered(self, digest: str) -> None:
        """Remove the result; the id stays as long as the API would give the result again."""
        with self._if_free(digest) as free:
            entry = self.read(digest) if free else None
            if entry is None or entry.state != "fetched":
                return
            if entry.request_id:
                self.write(digest, replace(entry, state="submitted", picture_sha256=""))
                self._remove(digest, ".picture")
            else:
                self.forget(digest)

    def forget_request(self, digest: str, request_id: str) -> None:
        """Forget a request that came to nothing, unless another one has taken its place or is about to."""
        with self._if_free(digest) as free:
            entry = self.read(digest) if free else None
            if entry is not None and entry.request_id == request_id:
                self.forget(digest)

    def forget(self, digest: str) -> None:
        """Remove the job; only for the holder of its lock."""
        for suffix in (".json", ".picture"):
            self._remove(digest, suffix)

    @contextmanager
    def lock(self, digest: str, deadline: Deadline) -> Generator[None]:
        """Wait until nobody else submits this job, and keep others from it until the block ends, in whatever thread.

        Raises what Deadline raises.
        """
        while (lock := self._try_lock(digest)) is None:
            deadline.sleep(_LOCK_POLL)
        try:
            yield
        finally:
            self._unlock(digest, lock)

    def is_recent(self, entry: JournalEntry) -> bool:
        """Whether the API may still have the result; also if the clock says that the entry is from the future."""
        return self._clock.wall() - entry.at < RESULTS_KEPT

    def prune(self) -> None:
        """Remove entries that are over, and temporary files that a crash left behind."""
        with _explained(self._folder):
            names = {path.stem for suffix in _SUFFIXES for path in self._folder.glob(f"*{suffix}")}
            for digest in names:
                self._prune(digest)
            for path in self._folder.glob("*.tmp"):
                # Another process may just now give it its name.
                with suppress(FileNotFoundError):
                    if self._clock.wall() - path.stat().st_mtime > _REMEMBERED:
                        path.unlink()

    def _prune(self, digest: str) -> None:
        with self._if_free(digest) as free:
            if free and not self._is_begun(digest) and self.read(digest) is None:
                self.forget(digest)

    def _is_begun(self, digest: str) -> bool:
        """Whether there is a fresh picture without an entry: the thread that stores it writes the entry next."""
        with suppress(FileNotFoundError):
            age = self._clock.wall() - self._path(digest, ".picture").stat().st_mtime
            return age < _REMEMBERED and not self._path(digest, ".json").exists()
        return False

    def _is_over(self, entry: JournalEntry) -> bool:
        kept = _UNDELIVERED if entry.state == "fetched" else _REMEMBERED
        return self._clock.wall() - entry.at > kept

    @contextmanager
    def _if_free(self, digest: str) -> Generator[bool]:
        """Holds the job's lock, if nobody else does: says whether."""
        lock = self._try_lock(digest)
        try:
            yield lock is not None
        finally:
            if lock is not None:
                self._unlock(digest, lock)

    def _try_lock(self, digest: str) -> FileLock | None:
        with _explained(self._folder):
            self._make_folder()
            path = self._path(digest, ".lock")
            # The operating system's own locks: what a killed process held is free at once.
            lock = FileLock(path, mode=0o600, thread_local=False, fallback_to_soft=False)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                return None
            return lock

    def _unlock(self, digest: str, lock: FileLock) -> None:
        # Safe while the lock is held: a lock on a file that is gone doesn't count. A file that stays does no harm, and
        # `prune` tries again. On Windows the release removes it.
        if os.name != "nt":
            with suppress(OSError):
                self._path(digest, ".lock").unlink()
        lock.release()

    def _path(self, digest: str, suffix: str) -> Path:
        return self._folder / f"{digest}{suffix}"

    def _remove(self, digest: str, suffix: str) -> None:
        path = self._path(digest, suffix)
        with _explained(self._folder):
            patiently(lambda: path.unlink(missing_ok=True))

    def _save(self, path: Path, data: bytes) -> None:
        """Write so that after a crash the file is whole: the old one or the new one."""
        self._make_folder()
        write_atomic(path, data, mode=0o600, durable=True)

    def _make_folder(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _parsed(text: bytes) -> JournalEntry | None:
    """An entry as it was written, or None where it isn't one."""
    try:
        values = json.loads(text)
        entry = JournalEntry(**values)
    except (ValueError, TypeError, RecursionError):
        return None
    texts = ("request_id", "status_url", "response_url", "picture_sha256")
    at, seconds = finite(values["at"]), finite(values.get("inference_seconds"))
    valid = values["state"] in get_args(State) and all(isinstance(values.get(name, ""), str) for name in texts)
    if at is None or not valid or (entry.state == "submitted" and not entry.request_id):
        return None
    credits = values.get("credits") if isinstance(values.get("credits"), str) else None
    return replace(entry, at=at, inference_seconds=seconds, credits=credits)


@contextmanager
def _explained(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise JournalError(f"{folder}: {error.strerror or error}") from error
