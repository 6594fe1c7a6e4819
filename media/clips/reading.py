"""A clip's frames as a stream, upright, with their times."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from io import BufferedIOBase
from math import ceil
from typing import TYPE_CHECKING, NamedTuple

from ...pipeline.clip.flow import ClipFrame
from ...pipeline.errors import ImageError
from ...pipeline.quotes import named
from ...pipeline.types import Picture, Size
from ..limits import require_pixels
from .decoding import RawFrame, raw_frames
from .facts import ClipInfo, info_of
from .film import film_of, is_known, start_of
from .formats import DECODER_OPTIONS, open_clip, read_errors
from .timeline import Timeline, may_jump
from .upright import Upright, upright

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

_EARLIER = (0, 1, 4, 16)
"""Seconds before a time that are tried until the frame at that time can be decoded."""
STEP = Fraction(1, 25)
"""Seconds a frame takes where nothing says it."""


class DecodedFrame(NamedTuple):
    """A decoded frame, upright, and when it is shown."""

    frame: VideoFrame
    """PyAV's."""
    pts: int
    """In the clip's time base, counted from where the clip, as it was asked for, starts."""
    duration: int
    """The same unit; 0 where the file doesn't say."""
    has_jumped: bool
    """Whether the file's times have jumped before it."""
    notes: tuple[str, ...]
    """What there is to say of it."""


class ResumePoint(NamedTuple):
    """A frame to start from."""

    number: int
    pts: int
    has_jumped: bool
    """As its `DecodedFrame` says."""


