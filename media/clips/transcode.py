"""A clip from file to file: read, swap and encode as streams, in parts that survive a crash."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from io import BufferedIOBase
from pathlib import Path
from typing import Final, NamedTuple

from ... import __version__
from ...pipeline.clip.flow import ClipFrame, ClipSettings, Engine, SwappedFrame, Watcher, swap_frames
from ...pipeline.clip.notes import ClipPerson, Notes
from ...pipeline.errors import ImageError, SettingsError
from ...pipeline.faces.index_list import Span
from ...pipeline.quotes import named
from ...pipeline.types import Notice, Progress
from .checkpoint import Checkpoint, ResumeState, owned_output
from .copying import Reached
from .encoding import Plan, plan
from .extras import Choice
from .facts import ClipInfo
from .formats import output_format
from .marks import NO_MARKS, Marks
from .mux import Part, mux_parts
from .open_part import OpenPart
from .previews import FrameDone, OnFrame
from .reading import Clip, ResumePoint, decoded_of, picture_of
from .trial import Trial, cut_short

FRAMES_A_PART: Final = 240
"""After a crash at most that many frames are done again."""
_RECORDS: Final = 8
"""Version of the parts' records; parts with records of another one are made again."""


class ClipResult(NamedTuple):
    """What became of a clip."""

    output: Path
    frames: int
    swapped: int
    """Faces swapped in all frames together."""
    encoder: str
    report: tuple[str, ...]
    marks: tuple[str, ...] = ()
    """How the file is marked: XMP, C2PA, tags."""


def swap_file(
    clip: Clip,
    output: str | os.PathLike[str],
    watcher: Watcher,
    engine: Engine,
    settings: ClipSettings,
    *,
    identity: str = "",
    hardware: bool = True,
    resume: bool = True,
    progress: Progress | None = None,
    notice: Notice | None = None,
    on_frame: OnFrame | None = None,
    marks: Callable[[int], Marks] | None = None,
    frames_a_part: int = FRAMES_A_PART,
) -> ClipResult:
    """Swap a clip into the file `output` (.mp4, .mov, .mkv or .webm), which appears complete or not at all.

    Sound, subtitles, times and colours are the target's; a turned clip comes out upright. The parts that are finished
    are in a folder `.NAME.parts` beside the output until the clip is complete: with `resume`, the same work (same file,
    same `identity`, which stands for donors and settings) that was cut off goes on from there and gives the same
    result, and an error or a cancel leaves the folder; without, nothing is left. Parts that are no longer as they were
    written are made again. However it ends, its threads have ended and its files are closed. `progress` and `on_frame`
    are called after every frame, and `notice` before the first with each line on what the output can't hold, which the
    report has too. `marks` says how many faces were swapped and gives what the file is to say of itself. Raises
    ImageError, SettingsError, BusyError where somebody else is writing the output, and whatever the models, `progress`,
    `on_frame` and `marks` raise.
    """
    output = Path(output)
    kind = output_format(output)
    _require_apart(clip, output)
    with owned_output(output):
        info = clip.info()
        chosen = plan(info, kind, hardware)
        choice = Trial(clip, info, chosen, output).run()
        if notice is not None:
            for line in choice.left_out:
                notice(line)
        frames_a_part = max(frames_a_part, settings.reach)
        with _parts(output, _identity(clip, chosen, identity, frames_a_part), resume) as parts:
            run = _Run(clip, info, chosen, parts, watcher, engine, settings, frames_a_part)
            if not parts.is_complete:
                run.encode(progress, on_frame)
            own = marks(run.swapped) if marks else NO_MARKS
            reached = mux_parts(clip, info, chosen, run.parts_to_join(), choice, output, own)
            parts.discard()
        return run.result(output, choice, reached)


