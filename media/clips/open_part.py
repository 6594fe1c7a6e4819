"""The part of a clip that is being written."""

from __future__ import annotations

from collections.abc import Sequence

from ...pipeline.clip.flow import SwappedFrame
from ...pipeline.clip.notes import Notes
from .checkpoint import Checkpoint, ResumeState
from .encoding import PartWriter, Plan
from .reading import decoded_of


class OpenPart:
    """Opened with its first frame; one that isn't finished is removed where the block ends."""

    def __init__(self, parts: Checkpoint, chosen: Plan, notes: Notes) -> None:
        self._parts, self._plan, self._notes = parts, chosen, notes
        self._writer: PartWriter | None = None
        self._first_pts = 0
        self.frames = 0
        self._swapped = 0

    def write(self, done: SwappedFrame) -> None:
        if self._writer is None:
            self._first_pts = decoded_of(done.frame).pts
            self._writer = PartWriter(self._parts.unfinished, self._plan, self._first_pts)
            self._writer.open()
        self._writer.write(done)
        self.frames += 1
        self._swapped += len(done.faces)

    def finish(self, following: ResumeState | None, report: Sequence[str] = ()) -> None:
        """The part is complete; `following` is what the next one starts from, None where the clip ends."""
        if self._writer is None:
            return
        self._writer.close()
        self._parts.finish(
            {"first_pts": self._first_pts, "frames": self.frames, "swapped": self._swapped},
            {"next": following, "notes": self._notes.as_json(), "report": list(report)},
        )
        self._writer, self.frames, self._swapped = None, 0, 0

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_error: object) -> None:
        if self._writer is not None:
            self._writer.abandon()
        self._parts.drop_unfinished()
