"""16-bit files decoded by OpenCV a band of rows at a time: of a whole picture it holds two copies."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import accumulate
from math import ceil
from typing import BinaryIO, Final, NamedTuple

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

from ...pipeline.clip.prefetch import prefetch
from ...pipeline.errors import ImageError
from ...pipeline.types import Picture, Size
from .chunks import PNG_SIGNATURE, png_chunk, png_chunks, png_pixels
from .opencv import decoded
from .slices import Span, read_span, read_whole, size_of, whole

MOST_WHOLE: Final = 1 << 28
"""Bytes of pixels of what can't be decoded in bands: two copies of them beside what comes of it."""
_BAND_PIXELS: Final = 1 << 17
_MOST_PIECE: Final = 1 << 24
"""Pixels of a strip, or a row of tiles, that are decoded at once."""
_PNG_CHANNELS: Final = {0: (0,), 2: (0, 1, 2), 4: (0, 3), 6: (0, 1, 2, 3)}
"""Which channels of what is decoded a PNG's rows hold, by its kind."""
_PNG_HEADER, _INTERLACING = Span(16, 26), Span(28, 29)
_WIDTH, _HEIGHT, _COMPRESSION, _ORIENTATION = 256, 257, 259, 274
"""A TIFF's tags (TIFF 6.0)."""
_STRIPS: Final = (273, 278, 279)
_TILES: Final = (324, 323, 325)
"""Where a TIFF's pieces are, of how many rows, of how many bytes."""
_TILE_WIDTH: Final = 322
_MEANING: Final = (_TILE_WIDTH, 258, 259, 262, 266, 277, 284, 317, 338, 339)
"""What else a decoder must know of a TIFF's pixels."""
_UNCOMPRESSED: Final = 1
_BIG_ENDIAN: Final = b"MM"
_TIFF: Final = 42
_HEADER: Final = 8
"""Bytes before a TIFF's pixels."""
_LONG: Final = 4
"""Tags of 32 bits."""


class DeepBands(NamedTuple):
    """The pixels of a file as they come."""

    rows: Iterator[Picture]
    """(h, W, C) uint16, RGB, from the top."""
    size: Size
    """Of all of them."""
    orientation: int | None
    """As in EXIF, where these rows have one of their own."""


def deep_bands(file: BinaryIO, image: Image.Image, shown: str) -> DeepBands:
    """The rows of a PNG or TIFF that errors call `shown`; all at once where its structure wants it.

    Raises ImageError for a picture of more than `MOST_WHOLE` bytes that wants it; the rows raise ValueError where it
    is damaged.
    """
    is_large = image.width * image.height * len(image.getbands()) * 2 > MOST_WHOLE
    if isinstance(image, TiffImageFile):
        bands = _of_tiff(file) if is_large else None
    else:
        bands = DeepBands(_png_rows(file), Size(*image.size), None) if not is_interlaced(file) else None
    if bands is None and is_large:
        raise ImageError(
            f"{shown}: {Size(*image.size)} with 16 bits a channel in one piece takes too much memory: save it without "
            "interlacing, a TIFF in strips or tiles, or make it smaller"
        )
    return bands or DeepBands(map(decoded, [read_whole(file)], [np.uint16]), Size(*image.size), None)


def is_interlaced(file: BinaryIO) -> bool:
    """Whether a PNG has its rows in another order."""
    return read_span(file, _INTERLACING) != b"\0"


