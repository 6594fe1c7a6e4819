"""What a picture's file may ask of its readers beside its pixels: limits that nothing made in good faith comes near.

Readers step through such structures in Python, or join them piece by piece: hostile ones cost minutes and gigabytes.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, Final

from ...pipeline.errors import ImageError
from ..limits import MAX_PIXELS
from .directories import CUT_SHORT, EXIF, check_tiff, is_bounded_exif
from .slices import size_of

_PARTS: Final = 1 << 18
"""A picture of 100 megapixels in pieces of 4 KB has fewer."""
_SEGMENTS: Final = 1 << 16
"""Of a JPEG before its pixels; a depth map of 100 MB takes 1600."""
_SCANS: Final = 16
"""Passes over all pixels of a progressive JPEG, of which programs write about ten; more where it is small."""
_SCANNED: Final = 1 << 31
"""Pixels in all passes together."""
_STEPPED: Final = 256
"""Segments of a kind that is read in Python: EXIF and what Photoshop writes."""
_PNG: Final = b"\x89PNG"
_PNG_CHANNELS: Final = {2: 3, 4: 2, 6: 4}
_DEFLATED: Final = 1032
"""Most bytes that a byte of a PNG unpacks to (zlib's technical details)."""
_GIF_BLOCKS: Final = 1 << 14
"""Before a GIF's pixels: comments of 4 MB."""
_GIF_EXTENSION: Final = 0x21
_GIF_FRAME: Final = 0x2C
_JP2: Final = b"\0\0\0\x0c"
_FRAMES: Final = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
"""Markers behind which a JPEG says its size."""
_MARKER: Final = re.compile(b"\xff[\x01-\xcf\xd8-\xfe]", re.DOTALL)
"""What can't be among a JPEG's coded pixels."""


def require_bounded(file: BinaryIO, name: str) -> None:
    """Raise ImageError for a file whose structure is out of all proportion; it is left at its start."""
    start = file.read(4)
    check = next((check for magic, check in _CHECKS if start.startswith(magic)), None)
    reason = None
    with suppress(*CUT_SHORT):  # its reader says so
        reason = check(file) if check else None
    file.seek(0)
    if reason:
        raise ImageError(f"{name}: the picture is damaged, or made to keep its readers busy: {reason}")


def _check_jpeg(file: BinaryIO) -> str | None:
    exif: list[bytes] = []
    pixels = stepped = 0
    for number, (code, length) in enumerate(_segments(file)):
        if code in _FRAMES:
            _, height, width = struct.unpack(">BHH", file.read(5))
            pixels = max(pixels, height * width)
        if code == 0xE1 and (content := file.read(length)).startswith(EXIF):
            exif.append(content.removeprefix(EXIF))
        stepped += code == 0xED
        if number > _SEGMENTS or len(exif) + stepped > _STEPPED:
            return f"more than {_SEGMENTS:,} segments, or {_STEPPED} of EXIF and Photoshop"
    if not is_bounded_exif(b"".join(exif)):
        return "tags of EXIF that share what they hold"
    most = max(_SCANS, _SCANNED // max(pixels, 1))
    return _check_scans(file.getbuffer(), file.tell(), most) if isinstance(file, io.BytesIO) else None


def _segments(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Kind and length of the segments before a JPEG's pixels, each with the file at its content; then at the pixels.

    Bytes that only fill are given as kind 0.
    """
    file.seek(2)
    mark = file.read(2)
    while len(mark) == 2 and mark[0] == 0xFF and mark[1] not in (0xD9, 0xDA):
        if mark[1] == 0xFF:
            yield 0, 0
            mark = mark[1:] + file.read(1)
            continue
        end = file.tell()
        if mark[1] not in (0x00, 0x01, *range(0xD0, 0xD9)):
            (length,) = struct.unpack(">H", file.read(2))
            end += max(length, 2)
            yield mark[1], end - file.tell()
        else:
            yield 0, 0
        file.seek(end)
        mark = file.read(2)


def _check_scans(data: memoryview, at: int, most: int) -> str | None:
    scans = 1
    while found := _MARKER.search(data, at):
        code, at = data[found.start() + 1], found.end()
        scans += code == 0xDA
        if scans > most:
            return f"more than {most} scans"
        if code == 0xD9:
            return None
        if code >= 0xC0 and code != 0xD8:
            at += max(struct.unpack_from(">H", data, at)[0], 2)
    return None


def _check_png(file: BinaryIO) -> str | None:
    size = size_of(file)
    file.seek(16)
    width, height, bits, kind = struct.unpack(">IIBB", file.read(10))
    if width * height <= MAX_PIXELS and width * height * bits * _PNG_CHANNELS.get(kind, 1) // 8 > size * _DEFLATED:
        return f"pixels of {width}×{height} in {size:,} bytes"
    file.seek(8)
    for _ in range(_PARTS):
        head = file.read(8)
        if len(head) < 8:
            return None
        file.seek(struct.unpack(">I", head[:4])[0] + 4, io.SEEK_CUR)
    return f"more than {_PARTS:,} chunks"


def _check_gif(file: BinaryIO) -> str | None:
    """Of what comes before the first frame."""
    blocks = 0
    for kind, size in _gif_blocks(file):
        blocks += size
        if blocks > _GIF_BLOCKS:
            return f"more than {_GIF_BLOCKS:,} blocks before its pixels"
        if kind == _GIF_FRAME:
            return None
    return None


def gif_frames(file: BinaryIO) -> int | None:
    """How many frames a GIF has; None for one of so many blocks that nobody counts them."""
    frames = blocks = 0
    with suppress(*CUT_SHORT):
        for kind, size in _gif_blocks(file):
            frames += kind == _GIF_FRAME
            blocks += size
            if blocks > _PARTS:
                return None
    return frames


def _gif_blocks(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Kinds of a GIF's blocks up to its end, each before what it holds, and of how many parts the one before was."""
    start = file.read(13) if file.seek(0) == 0 else b""
    file.seek(_colours(start[10]), io.SEEK_CUR)
    parts = 0
    while (kind := file.read(1)[0]) in (_GIF_EXTENSION, _GIF_FRAME):
        yield kind, parts + 1
        if kind == _GIF_FRAME:
            file.seek(_colours(file.read(9)[8]), io.SEEK_CUR)
        file.seek(1, io.SEEK_CUR)
        parts = 0
        while length := file.read(1)[0]:
            file.seek(length, io.SEEK_CUR)
            parts += 1
            if parts > _PARTS:
                yield kind, parts


def _colours(flags: int) -> int:
    """Bytes of a table of colours."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _check_jp2(file: BinaryIO) -> str | None:
    file.seek(0)
    for _ in range(_PARTS):
        head = file.read(8)
        length = int.from_bytes(head[:4], "big")
        if len(head) < 8 or length < 8:
            return None
        file.seek(length - 8, io.SEEK_CUR)
    return f"more than {_PARTS:,} boxes"


_CHECKS: Final = (
    (b"\xff\xd8", _check_jpeg),
    (_PNG, _check_png),
    (b"II", check_tiff),
    (b"MM", check_tiff),
    (_JP2, _check_jp2),
    (b"GIF8", _check_gif),
)
