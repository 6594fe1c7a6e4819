"""Finished parts of a clip in a folder beside the output, so that work that was cut off goes on where it was."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final, TypedDict, cast

from ...pipeline.clip.notes import NoteState
from ...pipeline.clip.watching import WatcherState
from ...pipeline.errors import ImageError
from ..atomic import replace_file
from ..pictures import write_file

_OWNER: Final = "clip.json"
_LONGEST: Final = 255
"""Bytes in a name, in the usual file systems."""


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


def checkpoint_folder(output: str | os.PathLike[str]) -> Path:
    """Where the finished parts of a clip are until the clip is complete."""
    place = Path(os.path.realpath(output))
    name = f".{place.name}.parts"
    if len(os.fsencode(name)) > _LONGEST:
        name = f".{hashlib.sha256(os.fsencode(place.name)).hexdigest()[:32]}.parts"
    return place.with_name(name)


class Checkpoint:
    """The parts that are finished, in order. `identity` is what they must have been made from."""

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
        """Find what is there. Parts of other work are removed. Raises ImageError where the folder can't be made."""
        try:
            if _read(self.folder / _OWNER) != {"identity": self._identity}:
                self.discard()
                self.folder.mkdir(parents=True)
                write_file(self.folder / _OWNER, json.dumps({"identity": self._identity}).encode())
        except OSError as error:
            raise ImageError(f"{self.folder}: can't be written: {error.strerror or error}") from error
        self.finished, self.run = [], _fresh()
        while (saved := _read(self._record(len(self.finished)))) is not None and self.path().is_file():
            self._add(cast(_Saved, saved))
        for stray in self.folder.glob("*.tmp"):
            stray.unlink()

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
        """The unfinished part is complete: keep it with what the work goes on from."""
        saved: _Saved = {"part": part, "run": run}
        replace_file(self.unfinished, self.path())
        # The record comes last: a part counts once it has one.
        write_file(self._record(len(self.finished)), json.dumps(saved).encode())
        self._add(saved)

    def discard(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def drop_unfinished(self) -> None:
        """Remove the unfinished part; the folder too where nothing is finished."""
        with suppress(OSError):
            self.unfinished.unlink()
        if not self.finished:
            self.discard()

    def _add(self, saved: _Saved) -> None:
        self.finished.append(saved["part"])
        self.run = saved["run"]

    def _record(self, number: int) -> Path:
        return self.path(number).with_suffix(".json")


def _fresh() -> RunState:
    return {"next": None, "notes": [], "report": []}


def _read(path: Path) -> object:
    """What a JSON file holds; None where it can't be read."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
