"""Finished parts of a clip in a folder beside the output, so that work that was cut off goes on where it was."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ...pipeline.errors import ImageError
from ..atomic import replace_file
from ..pictures import write_file

_FACTS: Final = "clip.json"


def checkpoint_folder(output: str | os.PathLike[str]) -> Path:
    """Where the finished parts of a clip lie until the clip is."""
    place = Path(os.path.realpath(output))
    return place.with_name(f".{place.name}.parts")


class Checkpoint:
    """The parts that are finished, in order. `identity` is what they must have been made from."""

    def __init__(self, output: Path, identity: str) -> None:
        self.folder = checkpoint_folder(output)
        self._identity = identity
        self.finished: list[dict[str, Any]] = []
        """What was noted about each finished part."""

    def open(self) -> None:
        """Find what is there. Parts of other work are removed. Raises ImageError where the folder can't be made."""
        try:
            if self._read(self.folder / _FACTS) != {"identity": self._identity}:
                self.discard()
                self.folder.mkdir(parents=True)
                write_file(self.folder / _FACTS, json.dumps({"identity": self._identity}).encode())
        except OSError as error:
            raise ImageError(f"{self.folder}: can't be written: {error.strerror or error}") from error
        self.finished = []
        while (record := self._read(self._notes(len(self.finished)))) is not None and self.path().is_file():
            self.finished.append(record)
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

    def finish(self, record: dict[str, Any]) -> None:
        """The unfinished part is complete. `record`, of plain values, are noted with it."""
        replace_file(self.unfinished, self.path())
        # Notes come last: a part counts once it has them.
        write_file(self._notes(len(self.finished)), json.dumps(record).encode())
        self.finished.append(record)

    def discard(self) -> None:
        """Remove all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def drop_unfinished(self) -> None:
        """Remove the unfinished part; the folder too where nothing is finished."""
        with suppress(OSError):
            self.unfinished.unlink()
        if not self.finished:
            self.discard()

    def _notes(self, number: int) -> Path:
        return self.path(number).with_suffix(".json")

    @staticmethod
    def _read(path: Path) -> Any:
        try:
            return json.loads(path.read_bytes())
        except (OSError, ValueError):
            return None
