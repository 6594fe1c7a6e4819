"""The packets of the streams that go along with a film, in time with it."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from .extras import Added
from .facts import ClipInfo
from .reading import Clip
from .timeline import may_jump

if TYPE_CHECKING:
    from av import Packet
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

    AnyPacket = Packet[VideoStream] | Packet[AudioStream] | Packet[Stream]

_APART: Final = 30
"""Seconds that a film and its sound may lie apart in a file."""
_WARM_UP: Final = (0.25, 3840)
"""Sound before its start that a decoder may need: at most so many seconds, and so many samples (Opus takes most)."""
_JITTER: Final = Fraction(1, 100)
"""Seconds that sound may run backwards for want of finer times."""
_TRIED: Final = 400
"""Packets that a trial looks at."""


class Reached(NamedTuple):
    """How far a file's packets go, in seconds on the clip's timeline."""

    film: float = 0.0
    any: float = 0.0


class Copier:
    """The packets of the streams that go along, placed on the clip's timeline."""

    def __init__(
        self,
        clip: Clip,
        info: ClipInfo,
        source: InputContainer,
        film: VideoStream,
        added: Added,
        trial: bool,
    ) -> None:
        self._clip, self._source, self._film, self._trial = clip, source, film, trial
        self._copies, self._recoders = added.copies, added.recoders
        self._line = clip.timeline(source, film, 1 / info.rate)
        self.reached = Reached()
        """How far the file's packets go."""
        self._last: dict[int, int] = {}

    def packets(self) -> Generator[AnyPacket]:
        """Those that are kept, in the file's order."""
        self._start()
        for packet in self._placed():
            recoder = self._recoders.get(packet.stream_index)
            if recoder is not None:
                yield from recoder.recoded(cast("Packet[AudioStream]", packet))
            elif self._runs_on(packet):
                copied = cast("Packet[Stream]", packet)
                copied.stream = self._copies[packet.stream_index]
                yield copied
        for recoder in self._recoders.values():
            yield from recoder.recoded(None)

    def _placed(self) -> Generator[AnyPacket]:
        """The packets that are kept, with their times on the line."""
        streams = [self._film, *(self._source.streams[number] for number in (*self._copies, *self._recoders))]
        for number, packet in enumerate(self._source.demux(streams)):
            if self._trial and number >= _TRIED:
                return
            if not packet.size or not self._line.place(packet) or packet.dts is None:
                continue
            time = float((packet.dts if packet.pts is None else packet.pts) * packet.time_base)
            if self._note(packet, time):
                return
            if packet.is_discard and time < -_warm_up(packet.stream):
                continue  # an edit list hides it
            if packet.stream_index != self._film.index and self._clip.holds(time):
                yield packet

    def _runs_on(self, packet: AnyPacket) -> bool:
        """Whether a packet comes after the one before it; made so where it nearly does.

        Where recordings were joined, a moment may be there twice. Titles may begin at the same time.
        """
        assert packet.dts is not None
        last = self._last.get(packet.stream_index)
        behind = -1 if last is None else last - packet.dts + (packet.stream.type != "subtitle")
        if behind > 0:
            if behind * packet.time_base > _JITTER:
                return False
            packet.dts += behind
            packet.pts = None if packet.pts is None else max(packet.pts, packet.dts)
        self._last[packet.stream_index] = packet.dts
        return True

    def _start(self) -> None:
        if self._clip.start and not may_jump(self._source):
            self._source.seek(int(self._line.raw(Fraction(0)) * 1_000_000))

    def _note(self, packet: AnyPacket, time: float) -> bool:
        """Note how far it goes; True where nothing that is kept can come any more."""
        end = time + float((packet.duration or 0) * packet.time_base)
        is_film = packet.stream_index == self._film.index
        self.reached = Reached(
            max(self.reached.film, end) if is_film else self.reached.film, max(self.reached.any, end)
        )
        return is_film and self._clip.is_over(time - _APART)


def _warm_up(stream: Stream) -> float:
    """Seconds of it that may stay before 0."""
    seconds, samples = _WARM_UP
    return min(seconds, samples / (getattr(stream, "rate", 0) or 1))
