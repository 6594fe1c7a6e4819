"""A clip's frames as a stream, upright, with their times."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from io import BufferedIOBase
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ...pipeline.clip.flow import ClipFrame
from ...pipeline.errors import ImageError
from ...pipeline.types import Picture, Size
from .colour import Colours
from .formats import ffmpeg_error, pyav

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

_CODECS: Final = {"libdav1d": "av1", "libaom-av1": "av1", "libvpx-vp9": "vp9", "libvpx": "vp8"}
"""Decoders with another name than their codec."""
_USUAL_RATE: Final = Fraction(25)


class ClipInfo(NamedTuple):
    """What is known of a clip before it is decoded."""

    size: Size
    """Of the upright picture."""
    turns: int
    """Quarter turns, counter-clockwise, that bring a decoded frame upright."""
    codec: str
    pixel_format: str
    deep: bool
    """More than 8 bits a channel."""
    time_base: Fraction
    rate: Fraction
    """Frames a second on average."""
    frames: int
    """About how many there are; 0 where the file doesn't say."""
    bit_rate: int
    aspect: Fraction
    """Width of a pixel by its height, upright."""
    colours: Colours


class DecodedFrame(NamedTuple):
    """A decoded frame as it came, and when it is shown."""

    frame: VideoFrame
    """PyAV's, as the decoder gave it."""
    pts: int
    """In the clip's time base, counted from where the clip, as it was asked for, starts."""
    duration: int
    """The same unit; 0 where the file doesn't say."""


class ResumePoint(NamedTuple):
    """A frame to start from."""

    number: int
    pts: int


def decoded_of(frame: ClipFrame) -> DecodedFrame:
    """What `Clip.frames` gave the frame to carry along. Raises TypeError for a frame from elsewhere."""
    if not isinstance(frame.decoded, DecodedFrame):
        raise TypeError(f"frame {frame.number}: expected a frame of Clip.frames, got one with {type(frame.decoded)}")
    return frame.decoded


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip in a file, or in a seekable stream of bytes; `start` and `duration` in seconds keep a part of it."""

    source: str | os.PathLike[str] | BufferedIOBase
    start: float = 0.0
    duration: float | None = None
    """None: to the end."""

    @property
    def name(self) -> str:
        return os.fspath(self.source) if isinstance(self.source, str | os.PathLike) else "the clip"

    def container(self) -> InputContainer:
        """PyAV's container, to be closed; errors are PyAV's own."""
        source = self.source
        if isinstance(source, BufferedIOBase):
            source.seek(0)
            return pyav().open(source, "r")
        return pyav().open(os.fspath(source), "r")

    @contextmanager
    def opened(self) -> Generator[InputContainer]:
        """The container. PyAV's errors, here or in the block, become an ImageError."""
        unreadable = ffmpeg_error()
        try:
            with self.container() as container:
                if not container.streams.video:
                    raise ImageError(f"{self.name}: has no pictures in it")
                yield container
        except unreadable as error:
            raise ImageError(f"{self.name}: can't be read as a clip: {error.strerror or error}") from error

    def info(self) -> ClipInfo:
        """Reads as much as the first frame. Raises ImageError."""
        with self.opened() as container:
            stream = container.streams.video[0]
            first = next(container.decode(stream), None)
            if first is None:
                raise ImageError(f"{self.name}: has no frame that can be decoded")
            return _info_of(stream, first)

    def shift(self, time_base: Fraction) -> int:
        """What is taken off every time, in units of `time_base`."""
        return round(Fraction(self.start) / time_base)

    def holds(self, time: float) -> bool:
        """Whether a time of the file, in seconds, is in the part that is kept."""
        # Sound may begin before 0, with what its decoder needs to get going.
        begun = not self.start or time >= self.start - 1e-6
        return begun and (self.duration is None or time < self.start + self.duration - 1e-6)

    def frames(self, info: ClipInfo, mark: ResumePoint | None = None) -> Generator[ClipFrame]:
        """The frames in order, upright, RGB of uint8 or uint16, each with its `DecodedFrame`; from `mark` on.

        The file is open from the first frame until the generator ends or is closed. Raises ImageError where the file
        is damaged.
        """
        number = 0 if mark is None else mark.number
        with closing(self._decoded_frames(info, mark)) as frames:
            for decoded in frames:
                yield ClipFrame(number, float(decoded.pts * info.time_base), _picture(decoded.frame, info), decoded)
                del decoded
                number += 1

    def _decoded_frames(self, info: ClipInfo, mark: ResumePoint | None) -> Generator[DecodedFrame]:
        with self.opened() as container, closing(self._decoded(container, info, mark)) as frames:
            shift, last = self.shift(info.time_base), None
            for pts, frame in frames:
                pts -= shift
                if mark is not None and pts < mark.pts:
                    continue
                if last is not None and pts <= last:
                    pts = last + 1  # two frames of one time: a file may hold them, encoders refuse them
                last = pts
                # Frames have a duration from PyAV 15 on.
                yield DecodedFrame(frame, pts, getattr(frame, "duration", 0) or 0)
                del frame

    def _decoded(
        self, container: InputContainer, info: ClipInfo, mark: ResumePoint | None
    ) -> Generator[tuple[int, VideoFrame]]:
        """Frames within the part of the clip that is kept, with their times; those before `mark` may be among them."""
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        if mark is not None:
            self._seek(container, stream, mark.pts + self.shift(info.time_base))
        elif self.start:
            self._seek(container, stream, self.shift(info.time_base))
        step = 1 / (info.rate * info.time_base)
        expected = Fraction(0)
        for frame in container.decode(stream):
            pts = round(expected) if frame.pts is None else frame.pts
            expected = pts + step
            time = float(pts * info.time_base)
            if self.duration is not None and time >= self.start + self.duration + 1:
                return
            if self.holds(time):
                yield pts, frame
            del frame

    @staticmethod
    def _seek(container: InputContainer, stream: VideoStream, pts: int) -> None:
        """To a key frame at or before a time; to the beginning where the file's index leads beyond it."""
        container.seek(pts, stream=stream, backward=True)
        first = next(container.decode(stream), None)
        early = first is not None and first.pts is not None and first.pts <= pts
        container.seek(pts if early else (stream.start_time or 0), stream=stream, backward=True)


def _info_of(stream: VideoStream, first: VideoFrame) -> ClipInfo:
    context = stream.codec_context
    turns = round(first.rotation / 90) % 4
    width, height = (first.width, first.height) if turns % 2 == 0 else (first.height, first.width)
    rate = stream.average_rate or stream.guessed_rate or _USUAL_RATE
    aspect = Fraction(stream.sample_aspect_ratio or 1) or Fraction(1)
    assert stream.time_base is not None  # FFmpeg gives every video stream one
    length = float(stream.duration * stream.time_base) if stream.duration else 0.0
    return ClipInfo(
        Size(width, height),
        turns,
        _CODECS.get(str(context.name), str(context.name)),
        first.format.name,
        max(component.bits for component in first.format.components) > 8,
        stream.time_base,
        Fraction(rate),
        stream.frames or round(length * rate),
        context.bit_rate or 0,
        aspect if turns % 2 == 0 else 1 / aspect,
        Colours.of(context, first.format),
    )


def _picture(frame: VideoFrame, info: ClipInfo) -> Picture:
    upright = info.colours.to_rgb(frame, "rgb48le" if info.deep else "rgb24")
    picture = np.ascontiguousarray(np.rot90(upright, info.turns)) if info.turns else upright
    return picture if picture.flags.writeable and picture.flags.c_contiguous else picture.copy()
