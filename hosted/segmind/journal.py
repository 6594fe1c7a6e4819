"""Requests and results on disk, so that a crash, a cancel or a lost connection makes nobody pay twice.

Every job has files of its own, named by the hash of what was asked: `.json` says how far it is, `.picture` holds a
result that wasn't delivered yet, `.lock` is held by the one who submits. No picture that was sent, no setting and no
key is written down.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args

from .errors import JournalError
from .locks import FileLock, try_lock
from .waiting import Clock, Watch

T = TypeVar("T")
State = Literal["sending", "submitted", "fetched"]
RESULTS_KEPT: Final = 3600.0
"""Seconds for which the API keeps results."""
_REMEMBERED: Final = 24 * 3600.0
"""Seconds after which a request is forgotten unasked; before, the API is asked, whose clock is the one that counts."""
_UNDELIVERED: Final = 7 * 24 * 3600.0
_SUFFIXES: Final = (".json", ".picture", ".lock")
_BUSY_TRIES: Final = 20
_BUSY_PAUSE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Entry:
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

    def with_facts(self, inference_seconds: float | None, credits: str | None) -> Entry:
        """The entry with what the API said about the result."""
        return replace(self, inference_seconds=inference_seconds, credits=credits)


class Journal:
    """The jobs of one folder, which is made when it is first written. Raises JournalError throughout."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self._folder = folder
        self._clock = clock or Clock()

    def read(self, digest: str) -> Entry | None:
        """How far the job is, or None where it is unknown or long over. A damaged entry counts as one in doubt."""
        with _explained(self._folder):
            path = self._path(digest, ".json")
            try:
                entry = _parsed(_patiently(path.read_bytes)) or Entry("sending", path.stat().st_mtime)
            except FileNotFoundError:
                return None
        return None if self._is_over(entry) else entry

    def new(self, state: State, **values: Any) -> Entry:
        """An entry of this moment."""
        return Entry(state, self._clock.wall(), **values)

    def write(self, digest: str, entry: Entry) -> None:
        """Note how far the job is; on disk when this returns."""
        with _explained(self._folder):
            self._replace(self._path(digest, ".json"), json.dumps(asdict(entry)).encode())

    def store(self, digest: str, entry: Entry, picture: bytes) -> Entry:
        """Keep a result until it is delivered; the picture is on disk before the entry says so."""
        with _explained(self._folder):
            self._replace(self._path(digest, ".picture"), picture)
        stored = replace(entry, state="fetched", picture_sha256=hashlib.sha256(picture).hexdigest())
        self.write(digest, stored)
        return stored

    def picture(self, digest: str, entry: Entry) -> bytes | None:
        """The result that is kept, or None where it isn't there or isn't whole."""
        with _explained(self._folder):
            try:
                data = _patiently(self._path(digest, ".picture").read_bytes)
            except FileNotFoundError:
                return None
        return data if hashlib.sha256(data).hexdigest() == entry.picture_sha256 else None

    def delivered(self, digest: str) -> None:
        """Let go of the result; the id stays as long as the API would give the result again."""
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
        """Let go of a request that came to nothing, unless another one has taken its place or is about to."""
        with self._if_free(digest) as free:
            entry = self.read(digest) if free else None
            if entry is not None and entry.request_id == request_id:
                self.forget(digest)

    def forget(self, digest: str) -> None:
        """Let go of the job; for who holds its lock."""
        for suffix in (".json", ".picture"):
            self._remove(digest, suffix)

    def lock(self, digest: str, watch: Watch) -> FileLock:
        """Wait until nobody else submits this job, and keep others from it. Raises what Watch raises."""
        while (lock := self._try_lock(digest)) is None:
            watch.sleep(0.05)
        return lock

    def is_recent(self, entry: Entry) -> bool:
        """Whether the API may still have the result; also where the clock says that the entry is yet to come."""
        return self._clock.wall() - entry.at < RESULTS_KEPT

    def prune(self) -> None:
        """Remove what is over, and temporary files that a crash left behind."""
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
        """Whether there is a fresh picture without an entry: whoever stores it writes the entry next."""
        with suppress(FileNotFoundError):
            age = self._clock.wall() - self._path(digest, ".picture").stat().st_mtime
            return age < _REMEMBERED and not self._path(digest, ".json").exists()
        return False

    def _is_over(self, entry: Entry) -> bool:
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
                lock.release()

    def _try_lock(self, digest: str) -> FileLock | None:
        with _explained(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return try_lock(self._path(digest, ".lock"))

    def _path(self, digest: str, suffix: str) -> Path:
        return self._folder / f"{digest}{suffix}"

    def _remove(self, digest: str, suffix: str) -> None:
        path = self._path(digest, suffix)
        with _explained(self._folder):
            _patiently(lambda: path.unlink(missing_ok=True))

    def _replace(self, path: Path, data: bytes) -> None:
        """Write so that after a crash the file is whole: the old one or the new one."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_suffix(f".{secrets.token_hex(6)}.tmp")
        try:
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _patiently(lambda: os.replace(temporary, path))
            _sync_folder(self._folder)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()


_BINARY: Final = getattr(os, "O_BINARY", 0)


def _sync_folder(folder: Path) -> None:
    """Make a renaming last. Windows can't, and needs it not."""
    if os.name == "nt":
        return
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _patiently(action: Callable[[], T]) -> T:
    """Windows refuses to open or replace a file for the moment in which another process does."""
    for _ in range(_BUSY_TRIES if os.name == "nt" else 0):
        with suppress(PermissionError):
            return action()
        time.sleep(_BUSY_PAUSE)
    return action()


def _parsed(text: bytes) -> Entry | None:
    """An entry as it was written, or None where it isn't one."""
    try:
        values = json.loads(text)
        entry = Entry(**values)
    except (ValueError, TypeError):
        return None
    texts = ("request_id", "status_url", "response_url", "picture_sha256")
    sound = values["state"] in get_args(State) and isinstance(values["at"], (int, float))
    sound = sound and all(isinstance(values.get(name, ""), str) for name in texts)
    return entry if sound and (entry.state != "submitted" or entry.request_id) else None


@contextmanager
def _explained(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise JournalError(f"{folder}: {error.strerror or error}") from error
