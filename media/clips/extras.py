"""What goes along with the swapped pictures: sound, subtitles, covers, fonts, chapters, tags and marks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar, cast

from ...pipeline.quotes import excerpt
from .film import is_known, is_still
from .formats import pyav
from .sound import Recoder

if TYPE_CHECKING:
    from av import Packet
    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.stream import AttachmentStream, Stream
    from av.video.stream import VideoStream

    AnyStream = TypeVar("AnyStream", bound=Stream)

_WEBM: Final = frozenset({"opus", "vorbis", "webvtt"})
"""What the standard allows; FFmpeg would write more."""
_COPIED: Final = ("audio", "subtitle")
_COVERS: Final = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}
_OWN: Final = {"encoder", "rotate", "major_brand", "minor_version", "compatible_brands", "alpha_mode", "software"}
"""Tags that are about the file and not about the clip."""
_TAGS: Final = 500
"""So many are carried: FFmpeg takes the square of their number to write them."""
_COUNTED: Final = ("_statistics", "bps", "number_of_", "duration")
"""What tags of Matroska begin with that count what was coded."""


class Extra(NamedTuple):
    """Something that goes along."""

    kind: str
    """stream, sound (coded anew), attachment, cover, chapters, tags, timecode or marks."""
    text: str
    """For the report."""
    stream: int = -1
    """Its number in the target."""


class Added(NamedTuple):
    """The streams of an output but its film, by the numbers of those that they come from."""

    copies: dict[int, Stream]
    """Packets are handed on."""
    recoders: dict[int, Recoder]
    covers: list[Packet[Stream]]
    """What is written first."""


class Choice(NamedTuple):
    """What goes along, and what doesn't."""

    extras: tuple[Extra, ...]
    left_out: tuple[str, ...] = ()
    """A line each."""

    def of(self, kind: str) -> list[Extra]:
        return [extra for extra in self.extras if extra.kind == kind]

    def without(self, extra: Extra, reason: str) -> Choice:
        others = tuple(one for one in self.extras if one is not extra)
        return Choice(others, (*self.left_out, f"{extra.text} was left out: {reason}"))


def choose(source: InputContainer, film: VideoStream, kind: str, extension: str, starts_later: bool) -> Choice:
    """What of a clip the output's format, FFmpeg's `kind`, is known to hold."""
    held, full = held_codecs(kind), f"{extension} can't hold it"
    extras: list[Extra] = []
    left_out: list[str] = []
    for stream in source.streams:
        if stream.index == film.index:
            continue
        extra, reason = _extra_of(stream, kind, held, full)
        if extra is not None and not reason:
            extras.append(extra)
        elif extra is not None:
            left_out.append(f"{extra.text} was left out: {reason}")
    timecode = timecode_of(source, film)
    if timecode and starts_later:
        left_out.append(f"the timecode {excerpt(timecode)} was left out: the clip starts later")
    elif timecode:
        extras.append(Extra("timecode", f"the timecode {excerpt(timecode)}"))
    if len(source.metadata) > _TAGS:
        left_out.append(f"tags left out: only the first {_TAGS} of {len(source.metadata):,} are carried")
    named = [("chapters", "the list of chapters"), ("tags", "the list of tags"), ("marks", "the film's side data")]
    return Choice((*extras, *(Extra(name, text) for name, text in named)), tuple(left_out))


def _extra_of(stream: Stream, kind: str, held: frozenset[str], full: str) -> tuple[Extra | None, str]:
    """What a stream is, None for one that is carried in another way, and why it can't go along."""
    if stream.type == "attachment":
        name = excerpt(stream.metadata.get("filename", f"{stream.index}"))
        can = kind == "matroska" and _can_attach()
        return Extra("attachment", f"attachment {name}", stream.index), "" if can else full
    if stream.type == "video" and is_still(stream):
        return _cover(stream, kind, full)
    text = f"{stream.type} stream {stream.index}"
    if stream.type == "data":
        return None if _is_written_anew(stream) else Extra("stream", text, stream.index), full
    if not is_known(stream):
        return Extra("stream", text, stream.index), "its codec isn't known"
    if stream.type == "video":
        return Extra("stream", text, stream.index), "only one film is swapped, and this is another"
    fits = stream.type in _COPIED and stream.codec_context.codec.canonical_name in held
    if kind == "matroska" and stream.type == "audio" and not fits:
        return Extra("sound", text, stream.index), ""
    return Extra("stream", text, stream.index), "" if fits else full


def _can_attach() -> bool:
    from av.container import OutputContainer

    return hasattr(OutputContainer, "add_attachment")  # from PyAV 16 on


def _is_written_anew(stream: Stream) -> bool:
    """Whether a stream holds what is carried as a tag or as chapters: the timecode, or MOV's titles of chapters."""
    is_never_shown = getattr(getattr(stream, "discard", None), "name", "") == "all"
    return _timecode(stream.metadata) is not None or is_never_shown


def _cover(stream: Stream, kind: str, full: str) -> tuple[Extra, str]:
    codec = stream.codec_context.codec.canonical_name if is_known(stream) else ""
    is_attached = kind == "matroska" and codec in _COVERS and _can_attach()
    can = is_attached or (kind == "mp4" and codec in (*_COVERS, "bmp"))  # to MOV, FFmpeg writes none
    return Extra("cover", f"cover picture {stream.index}", stream.index), "" if can else full


