"""Sound of a codec that no output format takes, coded anew without loss."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

from .formats import damage_error, pyav

if TYPE_CHECKING:
    from av import AudioFrame, Packet
    from av.audio.stream import AudioStream
    from av.container import OutputContainer

    SoundPacket = Packet[AudioStream]

_CODEC: Final = "flac"
_FRAME: Final = 4096
"""Samples that are coded at a time."""
_GAP: Final = 0.1
"""Seconds of a gap that is one; less is for want of finer times."""


class Recoder:
    """Decodes the packets of a stream and codes them as FLAC of 16 bits."""

    def __init__(self, out: OutputContainer, given: AudioStream) -> None:
        self._given, rate, layout = given, given.rate, given.layout.name
        made = out.add_stream(_CODEC, rate=rate)  # pyright: ignore[reportUnknownMemberType]
        assert isinstance(made, pyav().AudioStream)
        self.stream = made
        self.stream.codec_context.layout = layout
        self.stream.codec_context.format = "s16"
        self._due: int | None = None
        """The sample after the last one."""
        self._resampler = pyav().AudioResampler(format="s16", layout=layout, rate=rate, frame_size=_FRAME)

    def recoded(self, packet: SoundPacket | None) -> list[SoundPacket]:
        """What comes of a packet; of None, what was held back. Sound that can't be decoded is silent."""
        try:
            decoded = self._given.codec_context.decode(packet)  # pyright: ignore[reportUnknownMemberType]
        except damage_error():
            decoded = []
        frames = [one for frame in decoded for one in self._resampler.resample(frame)]
        if packet is None:
            frames += self._resampler.resample(None)
        return [made for frame in frames for made in self._coded(self._timed(frame))] + (
            self._coded(None) if packet is None else []
        )

    def _timed(self, frame: AudioFrame) -> AudioFrame:
        """The frame at the sample where it is due, unless it starts clearly later."""
        rate = self._given.rate
        said = self._due if frame.pts is None else round(frame.pts * (frame.time_base or Fraction(1, rate)) * rate)
        frame.pts = said if self._due is None or (said or 0) > self._due + _GAP * rate else self._due
        frame.time_base = Fraction(1, rate)
        self._due = (frame.pts or 0) + frame.samples
        return frame

    def _coded(self, frame: AudioFrame | None) -> list[SoundPacket]:
        return self.stream.encode(frame)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
