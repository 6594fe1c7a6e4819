"""A PNG's chunks: read, written, and those that say what colours mean, which an AVIF says in the same numbers.

And the boxes of a JPEG 2000, of which Pillow leaves out the profile.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Collection, Iterable, Iterator
from typing import BinaryIO, Final

from ...pipeline.types import Size
from .slices import Span, joined, read_span, size_of

PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
Chunk = tuple[bytes, bytes]
"""Kind and content."""
_COLOUR: Final = {b"cICP": 4, b"mDCV": 24, b"cLLI": 8, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32}
"""What says the colours' meaning beside iCCP, and its length; first is what counts most (PNG, third edition)."""
_SRGB_GAMMA: Final = 45_455
_SRGB_PRIMARIES: Final = (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
_LIKE_SRGB: Final = ((1, 2, 5, 6), (1, 2, 6, 13, 14, 15))
"""Colour primaries and transfer characteristics (ITU-T H.273) that viewers show as sRGB."""
_AVIF_HEADER: Final = 1 << 16
TEXTS: Final = (b"tEXt", b"zTXt", b"iTXt")
RAW_PROFILE: Final = b"Raw profile type"
_RAW_EXIF: Final = RAW_PROFILE + b" exif\0"
"""EXIF as a text, by programs that are older than its chunk."""
_MOST_RAW: Final = 1 << 20
_MOST_PROFILE: Final = 16 << 20
_DAMAGED: Final = b"?"
_PIXELS: Final = b"IDAT"
_PIECE: Final = 1 << 20
_JP2_SIZES: Final = b"\xff\x4f\xff\x51"
"""The markers that a code stream starts with."""


def png_size(start: bytes) -> Size | None:
    """The size of a PNG, whose first 24 bytes say it; None for other files."""
    is_png = len(start) >= 24 and start.startswith(PNG_SIGNATURE) and start[12:16] == b"IHDR"
    size = Size(*struct.unpack_from(">II", start, 16)) if is_png else None
    return size if size and all(size) else None


def png_chunks(file: BinaryIO, kinds: Collection[bytes], *, before_pixels: bool = False) -> Iterator[Chunk]:
    """The chunks of these kinds in a PNG, each read as it is asked for; none of other files."""
    for kind, span in _spans(file):
        if before_pixels and kind == _PIXELS:
            return
        if kind in kinds:
            yield kind, _content(file, span)


def png_pixels(file: BinaryIO) -> Iterator[bytes]:
    """The packed pixels of a PNG, in pieces of at most a megabyte."""
    for kind, span in _spans(file):
        if kind == _PIXELS:
            for start in range(span.start + 8, span.end - 4, _PIECE):
                yield read_span(file, Span(start, min(start + _PIECE, span.end - 4)))


def _spans(file: BinaryIO) -> Iterator[tuple[bytes, Span]]:
    """Kinds of a PNG's chunks, and where they are."""
    size, start = size_of(file), len(PNG_SIGNATURE)
    if read_span(file, Span(0, start)) != PNG_SIGNATURE:
        return
    while start + 12 <= size and len(head := read_span(file, Span(start, start + 8))) == 8:
        length, kind = struct.unpack(">I4s", head)
        if start + 8 + length <= size:
            yield kind, Span(start, start + 12 + length)
        start += 12 + length


def _content(file: BinaryIO, span: Span) -> bytes:
    return read_span(file, Span(span.start + 8, span.end - 4))


def bare_png(file: BinaryIO) -> tuple[BinaryIO, bytes | None]:
    """A PNG without its texts and its profile, and that profile; of other files all that they hold.

    What reads pixels would unpack all of them, and refuse the picture where they are large. Of a damaged profile
    something is given that is none.
    """
    kept: list[Span] = []
    last, profile = 0, None
    for kind, span in _spans(file):
        if kind == b"iCCP":
            profile = profile or _profile(_content(file, span))
        elif kind not in TEXTS or (_is_raw_exif(file, span) and span.end - span.start <= _MOST_RAW):
            continue
        kept.append(Span(last, span.start))
        last = span.end
    return joined(file, [*kept, Span(last, max(size_of(file), last))]), profile


def _is_raw_exif(file: BinaryIO, span: Span) -> bool:
    return read_span(file, Span(span.start + 8, span.start + 8 + len(_RAW_EXIF))) == _RAW_EXIF


def _profile(content: bytes) -> bytes:
    start = content.find(b"\0") + 2
    return unpacked(content[start:], _MOST_PROFILE) or _DAMAGED


def may_have_exif(file: BinaryIO) -> bool:
    """Whether it is worth looking: in a PNG, Pillow looks after the pixels too, which it decodes on the way."""
    return read_span(file, Span(0, len(PNG_SIGNATURE))) != PNG_SIGNATURE or any(
        kind == b"eXIf" or content.startswith(RAW_PROFILE) for kind, content in png_chunks(file, (b"eXIf", *TEXTS))
    )


def unpacked(packed: bytes, most: int) -> bytes | None:
    """What zlib packed; None where that is damaged, cut short or more than `most` bytes."""
    stream = zlib.decompressobj()
    try:
        data = stream.decompress(packed, most)
    except zlib.error:
        return None
    return data if stream.eof else None


def text_size(kind: bytes, content: bytes, most: int) -> int | None:
    """Bytes of a chunk of text once it is unpacked; None where that can't be done or is more than `most`."""
    rest = content[content.find(b"\0") + 1 :]
    if kind == b"tEXt" or (kind == b"iTXt" and rest[:1] != b"\1"):
        return len(content)
    packed = rest[1:] if kind == b"zTXt" else rest[2:].split(b"\0", 2)[-1]
    text = unpacked(packed, most)
    return None if text is None else len(text)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk as the file holds it."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_colour(file: BinaryIO) -> list[Chunk]:
    """The chunks of a PNG that say what its colours mean, each kind once, as they are."""
    found: dict[bytes, bytes] = {}
    for kind, content in png_chunks(file, _COLOUR, before_pixels=True):
        if len(content) == _COLOUR.get(kind):
            found.setdefault(kind, content)
    return list(found.items())


def avif_colour(file: BinaryIO, profile: bytes | None) -> list[Chunk]:
    """What the colours of an AVIF or HEIC mean, as cICP, where it isn't sRGB and no profile says it."""
    data = read_span(file, Span(0, _AVIF_HEADER))
    place = data.find(b"colrnclx") if data[4:8] == b"ftyp" and profile is None else -1
    if place < 0 or len(data) < place + 15:
        return []
    primaries, transfer = struct.unpack_from(">HH", data, place + 8)
    if max(primaries, transfer) > 255 or _is_like_srgb(primaries, transfer):
        return []
    return [(b"cICP", bytes([primaries, transfer, 0, 1]))]


def lost_without(colour: Iterable[Chunk], profile: bytes | None) -> list[str]:
    """Which of the chunks change how colours look when they are left out: none that say sRGB or are overruled."""
    chunks = dict(colour)
    if b"cICP" in chunks:
        ordinary = _is_like_srgb(*chunks[b"cICP"][:2])
        return [] if ordinary else [kind.decode() for kind in (b"cICP", b"mDCV", b"cLLI") if kind in chunks]
    if profile is not None or b"sRGB" in chunks:
        return []
    return [kind.decode() for kind in (b"gAMA", b"cHRM") if kind in chunks and not _says_srgb(kind, chunks[kind])]


def _is_like_srgb(primaries: int, transfer: int) -> bool:
    return primaries in _LIKE_SRGB[0] and transfer in _LIKE_SRGB[1]


def _says_srgb(kind: bytes, content: bytes) -> bool:
    if kind == b"gAMA":
        return abs(struct.unpack(">I", content)[0] - _SRGB_GAMMA) <= 500
    return all(abs(a - b) <= 100 for a, b in zip(struct.unpack(">8I", content), _SRGB_PRIMARIES, strict=True))


def jp2_profile(data: bytes) -> bytes | None:
    """The ICC profile in a JP2's header (ISO/IEC 15444-1, annex I); None where it has none."""
    for kind, content in _boxes(data):
        for inner, colour in _boxes(content) if kind == b"jp2h" else ():
            if inner == b"colr" and colour[:1] in (b"\2", b"\3"):
                return colour[3:]
    return None


def jp2_is_tiled(data: bytes) -> bool:
    """Whether a JPEG 2000 is in tiles, which are decoded one by one (ISO/IEC 15444-1, A.5.1)."""
    place = data.find(_JP2_SIZES)
    if not 0 <= place <= len(data) - 32:
        return False
    width, height, left, top, tile_width, tile_height = struct.unpack_from(">6I", data, place + 8)
    return tile_width * tile_height * 2 <= (width - left) * (height - top)


def _boxes(data: bytes) -> Iterator[Chunk]:
    """Kind and content of the boxes up to the first that goes on to the end or beyond it."""
    start = 0
    while start + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        if length < 8 or start + length > len(data):
            return
        yield data[start + 4 : start + 8], data[start + 8 : start + length]
        start += length
