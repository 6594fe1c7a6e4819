"""XMP in clips: MP4 and MOV hold it, Matroska and WebM don't. ISO 16684-3 says where."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from ..files import open_file
from ..xmp import MOST
from ..xmp_kept import FoundXmp

_UUID: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_MOST_BOXES: Final = 10_000
_MOV_PATH: Final = (b"moov", b"udta", b"XMP_")


class _Box(NamedTuple):
    kind: bytes
    start: int
    """Where its content starts."""
    end: int


def read_clip_xmp(source: str | os.PathLike[str] | BufferedIOBase | BinaryIO) -> FoundXmp:
    """The XMP of an MP4 or MOV, as it is; of other files none. Raises OSError."""
    if not isinstance(source, str | os.PathLike):
        return _found(source)
    with open_file(source) as file:
        return _found(file)


def append_xmp(path: Path, packet: bytes) -> None:
    """Put a packet behind all else of an MP4 or MOV that has none. Raises OSError."""
    content = _UUID + packet
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", len(content) + 8, b"uuid") + content)


def _found(file: BinaryIO | BufferedIOBase) -> FoundXmp:
    end = file.seek(0, os.SEEK_END)
    file.seek(0)
    if file.read(12)[4:8] not in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return FoundXmp()
    places = [*_of_uuid(file, end), *_inside(file, _Box(b"", 0, end), _MOV_PATH)]
    packets = [_content(file, place) for place in places]
    return FoundXmp(packets)


def _of_uuid(file: BinaryIO | BufferedIOBase, end: int) -> Iterator[_Box]:
    for box in _boxes(file, 0, end):
        if box.kind == b"uuid" and _read(file, box.start, 16) == _UUID:
            yield box._replace(start=box.start + 16)


def _inside(file: BinaryIO | BufferedIOBase, outer: _Box, path: tuple[bytes, ...]) -> Iterator[_Box]:
    if not path:
        yield outer
        return
    for box in _boxes(file, outer.start, outer.end):
        if box.kind == path[0]:
            yield from _inside(file, box, path[1:])


def _boxes(file: BinaryIO | BufferedIOBase, start: int, end: int) -> Iterator[_Box]:
    for _ in range(_MOST_BOXES):
        head = _read(file, start, 16)
        if len(head) < 8 or start + 8 > end:
            return
        length, kind = struct.unpack_from(">I4s", head)
        begin = start + 8
        if length == 1 and len(head) == 16:
            (length,), begin = struct.unpack_from(">Q", head, 8), start + 16
        length = length or end - start  # to the end
        if length < begin - start or start + length > end:
            return
        yield _Box(kind, begin, start + length)
        start += length


def _content(file: BinaryIO | BufferedIOBase, box: _Box) -> bytes:
    """One byte more than is read elsewhere of a packet that is too large, which says so."""
    return _read(file, box.start, min(box.end - box.start, MOST + 1))


def _read(file: BinaryIO | BufferedIOBase, start: int, length: int) -> bytes:
    file.seek(start)
    return file.read(length)