def decoded_of(frame: ClipFrame) -> DecodedFrame:
    """What `Clip.frames` gave the frame to carry along. Raises TypeError for a frame from elsewhere."""
    if not isinstance(frame.decoded, DecodedFrame):
        raise TypeError(f"frame {frame.number}: expected a frame of Clip.frames, got one with {type(frame.decoded)}")
    return frame.decoded


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip in a file, or in a seekable stream of bytes; `start` and `duration` in seconds keep a part of it.

    Times count from where the film or its sound starts, whatever number the file gives that moment.
    """

    source: str | os.PathLike[str] | BufferedIOBase
    start: Fraction | float = 0.0
    duration: Fraction | float | None = None
    """None: to the end."""

    @property
    def name(self) -> str:
        return os.fspath(self.source) if isinstance(self.source, str | os.PathLike) else "the clip"

    @property
    def shown_name(self) -> str:
        """As messages show it."""
        return named(self.name)

    @contextmanager
    def opened(self) -> Generator[tuple[InputContainer, VideoStream]]:
        """The container and its film. PyAV's errors, here or in the block, become an ImageError, and so does a film of
        more than 100 megapixels."""
        with read_errors(self.name), open_clip(self.source) as container:
            film = film_of(container)
            if film is None:
                raise ImageError(self._without_film(container))
            require_pixels(Size(film.codec_context.width, film.codec_context.height), self.shown_name)
            film.codec_context.options = dict(DECODER_OPTIONS)
            film.thread_type = "AUTO"
            yield container, film

    def info(self) -> ClipInfo:
        """Reads as much as the first frame. Raises ImageError."""
        with self.opened() as (container, film):
            line = self.timeline(container, film, STEP)
            with closing(raw_frames(container, film, line)) as frames:
                first = next(frames, None)
                if first is None:
                    why = "" if film.codec_context.width else ": damaged, or larger than 100 megapixels"
                    raise ImageError(f"{self.shown_name}: has no frame that can be decoded{why}")
                filters = upright(first.frame)
                shown, _ = Upright(filters, None)(first.frame)
                info = info_of(container, film, first.frame, shown)
                return info._replace(frames=self._kept(info, (first.pts or 0) * info.time_base))

    def _kept(self, info: ClipInfo, first: Fraction) -> int:
        """About how many frames the part that is kept has, where the film begins at `first` on the timeline."""
        if not info.frames or not (self.start or self.duration):
            return info.frames
        end = first + info.frames / info.rate
        kept = (end if self.duration is None else min(end, Fraction(self.duration))) - max(first, Fraction(0))
        return max(ceil(kept * info.rate - Fraction(1, 100)), 0)

    def timeline(self, container: InputContainer, film: VideoStream, step: Fraction) -> Timeline:
        """The line on which packets of a container are placed; `step` is the seconds a frame takes."""
        return Timeline(container, film, start_of(container, film) + Fraction(self.start), step)

    def holds(self, time: float) -> bool:
        """Whether a time on the timeline, in seconds, is in the part that is kept."""
        # Sound may begin before 0, with what its decoder needs to get going.
        begun = not self.start or time >= -1e-6
        return begun and (self.duration is None or time < self.duration - 1e-6)

    def is_over(self, time: float) -> bool:
        """Whether nothing that is kept can come any more once the film has reached a time on the timeline."""
        return self.duration is not None and time >= self.duration + 1

    def frames(self, info: ClipInfo, mark: ResumePoint | None = None) -> Generator[ClipFrame]:
        """The frames in order, upright, RGB of uint8 or uint16, each with its `DecodedFrame`; from `mark` on.

        The file is open from the first frame until the generator ends or is closed. What can't be decoded is passed
        over, and noted. Raises ImageError where the file can't be read.
        """
        number = 0 if mark is None else mark.number
        with closing(self._decoded_frames(info, mark)) as frames:
            for decoded in frames:
                yield ClipFrame(number, float(decoded.pts * info.time_base), picture_of(decoded.frame, info), decoded)
                del decoded
                number += 1

    def _decoded_frames(self, info: ClipInfo, mark: ResumePoint | None) -> Generator[DecodedFrame]:
        right, last = Upright(info.upright, info.size), None
        with self.opened() as (container, film):
            line = self.timeline(container, film, 1 / info.rate)
            with closing(self._raw(container, film, info, line, mark)) as frames:
                for pts, raw in frames:
                    if last is not None and pts <= last:
                        pts = last + 1  # two frames of one time: a file may hold them, encoders refuse them
                    last = pts
                    frame, scaled = right(raw.frame)
                    # Frames have a duration from PyAV 15 on.
                    duration = getattr(raw.frame, "duration", 0) or 0
                    yield DecodedFrame(frame, pts, duration, line.has_jumped, _notes(raw, scaled, info))
                    del frame, raw

    def _raw(
        self, container: InputContainer, film: VideoStream, info: ClipInfo, line: Timeline, mark: ResumePoint | None
    ) -> Generator[tuple[int, RawFrame]]:
        """Frames within the part of the clip that is kept, from `mark` on, with their times."""
        first = Fraction(0) if mark is None else mark.pts * info.time_base
        start = first if self.start or mark is not None else None
        if start is not None and not may_jump(container) and not (mark is not None and mark.has_jumped):
            start -= seek(container, film, line.raw(start))
        step = 1 / (info.rate * info.time_base)
        expected = Fraction(0)
        with closing(raw_frames(container, film, line, start)) as frames:
            for raw in frames:
                pts = round(expected) if raw.pts is None else raw.pts
                expected = pts + step
                time = float(pts * info.time_base)
                if self.is_over(time):
                    return
                if self.holds(time) and (mark is None or pts >= mark.pts):
                    yield pts, raw
                del raw

    def _without_film(self, container: InputContainer) -> str:
        if any(is_known(stream) for stream in container.streams.video):
            return f"{self.shown_name}: has no film in it, only a cover picture"
        if container.streams.video:
            return f"{self.shown_name}: can't be read as a clip: the codec of its pictures isn't known"
        return f"{self.shown_name}: has no pictures in it"


def seek(container: InputContainer, film: VideoStream, time: Fraction) -> Fraction:
    """To a key frame from which the frame at a time can be decoded, which is at or before it.

    Gives how many seconds earlier than the time to decode: pictures that are refreshed bit by bit take a while to be
    whole, and an index may lead beyond the time. At worst that is the beginning.
    """
    assert film.time_base is not None
    pts, begin = round(time / film.time_base), film.start_time or 0
    for seconds in _EARLIER:
        tried = pts - round(seconds / film.time_base)
        if tried <= begin:
            break
        container.seek(tried, stream=film, backward=True)
        first = next(container.decode(film), None)
        if first is not None and first.pts is not None and first.pts <= pts:
            container.seek(tried, stream=film, backward=True)
            return Fraction(seconds)
    container.seek(begin, stream=film, backward=True)
    return max(time - begin * film.time_base, Fraction(0))


def _notes(raw: RawFrame, scaled: bool, info: ClipInfo) -> tuple[str, ...]:
    damaged = ("frames before this one are missing: they can't be decoded",) if raw.after_damage else ()
    size = f"{raw.frame.width}×{raw.frame.height}"
    return (*damaged, *((f"the picture's size changes to {size}: scaled to {info.size}",) if scaled else ()))


def picture_of(frame: VideoFrame, info: ClipInfo) -> Picture:
    """(H, W, 3) RGB of uint8, of deep clips uint16: a new array."""
    picture = info.colours.to_rgb(frame, "rgb48le" if info.deep else "rgb24")
    return picture if picture.flags.writeable and picture.flags.c_contiguous else picture.copy()