def _png_rows(file: BinaryIO) -> Iterator[Picture]:
    """Each band is a PNG of its own: its first row is the last one before, which the filters of the next refer to."""
    width, height, _, kind = struct.unpack(">IIBB", read_span(file, _PNG_HEADER))
    channels = _PNG_CHANNELS[kind]
    rows = _Unpacked(file, 1 + 2 * width * len(channels))
    step = max(_BAND_PIXELS // width, 1)
    extra = [*png_chunks(file, (b"tRNS",), before_pixels=True)]
    before = b""
    counts = [min(step, height - top) for top in range(0, height, step)]
    with closing(prefetch(map(rows.take, counts), 1)) as taken:
        for count, unpacked in zip(counts, taken, strict=True):
            packed = zlib.compress(before + unpacked, 0)
            header = struct.pack(">IIBBBBB", width, count + bool(before), 16, kind, 0, 0, 0)
            chunks = [(b"IHDR", header), *extra, (b"IDAT", packed), (b"IEND", b"")]
            band = decoded(PNG_SIGNATURE + b"".join(png_chunk(*chunk) for chunk in chunks), np.uint16)[-count:]
            last = band[-1] if band.shape[2] > 1 else band[-1].repeat(4, axis=1)
            before = b"\0" + last[:, list(channels)].astype(">u2").tobytes()
            yield band


class _Unpacked:
    """The rows of a PNG as they are packed and filtered, in their order."""

    def __init__(self, file: BinaryIO, row: int) -> None:
        self._row = row
        self._parts = png_pixels(file)
        self._stream = zlib.decompressobj()

    def take(self, count: int) -> bytes:
        """The next rows. Raises ValueError where there are fewer."""
        found: list[bytes] = []
        missing = count * self._row
        while missing:
            packed = self._stream.unconsumed_tail or next(self._parts, None)
            if packed is None:
                raise ValueError("its pixels end early")
            found.append(self._stream.decompress(packed, missing))
            missing -= len(found[-1])
        return b"".join(found)


def _of_tiff(file: BinaryIO) -> DeepBands | None:
    """Each band is a TIFF of its own, of some of the strips or tiles; None where they can't be told apart."""
    with TiffImageFile(whole(file)) as image:  # what decodes a TIFF turns it, and forgets how it lay
        tags = image.tag_v2
        size = Size(int(tags[_WIDTH]), int(tags[_HEIGHT]))
        layout = _layout(tags, size, size_of(file))
        return DeepBands(_tiff_rows(file, tags, layout), size, int(tags.get(_ORIENTATION, 1))) if layout else None


class _Layout(NamedTuple):
    """How a TIFF's pixels are cut into pieces: strips, or tiles."""

    size: Size
    tags: tuple[int, int, int]
    """Those of offsets, rows and bytes."""
    rows: int
    """Of a piece."""
    across: int
    """Pieces side by side."""
    offsets: Sequence[int]
    counts: Sequence[int]


def _layout(tags: ImageFileDirectory_v2, size: Size, most: int) -> _Layout | None:
    """None where the pieces aren't those of the size, are large, or come to more than `most` bytes."""
    kinds = _TILES if _TILES[0] in tags else _STRIPS
    offsets, counts = (tuple(map(int, tags.get(kinds[at], ()))) for at in (0, 2))
    rows = int(tags.get(kinds[1], size.height))
    across = ceil(size.width / int(tags[_TILE_WIDTH])) if kinds is _TILES else 1
    if len(offsets) == len(counts) == 1 == across and tags.get(_COMPRESSION, _UNCOMPRESSED) == _UNCOMPRESSED:
        row = counts[0] // size.height
        offsets, counts = range(offsets[0], offsets[0] + row * size.height, row), [row] * size.height
        rows = 1
    if rows < 1 or rows * size.width > _MOST_PIECE or sum(counts) > most:
        return None
    if not len(offsets) == len(counts) == ceil(size.height / rows) * across:
        return None
    return _Layout(size, kinds, rows, across, offsets, counts)


def _tiff_rows(file: BinaryIO, tags: ImageFileDirectory_v2, layout: _Layout) -> Iterator[Picture]:
    size, rows, across = layout.size, layout.rows, layout.across
    step = max(_BAND_PIXELS // (size.width * rows), 1)
    for first in range(0, ceil(size.height / rows), step):
        taken = slice(first * across, (first + step) * across)
        counts = layout.counts[taken]
        places = zip(layout.offsets[taken], counts, strict=True)
        pieces = [read_span(file, Span(at, at + count)) for at, count in places]
        height = min(step * rows, size.height - first * rows)
        own = {_WIDTH: size.width, _HEIGHT: height, layout.tags[1]: rows, layout.tags[2]: tuple(counts)}
        yield decoded(_tiff(tags, {**own, layout.tags[0]: _starts(counts)}, pieces), np.uint16)


def _starts(counts: Sequence[int]) -> tuple[int, ...]:
    return tuple(accumulate(counts, initial=_HEADER))[:-1]


def _tiff(tags: ImageFileDirectory_v2, own: Mapping[int, int | tuple[int, ...]], pieces: Sequence[bytes]) -> bytes:
    """A file of the pieces, which say by their `own` tags where they are, and otherwise what all pixels mean."""
    order = ">" if tags.prefix == _BIG_ENDIAN else "<"
    body = b"".join(pieces)
    at = _HEADER + len(body) + len(body) % 2
    head = tags.prefix + struct.pack(f"{order}HI", _TIFF, at)
    known = {tag: tags[tag] for tag in _MEANING if tag in tags}
    return head + body.ljust(at - _HEADER, b"\0") + _directory({**known, **own}, at, order)


def _directory(tags: Mapping[int, int | tuple[int, ...]], at: int, order: str) -> bytes:
    """A TIFF's directory of whole numbers, and after it those that it has no room for."""
    entries, beyond = struct.pack(f"{order}H", len(tags)), b""
    start = at + len(entries) + 12 * len(tags) + 4
    for tag, given in sorted(tags.items()):
        values = given if isinstance(given, tuple) else (given,)
        packed = struct.pack(f"{order}{len(values)}I", *values)
        entries += struct.pack(f"{order}HHI", tag, _LONG, len(values))
        entries += packed if len(values) == 1 else struct.pack(f"{order}I", start + len(beyond))
        beyond += packed if len(values) > 1 else b""
    return entries + bytes(4) + beyond
