"""The times of a file's packets on one line that starts at 0 and never runs backwards.

Recordings that were joined start over, cameras and receivers that lose the signal jump. The film decides: where its
times jump, it goes on with the time that was due, and all other streams are moved with it (FFmpeg's own program does
so stream by stream: ts_discontinuity_detect in fftools/ffmpeg_demux.c, whose limits these are).
"""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

_BACK: Final = Fraction(1, 10)
"""Seconds that the decoding times of a sound file never run backwards."""
_AHEAD: Final = 10
"""Seconds ahead that are a jump, in formats whose times may jump."""
_EPOCHS: Final = 3
"""After a jump, packets of other streams may still belong before it."""


def may_jump(container: InputContainer) -> bool:
    """Whether times of the file's format may start over or jump ahead, as in broadcasts."""
    from av.format import Flags

    return bool(int(container.format.flags) & int(Flags["ts_discont"].value))


def is_avi(container: InputContainer) -> bool:
    """Whether the file is an AVI, which says when frames are decoded, and not when they are shown."""
    return container.format.name == "avi"


class Timeline:
    """Moves the times of packets, which are given in the file's order."""

    def __init__(self, container: InputContainer, film: VideoStream, start: Fraction, step: Fraction) -> None:
        """`start`: what is 0 on the line; `step`: seconds a frame takes where the file doesn't say."""
        self._film, self._step, self._may_jump = film.index, step, may_jump(container)
        self._offsets = [-start]
        self._last: Fraction | None = None
        self._due = self._now = Fraction(0)

    @property
    def has_jumped(self) -> bool:
        return len(self._offsets) > 1

    def raw(self, time: Fraction) -> Fraction:
        """The file's own number for a time on the line, in seconds, before any jump."""
        return time - self._offsets[0]

    def place(self, packet: Packet[VideoStream] | Packet[Stream]) -> bool:
        """Move a packet's times; False where it belongs nowhere on the line."""
        raw = packet.dts if packet.dts is not None else packet.pts
        if raw is None:
            return packet.stream_index == self._film
        time = raw * packet.time_base
        if packet.stream_index == self._film:
            if packet.dts is not None:
                self._follow(time, (packet.duration or 0) * packet.time_base or self._step)
            offset = self._offsets[-1]
        else:
            offset = min(reversed(self._offsets[-_EPOCHS:]), key=lambda one: abs(time + one - self._now))
            if self._may_jump and self._last is not None and abs(time + offset - self._now) > _AHEAD:
                return False
        # Always upwards from a half: halves that go to the even number would move ticks apart.
        moved = floor(offset / packet.time_base + Fraction(1, 2))
        packet.dts = None if packet.dts is None else packet.dts + moved
        packet.pts = None if packet.pts is None else packet.pts + moved
        return True

    def _follow(self, time: Fraction, duration: Fraction) -> None:
        if self._last is not None:
            is_ahead = self._may_jump and time - self._due > _AHEAD
            if time + _BACK < self._last or is_ahead:
                self._offsets.append(self._offsets[-1] + self._due - time)
        self._last, self._due = time, time + duration
        self._now = time + self._offsets[-1]
