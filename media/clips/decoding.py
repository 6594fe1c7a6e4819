"""The film's packets on their way to frames: placed in time, decoded, and passed over where they are damaged."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from .formats import DECODER_OPTIONS, damage_error, ffmpeg_error, pyav
from .timeline import Timeline, is_avi, may_jump

if TYPE_CHECKING:
    from av import Packet, VideoCodecContext, VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

    FilmPacket = Packet[VideoStream]
    Decode = Callable[[FilmPacket | None], list[VideoFrame]]

_WITH_ALPHA: Final = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""Decoders that see transparency where FFmpeg's own don't."""


class RawFrame(NamedTuple):
    """A frame as the decoder gave it."""

    frame: VideoFrame
    pts: int | None
    """In the film's time base, on the clip's timeline."""
    after_damage: bool
    """Frames before it are missing, as they can't be decoded."""


def raw_frames(
    container: InputContainer, film: VideoStream, timeline: Timeline, start: Fraction | None = None
) -> Generator[RawFrame]:
    """Decode the film; from the key frame at or before `start`, in seconds on the timeline, on. PyAV's errors."""
    packets = film_packets(container, film, timeline)
    if start is not None:
        # Where pictures are refreshed bit by bit, they are whole after a group; files that can be sought in are tried.
        packets = _from_key_frame(packets, start, 2 if may_jump(container) and film.codec_context.name == "h264" else 1)
    decode, damage, damaged, in_order = _decoder(film), damage_error(), False, is_avi(container)
    for packet in chain(packets, (None,)):  # None has the decoder give what it holds back
        try:
            frames = decode(packet)
        except damage:
            damaged = True
            continue
        for frame in frames:
            yield RawFrame(frame, frame.dts if in_order else frame.pts, damaged)
            damaged = False
            del frame


def film_packets(container: InputContainer, film: VideoStream, timeline: Timeline) -> Generator[FilmPacket]:
    """The film's packets with their times on the timeline, as far as they can be read. PyAV's errors."""
    packets, read = container.demux(film), False
    while True:
        try:
            packet = next(packets, None)
        except damage_error():
            if not read:
                raise
            packet = None  # the file ends here, or can't be read beyond
        if packet is None:
            return
        if packet.size:
            read = True
            timeline.place(packet)
            yield packet


def _from_key_frame(packets: Iterator[FilmPacket], start: Fraction, groups: int) -> Generator[FilmPacket]:
    """Leave out what comes before the last key frame at or before a time, or some before that, in memory of so many
    groups of pictures."""
    waiting: deque[list[FilmPacket]] = deque([[]], groups)
    for packet in packets:
        time = packet.pts if packet.pts is not None else packet.dts
        if packet.is_keyframe and time is not None and time * packet.time_base <= start:
            waiting.append([])
        waiting[-1].append(packet)
        if time is None or time * packet.time_base >= start:
            break
    for group in waiting:
        yield from group
    yield from packets


def _decoder(film: VideoStream) -> Decode:
    name = _WITH_ALPHA.get(film.codec_context.name)
    if name is None or film.metadata.get("alpha_mode", film.metadata.get("ALPHA_MODE")) != "1":
        return _decode_by(film.codec_context)
    try:
        context = pyav().CodecContext.create(name, "r")
    except (ffmpeg_error(), ValueError):  # this build of FFmpeg doesn't have it
        return _decode_by(film.codec_context)
    assert isinstance(context, pyav().VideoCodecContext)
    context.options = dict(DECODER_OPTIONS)
    context.thread_type = "AUTO"
    return _decode_by(context)


def _decode_by(context: VideoCodecContext) -> Decode:
    # PyAV's types leave out of which kind of stream packets are.
    return context.decode  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
