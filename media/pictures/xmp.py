"""Where picture files have their XMP: found, and put there without touching the pixels.

ISO 16684-3 says where; the WebP container's specification where in a WebP.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import BinaryIO, Final, NamedTuple

from PIL import Image

from ...pipeline.quotes import listed
from ..xmp import MOST, XmpError, shortened
from ..xmp_kept import FoundXmp, with_format
from .chunks import TEXTS, png_chunk, png_chunks, unpacked

PNG_XMP: Final = b"XML:com.adobe.xmp"
_MOST_IN_JPEG: Final = 65_502
"""Bytes of a packet that one segment holds."""
_JPEG_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_JPEG_MORE: Final = b"http://ns.adobe.com/xmp/extension/\0"
_EXTENDED: Final = b"HasExtendedXMP"
_MOST_MORE: Final = MOST
_EXIF: Final = b"Exif\0\0"
_PIXELS: Final = 0xDA
_APP0, _APP1 = 0xE0, 0xE1
_HAS_XMP: Final = 0x04
"""A WebP's flag."""
_HAS_ALPHA: Final = 0x10


class _Segment(NamedTuple):
    """Of a JPEG: its marker, what it holds, and where it ends."""

    marker: int
    content: bytes
    end: int


def find_xmp(image: Image.Image, file: BinaryIO) -> FoundXmp:
    """The XMP of a picture that is open."""
    if image.format in ("JPEG", "MPO"):
        return _of_jpeg([content for marker, content in _app_segments(image) if marker == "APP1"])
    if image.format == "PNG":
        chunks = [chunk for chunk in png_chunks(file, TEXTS) if chunk[1].startswith(PNG_XMP + b"\0")]
        return FoundXmp([_png_text(kind, content) or b"" for kind, content in chunks])
    packet = image.info.get("xmp")
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "surrogatepass")
    return FoundXmp([packet] if isinstance(packet, bytes) else ())


def _app_segments(image: Image.Image) -> list[tuple[str, bytes]]:
    return getattr(image, "applist", [])


def _of_jpeg(segments: list[bytes]) -> FoundXmp:
    packets = [one.removeprefix(_JPEG_XMP) for one in segments if one.startswith(_JPEG_XMP)]
    parts = [one.removeprefix(_JPEG_MORE) for one in segments if one.startswith(_JPEG_MORE)]
    if not packets or not parts or _EXTENDED not in packets[0]:
        return FoundXmp(packets)
    with suppress(XmpError):
        return FoundXmp(packets, _joined(packets[0], parts))
    return FoundXmp(packets, None, ("the second part of the XMP left out: it is damaged or too large",))


def _joined(packet: bytes, parts: list[bytes]) -> bytes:
    """The second part, of the pieces that the first one names (ISO 16684-3). Raises XmpError."""
    pieces: dict[int, bytes] = {}
    digest, whole = b"", 0
    for part in parts:
        if len(part) < 40 or part[:32] not in packet:
            continue
        digest = part[:32]
        whole, start = struct.unpack(">II", part[32:40])
        pieces.setdefault(start, part[40:])
    data = b"".join(piece for _, piece in sorted(pieces.items()))
    if len(data) > _MOST_MORE or len(data) != whole or hashlib.md5(data).hexdigest().upper().encode() != digest.upper():
        raise XmpError("is damaged")
    return data


def _png_text(kind: bytes, content: bytes) -> bytes | None:
    """What a chunk of text says; None where it is damaged or too large."""
    rest = content[len(PNG_XMP) + 1 :]
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return unpacked(rest[1:], MOST)
    packed, text = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
    return unpacked(text, MOST) if packed else text


def described(data: bytes, image_format: str, packet: bytes | None) -> tuple[bytes, tuple[str, ...]]:
    """A jpeg, png or webp with this packet instead of what it has, its pixels as they are; what couldn't be held."""
    packet, lost = held_xmp(packet, image_format)
    if packet is None:
        return data, lost
    return {"jpeg": _jpeg_with, "png": _png_with, "webp": _webp_with}[image_format](data, packet), lost


def held_xmp(packet: bytes | None, image_format: str) -> tuple[bytes | None, tuple[str, ...]]:
    """A packet as a file of this format can hold it, and what was lost."""
    if packet is None:
        return None, ()
    packet = with_format(packet, f"image/{image_format}")
    if image_format != "jpeg" or len(packet) <= _MOST_IN_JPEG:
        return packet, ()
    short, gone = shortened(packet, _MOST_IN_JPEG)
    return short, (f"jpeg can't hold that much XMP: {listed(gone)} left out (png, webp and avif keep it)",)


def _jpeg_with(data: bytes, packet: bytes) -> bytes:
    kept, start, place = [data[:2]], 2, 0
    for segment in _segments(data):
        if segment.marker == _APP1 and segment.content.startswith((_JPEG_XMP, _JPEG_MORE)):
            start = segment.end
            continue
        kept.append(data[start : segment.end])
        start = segment.end
        if segment.marker == _APP0 or (segment.marker == _APP1 and segment.content.startswith(_EXIF)):
            place = len(kept)  # behind JFIF and EXIF, which readers look for first
    content = _JPEG_XMP + packet
    kept.insert(place or 1, struct.pack(">BBH", 0xFF, _APP1, len(content) + 2) + content)
    return b"".join([*kept, data[start:]])


def _segments(data: bytes) -> Iterator[_Segment]:
    """Those before the pixels."""
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != _PIXELS:
        marker, length = struct.unpack_from(">xBH", data, place)
        if marker == 0xFF:  # filled up
            place += 1
            continue
        yield _Segment(marker, data[place + 4 : place + 2 + length], place + 2 + length)
        place += 2 + length


def _png_with(data: bytes, packet: bytes) -> bytes:
    parts, place = [data[:8]], 8
    while place + 12 <= len(data):
        end = place + 12 + int.from_bytes(data[place : place + 4], "big")
        if data[place + 4 : place + 8] not in TEXTS or not data.startswith(PNG_XMP + b"\0", place + 8):
            parts.append(data[place:end])
        place = end
    chunk = png_chunk(b"iTXt", PNG_XMP + b"\0\0\0\0\0" + packet)
    return b"".join([*parts[:2], chunk, *parts[2:]])


def _webp_with(data: bytes, packet: bytes) -> bytes:
    chunks = [(kind, content) for kind, content in _riff_chunks(data) if kind != b"XMP "]
    if chunks[0][0] != b"VP8X":
        chunks.insert(0, (b"VP8X", _extended_header(data)))
    kind, header = chunks[0]
    chunks[0] = kind, bytes([header[0] | _HAS_XMP]) + header[1:]
    chunks.append((b"XMP ", packet))
    body = b"".join(
        kind + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2) for kind, content in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _riff_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 12
    while place + 8 <= len(data):
        kind, length = struct.unpack_from("<4sI", data, place)
        yield kind, data[place + 8 : place + 8 + length]
        place += 8 + length + length % 2


def _extended_header(data: bytes) -> bytes:
    with Image.open(BytesIO(data), formats=("WEBP",)) as image:
        width, height = image.size
        flags = _HAS_ALPHA if image.mode == "RGBA" else 0
    return bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
