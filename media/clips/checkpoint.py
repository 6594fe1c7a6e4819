"""Finished parts of a clip in a folder beside the output, so that work that was cut off goes on where it was."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Collection, Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypedDict, cast

from ...pipeline.errors import ImageError
from ..atomic import hidden_beside, remove, replace_file, write_atomic
from ..files import read_file
from ..ownership import owned, require_unowned
from ..pictures import write_file
from ..sealed import seal, unseal

if TYPE_CHECKING:
    from ...pipeline.clip.notes import NoteState
    from ...pipeline.clip.watching import WatcherState

log = logging.getLogger(__name__)

_OWNER: Final = "clip.json"
_MOST_NOTED: Final = 256 << 20
"""Bytes of a note: what is known of all people of a long scene is a few megabytes."""
_LOCK: Final = "clip"
_BLOCK: Final = 1 << 20


class PartRecord(TypedDict):
    """What is known of a finished part."""

    first_pts: int
    """When its first frame is shown, in the clip's time base."""
    frames: int
    swapped: int
    """Faces swapped in its frames."""


class ResumeState(TypedDict):
    """What the part after a finished one starts from."""

    first: int
    """Its first frame."""
    number: int
    """The frame to read from: those before `first` are observed once more."""
    pts: int
    has_jumped: bool
    """Whether the file's times have jumped before that frame."""
    watcher: WatcherState
    """Before that frame."""


class RunState(TypedDict):
    """How far the work is once a part is finished."""

    next: ResumeState | None
    """None where the clip ends."""
    notes: list[NoteState]
    """About all frames so far."""
    report: list[str]
    """About the scenes, once the clip has ended."""


class _Saved(TypedDict):
    part: PartRecord
    run: RunState
    size: int
    """Of the part's file, in bytes."""
    part_sha256: str


def checkpoint_folder(output: str | os.PathLike[str]) -> Path:
    """Where the finished parts of a clip are until the clip is complete."""
    return hidden_beside(Path(os.path.realpath(output)), ".parts")


@contextmanager
def owned_output(output: Path) -> Generator[None]:
    """Keep other commands from a clip's output and its parts. Raises BusyError, and ImageError where nothing can be
    written there."""
    folder = checkpoint_folder(output)
    with ExitStack() as stack:
        try:
            if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
                remove(folder)
            stack.callback(_drop_empty, folder)
            stack.enter_context(owned(folder / _LOCK, os.fspath(output)))
        except OSError as error:
            raise ImageError(f"{output}: can't be written: {error.strerror or error}") from error
        yield


def require_unowned_output(output: Path) -> None:
    """Raise BusyError where a command is writing the clip just now, before the work. Raises OSError too."""
    require_unowned(checkpoint_folder(output) / _LOCK, os.fspath(output))


class Checkpoint:
    """The parts that are finished, in order. `identity` is what they must have been made from.

    It is for whoever owns the output (`owned_output`): nobody else may change the folder meanwhile.
    """

    def __init__(self, output: Path, identity: str) -> None:
        self.folder = checkpoint_folder(output)
        self._identity = identity
        self.finished: list[PartRecord] = []
        self.run: RunState = _fresh()
        """As the last finished part left it; states of earlier ones aren't kept in memory."""

    @property
    def is_complete(self) -> bool:
        """Whether the clip's last part is finished."""
        return bool(self.finished) and self.run["next"] is None

    def open(self) -> None:
        """Find what is there. Parts of other work are removed; so are those from the first on that isn't as it was
        written, which is warned of. Raises ImageError where the folder can't be made or written to."""
        try:
            if not self._is_own():
                self._keep(())
                self.folder.mkdir(parents=True, exist_ok=True)
                write_atomic(self.folder / _OWNER, self._owner(), durable=True)
            self.finished, self.run = [], _fresh()
            while (saved := self._saved(len(self.finished))) is not None:
                self._add(saved)
            self._clear()
        except OSError as error:
            raise ImageError(f"{self.folder}: can't be written: {error.strerror or error}") from error

    def path(self, number: int | None = None) -> Path:
        """The file of a part; without a number, of the next one."""
        return self.folder / f"{len(self.finished) if number is None else number:06}.mp4"

    @property
    def paths(self) -> list[Path]:
        return [self.path(number) for number in range(len(self.finished))]

    @property
    def unfinished(self) -> Path:
        """Where the next part is written until it is finished."""
        return self.path().with_suffix(".tmp")

    def finish(self, part: PartRecord, run: RunState) -> None:
        """The unfinished part is complete: keep it with what the work goes on from. Both survive a power cut."""
        number = len(self.finished)
        saved: _Saved = {"part": part, "run": run, **_measured(self.unfinished)}
        replace_file(self.unfinished, self.path(), durable=True)
        # The record comes last: a part counts once it has one.
        write_file(self._record(number), seal(saved, self._key(number)))
        self._add(saved)

    def discard(self) -> None:
        """Remove all of it."""
        with suppress(OSError):
            self._keep(())
        _drop_empty(self.folder)

    def drop_unfinished(self) -> None:
        """Remove the unfinished part; the folder too where nothing is finished."""
        with suppress(OSError):
            remove(self.unfinished)
        if not self.finished:
            self.discard()

    def _add(self, saved: _Saved) -> None:
        self.finished.append(saved["part"])
        self.run = saved["run"]

    def _saved(self, number: int) -> _Saved | None:
        """What is known of a finished part; None where there is none, or it isn't as it was written."""
        try:
            saved = cast("_Saved | None", unseal(read_file(self._record(number), _MOST_NOTED), self._key(number)))
            if saved is None:
                return None
            path, size = self.path(number), saved["size"]
            if path.stat().st_size != size or _measured(path)["part_sha256"] != saved["part_sha256"]:
                return None
        except OSError as error:
            log.debug("%s: no finished part: %s", self.path(number), error)
            return None
        return saved

    def _clear(self) -> None:
        """Remove all but the finished parts, whatever it is."""
        kept = [_OWNER, *(path.name for number in range(len(self.finished)) for path in self._files(number))]
        # A stop leaves the next part without its record; another one is damage.
        if any(path.suffix in (".mp4", ".json") and path != self.path() for path in self._others(kept)):
            log.warning("%s: this part or its notes are damaged: made again, with what follows", self.path())
        self._keep(kept)

    def _keep(self, names: Collection[str]) -> None:
        for path in self._others(names):
            remove(path)

    def _others(self, names: Collection[str]) -> list[Path]:
        """What is in the folder, if it is there, beside these names and the lock."""
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return [path for path in found if path.name not in names and not path.name.startswith(f".{_LOCK}.")]

    def _files(self, number: int) -> tuple[Path, Path]:
        return self.path(number), self._record(number)

    def _record(self, number: int) -> Path:
        return self.path(number).with_suffix(".json")

    def _key(self, number: int) -> str:
        return f"{self._identity} {number}"

    def _owner(self) -> bytes:
        return json.dumps({"identity": self._identity}).encode()

    def _is_own(self) -> bool:
        """Whether the folder holds parts of this work."""
        try:
            return read_file(self.folder / _OWNER, _MOST_NOTED) == self._owner()
        except OSError as error:
            log.debug("%s: no parts of this work: %s", self.folder, error)
            return False


def _drop_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _fresh() -> RunState:
    return {"next": None, "notes": [], "report": []}


class _Measured(TypedDict):
    size: int
    part_sha256: str


def _measured(path: Path) -> _Measured:
    """What tells a file from every other. Raises OSError."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return {"size": size, "part_sha256": digest.hexdigest()}
