"""Requests and results on disk, so that a crash, a cancel or a lost connection never makes anybody pay twice.

Every job has files of its own, named by the hash of what was asked: `.json` says how far it is, `.picture` holds what
came until it is delivered and the hour is over, `.lock` is held by the thread that submits. No picture that was sent,
no setting and no key is written down.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from .deadline import Clock, Deadline
from .entries import JournalEntry, State, read_entry
from .errors import JournalError
from .journal_files import JournalFiles, contents, explained

RESULTS_KEPT: Final = 3600.0
"""Seconds for which the API keeps results, and the journal those that were delivered."""
_REMEMBERED: Final = 7 * 24 * 3600.0
"""Seconds after which a job is forgotten; until then the API is asked, whose clock is the one that counts."""
_UNFINISHED: Final = 24 * 3600.0
"""Seconds after which a crash, and not a writer, explains a file that isn't in use."""
_KEPT_BYTES: Final = 1 << 30
"""Of results altogether; beyond it the oldest delivered ones go."""
_LONGEST_ENTRY: Final = 64 << 20
"""Bytes. The API's answers, which entries quote, are far shorter."""
_SUFFIXES: Final = (".json", ".picture", ".lock")
_LOCK_POLL: Final = 0.05
"""Seconds between looks at a lock that somebody else holds."""


class Journal:
    """The jobs of one folder, which is made when it is first written. Raises JournalError throughout."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self._files = JournalFiles(folder)
        self._clock = clock or Clock()

    def read(self, digest: str) -> JournalEntry | None:
        """How far the job is, or None where it is unknown or long over. What can't be read counts as in doubt."""
        path = self._files.path(digest, ".json")
        with explained(path):
            try:
                written = path.stat().st_mtime
                entry = read_entry(contents(path, _LONGEST_ENTRY) or b"", written, self._clock.wall())
            except FileNotFoundError:
                return None
        return None if self._is_over(entry) else entry

    def new(self, state: State) -> JournalEntry:
        """An entry with the current time."""
        return JournalEntry(state, self._clock.wall())

    def write(self, digest: str, entry: JournalEntry) -> None:
        """Note how far the job is; on disk when this returns."""
        self._files.save(self._files.path(digest, ".json"), json.dumps(asdict(entry)).encode())

    def begin(self, digest: str) -> None:
        """Note that a request may be on its way from here on."""
        self._files.remove(self.place(digest))
        self.write(digest, self.new("sending"))

    def store(self, digest: str, entry: JournalEntry, picture: bytes) -> JournalEntry:
        """Keep what came: whenever the process ends, either it or what was kept before is there and counts."""
        if entry.picture_sha256:
            self.write(digest, replace(entry, picture_sha256=""))
        self._files.save(self.place(digest), picture)
        stored = replace(entry, state="fetched", picture_sha256=hashlib.sha256(picture).hexdigest())
        self.write(digest, stored)
        return stored

    def place(self, digest: str) -> Path:
        """The file that holds what came."""
        return self._files.path(digest, ".picture")

    def picture(self, digest: str, entry: JournalEntry) -> bytes | None:
        """What came, or None where it isn't there any more, can't be read or isn't whole.

        An entry that knows no hash hasn't been told yet of what lies beside it.
        """
        if entry.state == "delivered" and not self.is_recent(entry):
            return None
        try:
            data = contents(self.place(digest), _KEPT_BYTES)
        except OSError:
            return None
        expected = entry.picture_sha256
        return data if data and (not expected or hashlib.sha256(data).hexdigest() == expected) else None

    def delivered(self, digest: str) -> None:
        """Say that the result is safe: it is kept for the rest of the hour, as far as there is room."""
        with self._if_free(digest) as free:
            entry = self.read(digest) if free else None
            if entry is None or entry.state != "fetched":
                return
            self.write(digest, replace(entry, state="delivered"))
        self._make_room()

    def forget_request(self, digest: str, request_id: str) -> None:
        """Forget a request that came to nothing, unless another one has taken its place or is about to."""
        with self._if_free(digest) as free:
            entry = self.read(digest) if free else None
            if entry is not None and entry.request_id == request_id:
                self.forget(digest)

    def forget(self, digest: str) -> None:
        """Remove the job; only for the holder of its lock."""
        for suffix in (".json", ".picture"):
            self._files.remove(self._files.path(digest, suffix))

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
        """Remove what is over, and temporary files that a crash left behind. What can't be removed is passed over."""
        names = {file.path.stem for suffix in _SUFFIXES for file in self._files.listed(suffix)}
        for digest in names:
            with suppress(JournalError):
                # Looked at without its lock first, which takes far longer.
                if self._is_due(digest):
                    self._prune(digest)
        for file in self._files.listed(".tmp"):
            if self._clock.wall() - file.written > _UNFINISHED:
                with suppress(JournalError):
                    self._files.remove(file.path)

    def _prune(self, digest: str) -> None:
        with self._if_free(digest) as free:
            if not free or self._is_begun(digest):
                return
            if self.read(digest) is None:
                self.forget(digest)
            elif self._is_due(digest):
                self._files.remove(self.place(digest))

    def _is_due(self, digest: str) -> bool:
        """Whether the job is over, or its picture was delivered and the hour is over."""
        entry = self.read(digest)
        return entry is None or (entry.state == "delivered" and not self.is_recent(entry))

    def _make_room(self) -> None:
        """Remove the oldest delivered results where there are too many bytes of results."""
        total = 0
        for file in sorted(self._files.listed(".picture"), reverse=True):
            total += file.size
            if total > _KEPT_BYTES:
                with suppress(JournalError):
                    self._let_go(file.path.stem)

    def _let_go(self, digest: str) -> None:
        with self._if_free(digest) as free:
            entry = self.read(digest) if free else None
            if entry is not None and entry.state == "delivered":
                self._files.remove(self.place(digest))

    def _is_begun(self, digest: str) -> bool:
        """Whether there is a fresh picture without an entry: the thread that stores it writes the entry next."""
        with suppress(OSError):
            age = self._clock.wall() - self.place(digest).stat().st_mtime
            return age < _UNFINISHED and not self._files.path(digest, ".json").exists()
        return False

    def _is_over(self, entry: JournalEntry) -> bool:
        # Without an id there is nobody to ask once the hour is over.
        is_done = entry.state == "delivered" and not entry.request_id
        return self._clock.wall() - entry.at > (RESULTS_KEPT if is_done else _REMEMBERED)

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
        path = self._files.path(digest, ".lock")
        with explained(path):
            self._files.make_folder()
            # The operating system's own locks: what a killed process held is free at once.
            lock = FileLock(path, mode=0o600, thread_local=False, fallback_to_soft=False)
            try:
                lock.acquire(blocking=False)
            except Timeout:
                return None
            except NotImplementedError as error:
                raise JournalError(f"{path}: its file system has no locks") from error
            return lock

    def _unlock(self, digest: str, lock: FileLock) -> None:
        # Safe while the lock is held: a lock on a file that is gone doesn't count. A file that stays does no harm, and
        # `prune` tries again. On Windows the release removes it.
        if os.name != "nt":
            with suppress(OSError):
                self._files.path(digest, ".lock").unlink()
        lock.release()
