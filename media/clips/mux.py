"""The finished parts, and what goes along with them, as one file."""

from __future__ import annotations

import heapq
import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from ..atomic import atomic_path
from .copying import Copier, Reached
from .encoding import Plan, keeps_fields
from .extras import Choice, add_streams, copy_of, describe, read_covers, say_alike
from .facts import FIELDS, ClipInfo, codec_of
from .film import film_of
from .formats import HOLD_XMP, open_clip, output_format, pyav, write_errors
from .marks import NO_MARKS, Marks
from .reading import Clip
from .xmp import append_xmp, read_clip_xmp

if TYPE_CHECKING:
    from av import VideoCodecContext
    from av.container import InputContainer, OutputContainer
    from av.video.stream import VideoStream

    from .copying import AnyPacket

_PHONES: Final = ("com.apple.", "com.android.")
"""Tags of phones, which MP4 and MOV hold only by their full names."""
_UNMARKED: Final = ("DOVI_METADATA", "DOVI_RPU_BUFFER")
"""What a film says of itself that is no longer true of other pictures."""
_CODED: Final = (
    *("width", "height", "pix_fmt", "sample_aspect_ratio", "colorspace", "color_range", "color_primaries", "color_trc"),
    *("field_order", "bit_rate"),
)


class Part(NamedTuple):
    """A finished part."""

    path: Path
    first_pts: int
    """When its first frame is shown, in the clip's time base."""


def mux_parts(
    clip: Clip,
    info: ClipInfo,
    plan: Plan,
    parts: Sequence[Part],
    choice: Choice,
    output: Path,
    marks: Marks = NO_MARKS,
) -> Reached:
    """Write the clip: pictures of the parts, all else of the target, packet by packet.

    The file appears complete or not at all. Raises ImageError, and what `marks.finish` raises.
    """
    # Among the parts, where what a killed process leaves is found and removed.
    with write_errors(output), atomic_path(output, durable=True, within=parts[0].path.parent) as temporary:
        kind = output_format(output)
        reached = write(clip, info, plan, parts, choice, temporary, kind, marks=marks)
        if marks.xmp and kind in HOLD_XMP and not read_clip_xmp(temporary).packets:
            append_xmp(temporary, marks.xmp)
        if marks.finish:
            marks.finish(temporary)
        return reached


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
    marks: Marks = NO_MARKS,
) -> Reached:
    """As `mux_parts`, into the file `path` of FFmpeg's format `kind`; a trial copies no more than the first packets.
    Of `marks`, the tags alone are written.

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
        out.metadata.update(_marking_tags(source, kind, marks))
        out.mux(added.covers)  # pyright: ignore[reportUnknownMemberType]
        copier = Copier(clip, info, source, film, added, trial)
        own = stack.enter_context(closing(_pictures(parts, info, pictures)))
        copied = stack.enter_context(closing(copier.packets()))
        for packet in heapq.merge(own, copied, key=_time):
            out.mux_one(packet)  # pyright: ignore[reportUnknownMemberType]
    return copier.reached


def _marking_tags(source: InputContainer, kind: str, marks: Marks) -> Mapping[str, str]:
    """FFmpeg writes the tag `xmp` of a MOV as the packet where programs look for it, unless tags go by full names."""
    if kind not in HOLD_XMP:
        return marks.tags
    is_tag = kind == "mov" and not _has_full_names(source)
    return {"xmp": marks.xmp.decode()} if marks.xmp and is_tag else {}


def _covers(clip: Clip, choice: Choice) -> dict[int, bytes]:
    if not choice.of("cover"):
        return {}
    with open_clip(clip.source) as source:
        return read_covers(source, choice)


def _output(source: InputContainer, path: Path, kind: str) -> OutputContainer:
    options = {}
    if kind in ("mp4", "mov"):
        flags = f"+faststart{'+use_metadata_tags' if _has_full_names(source) else ''}"
        # Without "unofficial", FFmpeg leaves spherical marks out.
        options = {"movflags": flags, "strict": "unofficial"}
    return pyav().open(os.fspath(path), "w", format=kind, container_options=options, metadata_errors="surrogateescape")


def _has_full_names(source: InputContainer) -> bool:
    return any(key.startswith(_PHONES) for key in source.metadata)


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
