"""Which encoder a clip gets, and frames through it into a part of the finished clip."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from ...pipeline.clip.flow import SwappedFrame
from ...pipeline.errors import ImageError
from ...pipeline.geometry import Region
from ...pipeline.types import Picture
from .facts import ClipInfo
from .formats import FOREIGN, ffmpeg_error, pyav, write_errors
from .hdr import hdr_options
from .planes import frame_of
from .reading import DecodedFrame, decoded_of
from .upright import FrameFilter

if TYPE_CHECKING:
    from av import Packet, VideoCodecContext, VideoFrame
    from av.container import OutputContainer
    from av.video.stream import VideoStream

Options = dict[str, str]
_NVENC: Final[Options] = {"preset": "p5", "rc": "vbr", "cq": "19", "b": "0"}
_QSV: Final[Options] = {"global_quality": "19"}
_AMF: Final[Options] = {"usage": "transcoding", "quality": "quality", "rc": "cqp", "qp_i": "18", "qp_p": "20"}
_HARDWARE: Final[dict[str, dict[str, Options]]] = {
    codec: {f"{codec}_nvenc": _NVENC, f"{codec}_videotoolbox": {}, f"{codec}_qsv": _QSV, f"{codec}_amf": _AMF}
    for codec in ("h264", "hevc", "av1")
}
_SOFTWARE: Final[dict[str, dict[str, Options]]] = {
    "h264": {"libx264": {"crf": "16", "preset": "medium"}, "mpeg4": {"qscale": "2"}},
    "hevc": {"libx265": {"crf": "18", "preset": "medium", "x265-params": "log-level=none"}},
    "av1": {"libsvtav1": {"crf": "22", "preset": "8"}},
    "vp9": {"libvpx-vp9": {"crf": "22", "b": "0", "row-mt": "1", "cpu-used": "4", "deadline": "good"}},
}
"""Encoders by codec, the best first, at a quality that looks like the target's."""
_WITH_ALPHA: Final[dict[str, tuple[str, Options, str]]] = {
    "webm": ("libvpx-vp9", {**_SOFTWARE["vp9"]["libvpx-vp9"], "auto-alt-ref": "0"}, "yuva420p"),
    "matroska": ("libvpx-vp9", {**_SOFTWARE["vp9"]["libvpx-vp9"], "auto-alt-ref": "0"}, "yuva420p"),
    "mov": ("prores_ks", {"profile": "4444", "alpha_bits": "16"}, "yuva444p10le"),
}
"""What can write transparency, by output format."""
_INTERLACED: Final[Options] = {"flags": "+ildct+ilme"}
_LIKE = {"nv12": "yuv420p", "nv21": "yuv420p", "nv16": "yuv422p", "p010le": "yuv420p10le"}
"""The planar pixel format for what decoders give otherwise."""
_IN_ORDER: Final = 2
"""So many frames are always coded in the order in which they are shown."""
_BITS_A_PIXEL: Final = 0.15
"""Of encoders that know no constant quality."""


class Plan(NamedTuple):
    """How a clip is encoded."""

    encoder: str
    options: Options
    pixel_format: str
    info: ClipInfo

    @property
    def part_format(self) -> str:
        """FFmpeg's name of a format that holds what the encoder gives, transparency and all."""
        if self.pixel_format.startswith("yuva"):
            return "mov" if self.encoder == "prores_ks" else "matroska"
        return "mp4"

    @property
    def identity(self) -> list[str]:
        """What two parts must share to be joined."""
        return [self.encoder, json.dumps(self.options, sort_keys=True), self.pixel_format, pyav().__version__]


def plan(info: ClipInfo, output_format: str, hardware: bool) -> Plan:
    """The clip's own codec where it can be written, by the first encoder that works on this machine.

    Raises ImageError where none does.
    """
    if info.has_alpha and output_format in _WITH_ALPHA:
        encoder, options, pixel_format = _WITH_ALPHA[output_format]
        colours = info.colours._replace(is_narrowed=encoder == "prores_ks")
        if _works(found := Plan(encoder, options, pixel_format, info._replace(colours=colours))):
            return found
    codec = _codec(info.codec, output_format)
    # Only x264 is known to keep fields apart.
    hardware = hardware and not (info.fields and codec == "h264")
    choices = [*((_HARDWARE.get(codec) or {}).items() if hardware else ()), *_SOFTWARE[codec].items()]
    for encoder, options in choices:
        pixel_format = _pixel_format(encoder, info)
        if pixel_format is not None and _works(
            found := Plan(encoder, _complete(encoder, options, info), pixel_format, info)
        ):
            return found
    tried = ", ".join(encoder for encoder, _ in choices)
    raise ImageError(f"no encoder for {codec} at {info.size} works here (tried {tried}): choose another output format")


def keeps_fields(chosen: Plan) -> bool:
    """Whether an interlaced clip stays so."""
    return bool(chosen.info.fields) and chosen.encoder == "libx264"


def _complete(encoder: str, options: Options, info: ClipInfo) -> Options:
    """The encoder's options with what the clip asks for."""
    own = dict(options)
    if info.fields and encoder == "libx264":
        own |= {**_INTERLACED, "field_order": info.fields}
        if info.fields.endswith("b"):
            own["x264-params"] = "bff=1"  # the pictures would say top first, whatever the file says
    return {**own, **hdr_options(encoder, own, info.beside)}


def _codec(own: str, output_format: str) -> str:
    if output_format == "webm":
        return own if own in ("vp9", "av1") else "vp9"
    return own if own in _SOFTWARE and not (own == "vp9" and output_format == "mov") else "h264"