@dataclass(slots=True)
class _Run:
    """One go at a clip, from its start or from where another one ended."""

    clip: Clip
    info: ClipInfo
    plan: Plan
    parts: Checkpoint
    watcher: Watcher
    engine: Engine
    settings: ClipSettings
    frames_a_part: int
    notes: Notes = field(default_factory=Notes)
    marks: dict[int, ResumeState] = field(default_factory=dict[int, ResumeState])
    """What a part starts from, by its first frame."""

    def encode(self, progress: Progress | None, on_frame: OnFrame | None) -> None:
        """Make the parts that are missing."""
        first, mark = self._start()
        done, part = first, OpenPart(self.parts, self.plan, self.notes)
        with closing(self._swapped(mark)) as swapped, part:
            for frame in swapped:
                if frame.frame.number < first:
                    continue  # observed once more for what comes after it
                if part.frames == self.frames_a_part:
                    part.finish(self.marks.pop(frame.frame.number))
                part.write(frame)
                self._note(frame)
                done += 1
                if progress is not None:
                    progress(done, max(done, self.info.frames))
                if on_frame is not None:
                    on_frame(self._done(done, frame))
                del frame
            if not done:
                raise ImageError(f"{self.clip.shown_name}: has no frame in the part that is kept")
            part.finish(None, self.watcher.report())

    def _done(self, done: int, swapped: SwappedFrame) -> FrameDone:
        frame = swapped.frame
        decode = partial(picture_of, decoded_of(frame).frame, self.info)
        return FrameDone(done, max(done, self.info.frames), len(swapped.faces), frame.picture, decode)

    def parts_to_join(self) -> list[Part]:
        noted = zip(self.parts.paths, self.parts.finished, strict=True)
        return [Part(path, record["first_pts"]) for path, record in noted]

    @property
    def swapped(self) -> int:
        """Faces, in all frames together."""
        return sum(record["swapped"] for record in self.parts.finished)

    def result(self, output: Path, choice: Choice, reached: Reached) -> ClipResult:
        finished, run = self.parts.finished, self.parts.run
        frames = sum(record["frames"] for record in finished)
        left_out = (*choice.left_out, *cut_short(self.clip, self.info, frames, reached))
        return ClipResult(
            output,
            frames,
            self.swapped,
            self.plan.encoder,
            (*run["report"], *Notes(run["notes"]).lines(), *left_out),
        )

    def _start(self) -> tuple[int, ResumePoint | None]:
        """The first frame that is missing, and the one to read from."""
        state = self.parts.run["next"]
        if state is None:
            return 0, None
        self.watcher.restore(state["watcher"])
        self.notes = Notes(self.parts.run["notes"])
        return state["first"], ResumePoint(state["number"], state["pts"], state["has_jumped"])

    def _swapped(self, mark: ResumePoint | None) -> Generator[SwappedFrame]:
        frames = self.clip.frames(self.info, mark)
        with closing(
            swap_frames(frames, self.watcher, self.engine, self.settings, before_observe=self._remember)
        ) as swapped:
            yield from swapped

    def _remember(self, frame: ClipFrame) -> None:
        first = frame.number + self.settings.reach
        if first % self.frames_a_part == 0:
            decoded, watcher = decoded_of(frame), self.watcher.as_json()
            self.marks[first] = {
                "first": first,
                "number": frame.number,
                "pts": decoded.pts,
                "has_jumped": decoded.has_jumped,
                "watcher": watcher,
            }

    def _note(self, frame: SwappedFrame) -> None:
        number = frame.frame.number
        for note in decoded_of(frame.frame).notes:
            self.notes.add(note, Span(number, number))
        for scene, person, note in frame.notes:
            self.notes.add(note, Span(number, number), ClipPerson(scene, person) if self.settings.track else None)


@contextmanager
def _parts(output: Path, identity: str, resume: bool) -> Generator[Checkpoint]:
    parts = Checkpoint(output, identity)
    if not resume:
        parts.discard()
    parts.open()
    try:
        yield parts
    finally:
        if not resume:
            parts.discard()


def _require_apart(clip: Clip, output: Path) -> None:
    if not isinstance(clip.source, BufferedIOBase):
        with suppress(OSError):
            if os.path.samefile(clip.source, output):
                raise SettingsError(f"{named(output)}: is the target itself: choose another output")


def _identity(clip: Clip, chosen: Plan, identity: str, frames_a_part: int) -> str:
    """A digest of all that the result depends on."""
    source: list[str | int] = []
    if not isinstance(clip.source, BufferedIOBase):
        with suppress(OSError):
            status = os.stat(clip.source)
            source = [os.path.realpath(clip.source), status.st_size, status.st_mtime_ns]
    info = [
        __version__,
        _RECORDS,
        source,
        str(clip.start),
        str(clip.duration),
        chosen.identity,
        identity,
        frames_a_part,
    ]
    return hashlib.sha256(json.dumps(info).encode()).hexdigest()
