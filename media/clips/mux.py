"""The finished parts and the target's own sound as one file."""

from __future__ import annotations

import heapq
import os
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ...pipeline.errors import ImageError
from ..atomic import atomic_path
from .formats import OUTPUT_EXTENSIONS, ffmpeg_error, output_format, pyav
from .reading import Clip, ClipInfo

if TYPE_CHECKING:
    from av import Packet
    from av.container import InputContainer, OutputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

    AnyStream = TypeVar("AnyStream", bound=Stream)

_COPIED = ("audio", "subtitle")
_WEBM = ("opus", "vorbis", "webvtt")
"""What the standard allows; FFmpeg would write more."""
_OWN = {"encoder", "rotate", "major_brand", "minor_version", "compatible_brands"}
"""Metadata that is about the file and not about the clip."""


class Part(NamedTuple):
    """A finished part."""

    path: Path
    first_pts: int
    """When its first frame is shown, in the clip's time base."""


def mux_parts(clip: Clip, info: ClipInfo, parts: Sequence[Part], output: Path) -> tuple[str, ...]:
    """Write the clip: pictures of the parts, all else of the target, packet by packet; returns what was left out.

    The file appears complete or not at all. Raises ImageError.
    """
    try:
        with atomic_path(output) as temporary:
            return _write(clip, info, parts, temporary, output)
    except (OSError, ffmpeg_error()) as error:
        raise ImageError(f"{output}: can't be written: {error.strerror or error}") from error


def _write(clip: Clip, info: ClipInfo, parts: Sequence[Part], temporary: Path, output: Path) -> tuple[str, ...]:
    av, kind = pyav(), output_format(output)
    options = {"movflags": "+faststart"} if kind in ("mp4", "mov") else {}
    with ExitStack() as stack:
        source = stack.enter_context(clip.container())
        out = stack.enter_context(av.open(os.fspath(temporary), "w", format=kind, options=options))
        first = stack.enter_context(av.open(os.fspath(parts[0].path)))
        pictures = _copy(out, first.streams.video[0])
        if pictures.codec_context.name == "hevc" and kind in ("mp4", "mov"):
            pictures.codec_context.codec_tag = "hvc1"  # the only name that QuickTime plays
        notes: list[str] = []
        copies = dict(_copies(source, out, output, notes))
        _describe(source, out, pictures)
        own = stack.enter_context(closing(_pictures(parts, info, pictures)))
        copied = stack.enter_context(closing(_copied(clip, source, copies)))
        for packet in heapq.merge(own, copied, key=_time):
            out.mux_one(packet)
    return tuple(notes)


def require_audio_fits(clip: Clip, output: Path) -> None:
    """Raise ImageError where the output's format can't hold the clip's sound: better before the work than after it."""
    held = _held(output)
    with clip.opened() as source:
        for stream in source.streams.audio:
            name = stream.codec_context.codec.canonical_name
            if name not in held:
                others = ", ".join(OUTPUT_EXTENSIONS)
                raise ImageError(f"{output}: its format can't hold {name} sound: choose among {others}; .mkv holds all")


def fitting_extension(clip: Clip) -> str:
    """`.mp4`, or `.mkv` where MP4 can't hold the clip's sound."""
    held = _held(Path("a.mp4"))
    with clip.opened() as source:
        fits = all(stream.codec_context.codec.canonical_name in held for stream in source.streams.audio)
    return ".mp4" if fits else ".mkv"


def _held(output: Path) -> Collection[str]:
    """The codecs that the output's format can hold."""
    kind = output_format(output)
    if kind == "webm":
        return _WEBM
    with pyav().open(BytesIO(), "w", format=kind) as out:
        return out.supported_codecs


def _copies(
    source: InputContainer, out: OutputContainer, output: Path, notes: list[str]
) -> Iterator[tuple[int, Stream]]:
    """The streams that are copied, by the number of the one that they are a copy of."""
    held = _held(output)
    for stream in source.streams:
        if stream is source.streams.video[0]:
            continue
        codec = getattr(stream.codec_context, "codec", None)
        if stream.type in _COPIED and codec is not None and codec.canonical_name in held:
            copy = _copy(out, stream)
            copy.metadata.update(stream.metadata)
            yield stream.index, copy
        else:
            notes.append(f"{stream.type} stream {stream.index} was left out: {output.suffix} can't hold it")


def _copy(out: OutputContainer, stream: AnyStream) -> AnyStream:
    copy = out.add_stream_from_template(stream, opaque=True)  # pyright: ignore[reportUnknownMemberType]
    with suppress(RuntimeError):  # PyAV 14 has the muxer choose one, and rounds to it
        copy.time_base = stream.time_base
    return copy


def _describe(source: InputContainer, out: OutputContainer, pictures: VideoStream) -> None:
    out.metadata.update({key: value for key, value in source.metadata.items() if key not in _OWN})
    video = source.streams.video[0]
    pictures.metadata.update({key: value for key, value in video.metadata.items() if key not in _OWN})
    # From PyAV 15 on.
    chapters = source.chapters() if hasattr(source, "chapters") else ()
    if chapters:
        out.set_chapters(chapters)


def _pictures(parts: Sequence[Part], info: ClipInfo, stream: VideoStream) -> Generator[Packet[VideoStream]]:
    av = pyav()
    last: int | None = None
    for part in parts:
        with av.open(os.fspath(part.path)) as container:
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


def _copied(clip: Clip, source: InputContainer, copies: Mapping[int, Stream]) -> Generator[Packet[Stream]]:
    streams = [stream for stream in source.streams if stream.index in copies]
    if not streams:
        return  # PyAV would take no streams for all of them
    if clip.start:
        source.seek(int(clip.start * 1_000_000))
    for packet in source.demux(streams):
        if packet.dts is None or not clip.holds(float((packet.pts or packet.dts) * packet.time_base)):
            continue
        shift = clip.shift(packet.time_base)
        packet.dts -= shift
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.stream = copies[packet.stream.index]
        yield packet


def _time(packet: Packet[VideoStream] | Packet[Stream]) -> float:
    assert packet.dts is not None  # packets without one are left out above
    return float(packet.dts * packet.time_base)
