"""Which of a file's streams is the film, and where its times start."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from .timeline import may_jump

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

_STILL: Final = ("attached_pic", "timed_thumbnails", "still_image")

_GETTING_GOING: Final = 1
"""Seconds."""


def film_of(container: InputContainer) -> VideoStream | None:
    """The stream that players show: no cover and no thumbnail, of a known codec; the default one, else the first."""
    known = [stream for stream in container.streams.video if is_known(stream) and not is_still(stream)]
    return min(known, key=lambda stream: (stream.frames == 1, not has(stream, "default"), stream.index), default=None)


def is_known(stream: Stream) -> bool:
    """Whether FFmpeg knows the stream's codec."""
    return getattr(stream, "codec_context", None) is not None


def is_still(stream: Stream) -> bool:
    """Whether the stream is a cover picture or a thumbnail."""
    return any(has(stream, name) for name in _STILL)


def has(stream: Stream, disposition: str) -> bool:
    """Whether the file says that of the stream, by FFmpeg's names; what this version doesn't know isn't said."""
    kinds = type(stream.disposition)
    return disposition in kinds.__members__ and bool(stream.disposition & kinds[disposition])


def start_of(container: InputContainer, film: VideoStream) -> Fraction:
    """When the film or its sound starts, whichever is first, in seconds.

    Sound shortly before 0 is what its decoder needs to get going: the clip then starts at 0, unless its pictures are
    before 0 as well, as they are where a broadcast's counter starts over soon after the beginning.
    """
    heard = [stream for stream in container.streams.audio if is_known(stream)]
    starts = [
        stream.start_time * stream.time_base
        for stream in (film, *heard)
        if stream.start_time is not None and stream.time_base is not None
    ]
    start = min(starts, default=Fraction(0))
    is_counted = may_jump(container) and (film.start_time or 0) < 0
    return Fraction(0) if -_GETTING_GOING < start < 0 and not is_counted else start