def held_codecs(kind: str) -> frozenset[str]:
    """The codecs that a format is known to hold, by FFmpeg's names of both."""
    if kind == "webm":
        return _WEBM
    with pyav().open(BytesIO(), "w", format=kind) as out:
        return frozenset(out.supported_codecs)


def timecode_of(source: InputContainer, film: VideoStream) -> str | None:
    """The timecode of the first frame, where a camera wrote one."""
    others = [stream.metadata for stream in source.streams if stream.type == "data"]
    return next(filter(None, map(_timecode, (film.metadata, source.metadata, *others))), None)


def _timecode(tags: Mapping[str, str]) -> str | None:
    return next((tags[key] for key in tags if key.lower() == "timecode"), None)


def add_streams(out: OutputContainer, source: InputContainer, choice: Choice, covers: Mapping[int, bytes]) -> Added:
    """Add all streams that go along, `covers` being the pictures by their streams."""
    added = Added({}, {}, [])
    for extra in choice.extras:
        if extra.kind == "stream":
            added.copies[extra.stream] = _copied(out, source.streams[extra.stream])
        elif extra.kind == "sound":
            added.recoders[extra.stream] = recoder = Recoder(out, cast("AudioStream", source.streams[extra.stream]))
            dress(recoder.stream, source.streams[extra.stream])
        elif extra.kind == "attachment":
            _attach(out, source.streams[extra.stream])
        elif extra.kind == "cover":
            added.covers.extend(_add_cover(out, source.streams[extra.stream], covers[extra.stream]))
    return added


def read_covers(source: InputContainer, choice: Choice) -> dict[int, bytes]:
    """The covers that go along, by their streams; a container that is read for nothing else afterwards."""
    streams = [source.streams[extra.stream] for extra in choice.of("cover")]
    found: dict[int, bytes] = {}
    for packet in source.demux(streams) if streams else ():
        if packet.size:
            found.setdefault(packet.stream_index, bytes(packet))
        if len(found) == len(streams):
            break
    return found


def _add_cover(out: OutputContainer, stream: Stream, picture: bytes) -> list[Packet[Stream]]:
    if out.format.name == "matroska":
        name, media_type = _COVERS[stream.codec_context.codec.canonical_name]
        out.add_attachment(stream.metadata.get("filename", name), media_type, picture)
        return []
    packet = pyav().Packet(picture)
    packet.stream = _copied(out, stream)
    packet.pts = packet.dts = 0
    packet.time_base = Fraction(1, 1000)
    return [packet]


def _copied(out: OutputContainer, stream: Stream) -> Stream:
    copy = copy_of(out, stream)
    dress(copy, stream)
    return copy


def dress(copy: Stream, stream: Stream) -> None:
    """Say of a stream what is said of another: its language, its title, whether it is the default."""
    copy.metadata.update(_tags(stream))
    say_alike(copy, stream)


def copy_of(out: OutputContainer, stream: AnyStream) -> AnyStream:
    """A stream like another one, for packets of the same codec."""
    copy = out.add_stream_from_template(stream, opaque=True)  # pyright: ignore[reportUnknownMemberType]
    with suppress(RuntimeError):  # PyAV 14 has the muxer choose one, and rounds to it
        copy.time_base = stream.time_base
    say_alike(copy, stream)
    return copy


def say_alike(copy: Stream, stream: Stream) -> None:
    """Say of a stream what is said of another: default, forced, a comment."""
    copy.disposition = stream.disposition.value  # pyright: ignore[reportAttributeAccessIssue] - PyAV 14 takes numbers


def _attach(out: OutputContainer, stream: Stream) -> None:
    attachment = cast("AttachmentStream", stream)
    name = attachment.metadata.get("filename", str(attachment.index))
    out.add_attachment(name, attachment.mimetype or "application/octet-stream", attachment.data)


def describe(source: InputContainer, film: VideoStream, out: OutputContainer, pictures: Stream, choice: Choice) -> None:
    """Write chapters and tags."""
    if choice.of("tags"):
        out.metadata.update(kept_tags(source.metadata))
        pictures.metadata.update(_tags(film))
    timecode = timecode_of(source, film)
    if choice.of("timecode") and timecode:
        out.metadata["timecode"] = timecode
    # From PyAV 15 on.
    chapters = source.chapters() if hasattr(source, "chapters") else ()
    if chapters and choice.of("chapters"):
        out.set_chapters(chapters)


def _tags(stream: Stream) -> dict[str, str]:
    return kept_tags(stream.metadata)


def kept_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags that are about the clip, and not about the file; without the timecode, which has rules of its own."""
    left = {*_OWN, "timecode"}
    kept = (key for key in tags if key.lower() not in left and not key.lower().startswith(_COUNTED))
    return {key: tags[key] for key in islice(kept, _TAGS)}


def unfit(streams: Sequence[Stream], kind: str) -> Iterator[str]:
    """The codecs of sound that a format can't hold."""
    held = held_codecs(kind)
    names = (stream.codec_context.codec.canonical_name for stream in streams if is_known(stream))
    return (name for name in names if name not in held and kind != "matroska")
