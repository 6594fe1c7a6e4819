"""The directories of TIFF and EXIF (TIFF 6.0): whether they can be read in memory that their size accounts for."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from typing import BinaryIO, Final, Literal, NamedTuple

from .slices import Span, read_span, size_of

EXIF: Final = b"Exif\0\0"
"""What EXIF begins with in a JPEG."""
CUT_SHORT: Final = (struct.error, IndexError, OverflowError, ValueError, OSError)
"""What comes of places beyond the end."""
_EXIF_BYTES: Final = 16 << 20
_NUMBERS: Final = 1 << 19
"""In one tag: the places of a picture's strips or tiles."""
_SHARED: Final = 1 << 16
"""Bytes by which the tags of a directory may together exceed their file."""
_POINTERS: Final = (0x8769, 0x8825, 0xA005)
"""Tags of EXIF that lead to further directories."""
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a number by its type."""
_BYTES: Final = (1, 2, 6, 7)
"""Types that readers don't take apart."""


def check_tiff(file: BinaryIO) -> str | None:
    """What is out of proportion in a TIFF's first directory. Raises `CUT_SHORT`."""
    size = size_of(file)
    layout, first = _layout(file)
    return _too_much(_tags(file, layout, first), size, layout)


def tiff_pages(file: BinaryIO) -> int:
    """How many pictures a TIFF holds; 1 for a damaged one."""
    seen: set[int] = set()
    with suppress(*CUT_SHORT):
        layout, at = _layout(file)
        size = size_of(file)
        while at and at not in seen and at < size:
            seen.add(at)
            count = _number(file, layout.number, at)
            at = _number(file, layout.offset, at + layout.head + count * layout.size)
    return max(len(seen), 1)


def _number(file: BinaryIO, kind: str, at: int) -> int:
    return struct.unpack(kind, read_span(file, Span(at, at + struct.calcsize(kind))))[0]


def is_bounded_exif(exif: bytes) -> bool:
    """Whether the directories of a block of EXIF can be read in memory that its size accounts for."""
    file = io.BytesIO(exif.removeprefix(EXIF))
    if len(exif) > _EXIF_BYTES:
        return False
    with suppress(*CUT_SHORT):
        layout, first = _layout(file)
        directories, seen = [first], set[int]()
        while directories:
            at = directories.pop()
            if at in seen:
                continue
            seen.add(at)
            tags = _tags(file, layout, at)
            if _too_much(tags, len(exif), layout):
                return False
            directories += [int.from_bytes(tag.value, layout.order) for tag in tags if tag.tag in _POINTERS]
    return True


class _Layout(NamedTuple):
    """How a TIFF writes its directories."""

    order: Literal["little", "big"]
    number: str
    """Of a directory's tags, as `struct` reads it."""
    head: int
    """Bytes of that."""
    entry: str
    size: int
    """Bytes of a tag's entry."""
    offset: str
    room: int
    """Bytes that a value may have within its entry."""


class _Tag(NamedTuple):
    tag: int
    kind: int
    numbers: int
    value: bytes


def _layout(file: BinaryIO) -> tuple[_Layout, int]:
    """And where the first directory is. Raises struct.error."""
    file.seek(0)
    start = file.read(16)
    order: Literal["little", "big"] = "little" if start[:2] == b"II" else "big"
    sign = "<" if order == "little" else ">"
    if struct.unpack_from(f"{sign}H", start, 2)[0] == 43:
        layout = _Layout(order, f"{sign}Q", 8, f"{sign}HHQ8s", 20, f"{sign}Q", 8)
        return layout, struct.unpack_from(layout.offset, start, 8)[0]
    layout = _Layout(order, f"{sign}H", 2, f"{sign}HHI4s", 12, f"{sign}I", 4)
    return layout, struct.unpack_from(layout.offset, start, 4)[0]


def _tags(file: BinaryIO, layout: _Layout, at: int) -> list[_Tag]:
    file.seek(at)
    (count,) = struct.unpack(layout.number, file.read(layout.head))
    entries = file.read(min(count, 1 << 16) * layout.size)
    whole = len(entries) // layout.size * layout.size
    return [_Tag(*entry) for entry in struct.iter_unpack(layout.entry, entries[:whole])]


def _too_much(tags: list[_Tag], size: int, layout: _Layout) -> str | None:
    """What is wrong with the tags of one directory in a file of so many bytes."""
    total = 0
    for tag in tags:
        length = _SIZES.get(tag.kind, 0) * tag.numbers
        if length <= layout.room or int.from_bytes(tag.value, layout.order) + length > size:
            continue  # what goes beyond the file is never read
        if tag.kind not in _BYTES and tag.numbers > _NUMBERS:
            return f"a tag of {tag.numbers:,} numbers"
        total += length
    return f"tags of {total:,} bytes in a file of {size:,}" if total > size + _SHARED else None
