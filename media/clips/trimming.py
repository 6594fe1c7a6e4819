"""The part of a clip that a user asks for, found by the times in the file: nothing before it is decoded."""

from __future__ import annotations

import heapq
from collections.abc import Generator
from contextlib import closing
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from ...pipeline.clip.moments import Moment
from ...pipeline.errors import SettingsError
from .decoding import film_packets, raw_frames
from .reading import STEP, Clip, seek
from .timeline import Timeline, is_avi, may_jump

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_VP8_SHOWN: Final = 1 << 4
"""The bit of a frame's first byte that says whether it is shown, or only referred to (RFC 6386, 9.1)."""


class _Found(NamedTuple):
    """A frame that was looked for."""

    time: Fraction | None
    """None where the clip ends before."""
    seen: int
    """Frames before it that were looked at."""
    last: Fraction | None
    """The time of the last of these."""


def part_of(clip: Clip, start: Moment, end: Moment | None = None, duration: float = 0) -> Clip:
    """The frames of a clip from `start` to before `end`, or over `duration` seconds, as a clip of their own.

    Frames count in the order in which they are shown, 0 being the first. A part that begins later than its clip begins
    with its first frame. An end beyond the clip's is the clip's. Raises ImageError where the file can't be read and
    SettingsError where no frame is in the part.
    """
    first = _start_of(clip, start)
    if duration:
        stop: Fraction | None = (first if start.is_frame else start.value) + Fraction(str(duration))
    else:
        stop = end and (_found(clip, end).time if end.is_frame else end.value)
    if stop is not None and stop <= first:
        shown = end or Moment(stop)
        raise SettingsError(f"start {start}, end {shown}: no frame of {clip.shown_name} is from the one to the other")
    stops = [one for one in (stop, clip.duration) if one is not None]
    kept = Fraction(min(stops)) - first if stops else None
    return Clip(clip.source, Fraction(clip.start) + first, kept)


def _start_of(clip: Clip, start: Moment) -> Fraction:
    """When the first frame of the part is shown. Raises SettingsError where there is none."""
    if not start.value:
        return Fraction(0)
    found = _found(clip, start)
    if found.time is not None:
        return found.time
    if start.is_frame:
        raise SettingsError(f"start {start}: {clip.shown_name} has {found.seen} frames")
    last = "" if found.last is None else f", the last one is at {float(found.last):.6g} s"
    raise SettingsError(f"start {start}: {clip.shown_name} has no frame from there on{last}")


def _found(clip: Clip, moment: Moment) -> _Found:
    """The first frame of a clip that is `moment`, or isn't before it."""
    seen, last = 0, None
    with clip.opened() as (container, film):
        line = clip.timeline(container, film, STEP)
        with closing(_times(container, film, line, None if moment.is_frame else moment.value)) as times:
            for time in times:
                if clip.duration is not None and time >= clip.duration:
                    break
                if time >= 0 and (seen if moment.is_frame else time) >= moment.value:
                    return _Found(time, seen, last)
                seen, last = seen + (time >= 0), time
    return _Found(None, seen, last)


def _times(container: InputContainer, film: VideoStream, line: Timeline, start: Fraction | None) -> Generator[Fraction]:
    """When frames are shown, in seconds on the line, in order; from a key frame at or before `start` on."""
    if start is not None and not may_jump(container):
        seek(container, film, line.raw(start))
    assert film.time_base is not None
    # An AVI's times are those at which frames leave the decoder.
    if is_avi(container) and film.codec_context.has_b_frames:
        with closing(raw_frames(container, film, line, start)) as frames:
            yield from (frame.pts * film.time_base for frame in frames if frame.pts is not None)
    else:
        yield from (time * film.time_base for time in _packet_times(container, film, line))


def _packet_times(container: InputContainer, film: VideoStream, line: Timeline) -> Generator[int]:
    """In the film's time base."""
    early: list[int] = []
    in_order, is_vp8 = is_avi(container), film.codec_context.name == "vp8"
    for packet in film_packets(container, film, line):
        time = packet.dts if in_order or packet.pts is None else packet.pts
        is_shown = not is_vp8 or memoryview(packet)[0] & _VP8_SHOWN
        if time is None or packet.is_discard or not is_shown:  # an edit list discards
            continue
        heapq.heappush(early, time)
        # No packet that comes later is shown before this one is decoded.
        while packet.dts is not None and early and early[0] <= packet.dts:
            yield heapq.heappop(early)
    while early:
        yield heapq.heappop(early)
