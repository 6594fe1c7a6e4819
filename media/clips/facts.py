"""What is known of a clip before it is swapped."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from ...pipeline.types import Size
from .colour import Colours
from .timeline import is_avi, may_jump
from .upright import Filters, is_grey, side_data, turns_across, upright

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

_CODECS: Final = {"libdav1d": "av1", "libaom-av1": "av1", "libvpx-vp9": "vp9", "libvpx": "vp8"}
"""Decoders with another name than their codec."""
_USUAL_RATE: Final = Fraction(25)
FIELDS: Final = {2: "tt", 3: "bb", 4: "tb", 5: "bt"}
"""FFmpeg's AVFieldOrder to its names: which field is coded first, and which is shown first."""


class ClipInfo(NamedTuple):
    """What is known of a clip before it is decoded."""

    size: Size
    """Of the upright picture."""
    upright: Filters
    """What brings a decoded frame upright."""
    codec: str
    pixel_format: str
    """Of upright frames."""
    deep: bool
    """More than 8 bits a channel."""
    time_base: Fraction
    rate: Fraction
    """Frames a second on average."""
    frames: int
    """About how many there are; 0 where the file doesn't say."""
    length: Fraction
    """Seconds that the file says the film takes; 0 where it doesn't say."""
    is_exact: bool
    """Whether that is the film's own length, and not that of the longest stream."""
    bit_rate: int
    aspect: Fraction
    """Width of a pixel by its height, upright."""
    colours: Colours
    has_alpha: bool
    fields: str
    """FFmpeg's name of the order of fields; "" for a progressive film."""
    beside: dict[str, bytes]
    """What the first frame carries beside its pixels, by FFmpeg's names of the kinds."""


def info_of(container: InputContainer, film: VideoStream, first: VideoFrame, shown: VideoFrame) -> ClipInfo:
    """Of a container, its film, the first frame as it was decoded, and the same upright."""
    context, filters = film.codec_context, upright(first)
    across = turns_across(filters)
    rate = Fraction(film.average_rate or film.guessed_rate or _USUAL_RATE) or _USUAL_RATE
    aspect = Fraction(film.sample_aspect_ratio or 1) or Fraction(1)
    assert film.time_base is not None  # FFmpeg gives every video stream one
    length = _length(container, film, rate)
    if is_avi(container) and film.guessed_rate:
        rate = Fraction(film.guessed_rate)  # of H.264, AVI may count fields
    return ClipInfo(
        Size(shown.width, shown.height),
        filters,
        _CODECS.get(str(context.name), str(context.name)),
        shown.format.name,
        max(component.bits for component in shown.format.components) > 8,
        film.time_base,
        rate,
        round(length * rate) if is_avi(container) else film.frames or round(length * rate),
        Fraction(0) if may_jump(container) else length,  # broadcasts don't say it: FFmpeg guesses from their times
        bool(film.duration),
        context.bit_rate or 0,
        1 / aspect if across else aspect,
        Colours.of(context, first.format, is_grey(first.format)),
        any(component.is_alpha for component in first.format.components),
        _fields(film, first),
        side_data(first),
    )


def codec_of(film: VideoStream) -> str:
    """The name of the film's codec, whoever decodes it."""
    return _CODECS.get(str(film.codec_context.name), str(film.codec_context.name))


def _length(container: InputContainer, film: VideoStream, rate: Fraction) -> Fraction:
    if is_avi(container) and film.frames:
        return film.frames / rate  # of an AVI without its index, FFmpeg guesses the time
    if film.duration and film.time_base is not None:
        return Fraction(film.duration) * film.time_base
    # Matroska says when the last stream ends, whenever the first one starts.
    start = max(container.start_time or 0, 0) if "matroska" in container.format.name else 0
    return Fraction(max((container.duration or 0) - start, 0), 1_000_000)


def _fields(film: VideoStream, first: VideoFrame) -> str:
    # PyAV tells the order from 16 on; frames keep theirs either way.
    order = FIELDS.get(getattr(film.codec_context, "field_order", 0), "")
    return order or ("tt" if first.interlaced_frame else "")