def _pixel_format(encoder: str, info: ClipInfo) -> str | None:
    """The clip's own where the encoder knows it, else the nearest; None where the encoder isn't there."""
    av = pyav()
    try:
        known = [one.name for one in av.Codec(encoder, "w").video_formats or ()]
    except ValueError:
        return None
    own = info.pixel_format.replace("yuvj", "yuv").replace("yuva", "yuv")
    own = _LIKE.get(own, own)
    even = not (info.size.width % 2 or info.size.height % 2)
    usual = ["yuv420p10le", *([] if info.colours.is_grey else ["p010le"])] if info.deep else []
    mixed = [] if info.colours.is_grey else ["nv12"]
    rather = [own, *usual, "yuv420p", *mixed] if even else [*(["yuv444p10le"] if info.deep else []), "yuv444p"]
    return next((name for name in rather if name in known), None)


def _works(found: Plan) -> bool:
    """Whether the encoder opens and gives something for a picture: being listed says nothing about the hardware."""
    av = pyav()
    try:
        context = av.CodecContext.create(found.encoder, "w")
        if not isinstance(context, av.VideoCodecContext):
            return False
        _set_up(context, found)
        frame = av.VideoFrame(*found.info.size, found.pixel_format)
        frame.pts, frame.time_base = 0, found.info.time_base
        return bool(_encoded(context, frame) + _encoded(context, None))
    except (ffmpeg_error(), *FOREIGN):
        return False


def _encoded(encoder: VideoCodecContext | VideoStream, frame: VideoFrame | None) -> list[Packet[VideoStream]]:
    # PyAV's types leave out of which kind of stream packets are.
    return encoder.encode(frame)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def _set_up(context: VideoCodecContext, chosen: Plan) -> None:
    info = chosen.info
    context.width, context.height = info.size
    context.pix_fmt = chosen.pixel_format
    context.time_base = info.time_base
    context.framerate = info.rate
    if info.aspect != 1:
        context.sample_aspect_ratio = info.aspect
    info.colours.tag(context)
    context.thread_type = "AUTO"  # PyAV's default would have x264 cut each frame into slices
    context.options = dict(chosen.options)
    if chosen.encoder.endswith("videotoolbox"):
        context.bit_rate = max(info.bit_rate, round(info.size.width * info.size.height * info.rate * _BITS_A_PIXEL))


def _video_stream(container: OutputContainer, chosen: Plan) -> VideoStream:
    stream = container.add_stream(chosen.encoder, rate=chosen.info.rate)  # pyright: ignore[reportUnknownMemberType]
    assert isinstance(stream, pyav().VideoStream)
    _set_up(stream.codec_context, chosen)
    stream.time_base = chosen.info.time_base
    return stream


class PartWriter:
    """Writes a part of a clip: a file of its own, whose times start at 0. All but `abandon` raises ImageError."""

    def __init__(self, path: str | os.PathLike[str], chosen: Plan, first_pts: int) -> None:
        self._path, self._plan, self._first = path, chosen, first_pts
        self._opened = ExitStack()
        self._copy = FrameFilter([("copy", "")])
        self._durations: dict[int, int] = {}
        self._frames = 0

    def open(self) -> None:
        """Make the file."""
        with self._errors():
            self._container = self._opened.enter_context(
                pyav().open(os.fspath(self._path), "w", format=self._plan.part_format)
            )
            self._stream = _video_stream(self._container, self._plan)

    def write(self, done: SwappedFrame) -> None:
        """Encode a finished frame."""
        self.encode(decoded_of(done.frame), done.frame.picture, done.regions)

    def encode(self, decoded: DecodedFrame, picture: Picture, regions: Sequence[Region]) -> None:
        """Encode a frame: as it was decoded, but for the `regions` of `picture` (H, W, 3)."""
        info = self._plan.info
        frame = frame_of(decoded.frame, picture, regions, self._plan.pixel_format, info.colours, self._copy)
        info.colours.tag_frame(frame)
        frame.pict_type = 0  # what kind of frame it is to be is the encoder's choice
        frame.pts, frame.time_base = decoded.pts - self._first, info.time_base
        # Without one, a part's last frame would not be shown at all.
        self._frames += 1
        self._durations[frame.pts] = decoded.duration or round(1 / (info.rate * info.time_base))
        with self._errors():
            self._mux(_encoded(self._stream, frame))

    def close(self) -> None:
        """Finish the file."""
        with self._errors():
            rest = _encoded(self._stream, None)
            if self._frames <= _IN_ORDER:
                for packet in rest:
                    packet.dts = packet.pts  # x265 makes up decoding times of so few frames
            self._mux(rest)
            self._opened.close()

    def abandon(self) -> None:
        """Close the file as it is."""
        with suppress(ffmpeg_error()):  # a full disk was reported when it was first met
            self._opened.close()

    @contextmanager
    def _errors(self) -> Generator[None]:
        with write_errors(self._path, self._plan.encoder):
            yield

    def _mux(self, packets: Sequence[Packet[VideoStream]]) -> None:
        for packet in packets:
            assert packet.pts is not None  # an encoder says when each of its packets is shown
            at = round(Fraction(packet.pts) * packet.time_base / self._plan.info.time_base)
            if at in self._durations:
                packet.duration = round(
                    Fraction(self._durations.pop(at)) * self._plan.info.time_base / packet.time_base
                )
            self._container.mux(packet)  # pyright: ignore[reportUnknownMemberType]
