"""The finished parts, and what goes along with them, as one file."""

from __future__ import annotations

import heapq
import os
from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from ...pipeline.errors import ImageError
from ..atomic import atomic_path
from .encoding import Plan, keeps_fields
from .extras import Added, Choice, add_streams, copy_of, describe, read_covers, say_alike
from .facts import FIELDS, ClipInfo, codec_of
from .film import film_of
from .formats import ffmpeg_error, open_clip, output_format, pyav
from .reading import Clip
from .timeline import may_jump

if TYPE_CHECKING:
    from av import Packet, VideoCodecContext
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

    AnyPacket = Packet[VideoStream] | Packet[AudioStream] | Packet[Stream]

_PHONES: Final = ("com.apple.", "com.android.")
"""Tags of phones, which MP4 and MOV hold only by their full names."""
_UNMARKED: Final = ("DOVI_METADATA", "DOVI_RPU_BUFFER")
"""What a film says of itself that is no longer true of other pictures."""
_CODED: Final = (
    *("width", "height", "pix_fmt", "sample_aspect_ratio", "colorspace", "color_range", "color_primaries", "color_trc"),
    *("field_order", "bit_rate"),
)
_APART: Final = 30
"""Seconds that a film and its sound may lie apart in a file."""
_WARM_UP: Final = (0.25, 3840)
"""Sound before its start that a decoder may need: at most so many seconds, and so many samples (Opus takes most)."""
_JITTER: Final = Fraction(1, 100)
"""Seconds that sound may run backwards for want of finer times."""
_TRIED: Final = 400
"""Packets that a trial looks at."""


class Part(NamedTuple):
    """A finished part."""

    path: Path
    first_pts: int
    """When its first frame is shown, in the clip's time base."""


class Reached(NamedTuple):
    """How far a file's packets go, in seconds on the clip's timeline."""

    film: float = 0.0
    any: float = 0.0


def mux_parts(clip: Clip, info: ClipInfo, plan: Plan, parts: Sequence[Part], choice: Choice, output: Path) -> Reached:
    """Write the clip: pictures of the parts, all else of the target, packet by packet.

    The file appears complete or not at all. Raises ImageError.
    """
    try:
        with atomic_path(output) as temporary:
            return write(clip, info, plan, parts, choice, temporary, output_format(output))
    except (OSError, ffmpeg_error()) as error:
        raise ImageError(f"{output}: can't be written: {error.strerror or error}") from error


def write(
    clip: Clip,
    info: ClipInfo,
    plan: Plan,
    parts: Sequence[Part],
    choice: Choice,
    path: Path,
    kind: str,
    *,
    trial: bool = False,
) -> Reached:
    """As `mux_parts`, into the file `path` of FFmpeg's format `kind`; a trial copies no more than the first packets.

    Raises OSError, and PyAV's errors.
    """
    covers = _covers(clip, choice)
    with ExitStack() as stack:
        source = stack.enter_context(open_clip(clip.source))
        film = film_of(source)
        assert film is not None  # the pictures come from there
        out = stack.enter_context(_output(source, path, kind))
        first = stack.enter_context(open_clip(parts[0].path))
        pictures = _add_film(out, first.streams.video[0], film, info, plan, choice)
        added = add_streams(out, source, choice, covers)
        describe(source, film, out, pictures, choice)
        out.mux(added.covers)  # pyright: ignore[reportUnknownMemberType]
        copier = Copier(clip, info, source, film, added, trial)
        own = stack.enter_context(closing(_pictures(parts, info, pictures)))
        copied = stack.enter_context(closing(copier.packets()))
        for packet in heapq.merge(own, copied, key=_time):
            out.mux_one(packet)  # pyright: ignore[reportUnknownMemberType]
    return copier.reached


def _covers(clip: Clip, choice: Choice) -> dict[int, bytes]:
    if not choice.of("cover"):
        return {}
    with open_clip(clip.source) as source:
        return read_covers(source, choice)


def _output(source: InputContainer, path: Path, kind: str) -> OutputContainer:
    options = {}
    if kind in ("mp4", "mov"):
        names = any(key.startswith(_PHONES) for key in source.metadata)
        # Without "unofficial", FFmpeg leaves spherical marks out.
        options = {"movflags": f"+faststart{'+use_metadata_tags' if names else ''}", "strict": "unofficial"}
    return pyav().open(os.fspath(path), "w", format=kind, container_options=options, metadata_errors="surrogateescape")


def _add_film(
    out: OutputContainer, part: VideoStream, film: VideoStream, info: ClipInfo, plan: Plan, choice: Choice
) -> VideoStream:
    """The stream of the pictures: like the part's, with what the target's own says of itself where that still holds."""
    is_like = (
        codec_of(film) == codec_of(part) and not info.upright and not any(name in info.beside for name in _UNMARKED)
    )
    if is_like and choice.of("marks"):
        pictures = copy_of(out, film)
        _dress(pictures.codec_context, part.codec_context)
    else:
        pictures = copy_of(out, part)
    context = pictures.codec_context
    context.framerate = info.rate  # of which the timecode counts frames
    if keeps_fields(plan) and hasattr(context, "field_order"):  # the part's container may not say it
        context.field_order = next(number for number, name in FIELDS.items() if name == info.fields)
    if context.name == "hevc" and out.format.name in ("mp4", "mov"):
        context.codec_tag = "hvc1"  # the only name that QuickTime plays
    if info.has_alpha and plan.pixel_format.startswith("yuva") and plan.encoder == "libvpx-vp9":
        pictures.metadata["alpha_mode"] = "1"
    say_alike(pictures, film)
    return pictures


def _dress(context: VideoCodecContext, part: VideoCodecContext) -> None:
    """Make a context of the target's describe the part's pictures; what stands beside the pictures stays."""
    context.extradata = part.extradata
    for name in _CODED:
        if (value := getattr(part, name, None)) is not None:
            setattr(context, name, value)


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


def _pictures(parts: Sequence[Part], info: ClipInfo, stream: VideoStream) -> Generator[AnyPacket]:
    last: int | None = None
    for part in parts:
        with open_clip(part.path) as container:
            shift: int | None = None
            for packet in container.demux(container.streams.video[0]):
                if packet.dts is None:
                    continue
                assert packet.pts is not None  # as in every packet that an encoder made
                if shift is None:
                    # A part starts with a key frame, which is the first one shown.
                    shift = round(part.first_pts * info.time_base / packet.time_base) - packet.pts
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                if last is not None and packet.dts <= last:
                    packet.dts = last + 1
                last = packet.dts
                # Of no duration, the clip's last frame would not be shown at all.
                packet.duration = packet.duration or round(1 / (info.rate * packet.time_base))
                packet.stream = stream
                yield packet


def _time(packet: AnyPacket) -> float:
    assert packet.dts is not None  # packets without one are left out above
    return float(packet.dts * packet.time_base)
