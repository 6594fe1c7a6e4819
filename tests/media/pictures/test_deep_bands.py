"""Large files of 16 bits a channel, decoded in bands: the same numbers as in one piece, whatever the file is like."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib

import cv2
import numpy as np
import pytest
from multifaceswap.media.pictures import deep_bands, read_picture
from multifaceswap.media.pictures.chunks import PNG_SIGNATURE, png_chunk
from multifaceswap.pipeline.errors import ImageError
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

WIDTH, HEIGHT = 41, 61
KINDS = {1: 0, 2: 4, 3: 2, 4: 6}
"""A PNG's kind by its number of channels."""
writes_strips = pytest.mark.skipif(
    not hasattr(cv2, "IMWRITE_TIFF_ROWSPERSTRIP"), reason="needs an OpenCV that writes strips of a wanted height"
)


@pytest.fixture(autouse=True)
def small_bands(monkeypatch):
    monkeypatch.setattr(deep_bands, "_BAND_PIXELS", 7 * WIDTH)
    monkeypatch.setattr(deep_bands, "MOST_WHOLE", 0)


def _noise(channels: int) -> np.ndarray:
    return np.random.default_rng(channels).integers(0, 65_536, (HEIGHT, WIDTH, channels), np.uint16)


def _filtered(pixels: np.ndarray) -> bytes:
    """The rows of a PNG, with all five filters in turn (PNG, third edition, 9.2)."""
    step = pixels.shape[2] * 2
    rows = pixels.astype(">u2").reshape(len(pixels), -1).view(np.uint8).astype(int)
    packed, above = [], np.zeros(rows.shape[1], int)
    for number, row in enumerate(rows):
        left, corner = (np.concatenate([np.zeros(step, int), line[:-step]]) for line in (row, above))
        guess = left + above - corner
        far = np.stack([abs(guess - one) for one in (left, above, corner)])
        paeth = np.choose(far.argmin(0), [left, above, corner])
        taken = (0, left, above, (left + above) // 2, paeth)[number % 5]
        packed.append(bytes([number % 5]) + ((row - taken) % 256).astype(np.uint8).tobytes())
        above = row
    return b"".join(packed)


def _png(pixels: np.ndarray, *chunks: tuple[bytes, bytes], interlaced: int = 0, lost: int = 0) -> bytes:
    packed = zlib.compress(_filtered(pixels))
    packed = packed[: len(packed) - lost]
    half = len(packed) // 2
    header = struct.pack(">IIBBBBB", pixels.shape[1], len(pixels), 16, KINDS[pixels.shape[2]], 0, 0, interlaced)
    every = [(b"IHDR", header), *chunks, (b"IDAT", packed[:half]), (b"IDAT", packed[half:]), (b"IEND", b"")]
    return PNG_SIGNATURE + b"".join(png_chunk(*chunk) for chunk in every)


def _tiff(pixels: np.ndarray, *options: int) -> bytes:
    stored = pixels if pixels.shape[2] == 1 else pixels[..., [2, 1, 0, 3][: pixels.shape[2]]]
    return cv2.imencode(".tif", stored, options)[1].tobytes()


def _read(tmp_path, data: bytes) -> np.ndarray:
    (tmp_path / "a").write_bytes(data)
    return read_picture(tmp_path / "a")


@pytest.mark.parametrize("channels", KINDS)
def test_every_kind_of_png_is_read_as_it_was_written(tmp_path, channels):
    pixels = _noise(channels)
    read = _read(tmp_path, _png(pixels))
    assert (read == (pixels[..., [0, 0, 0, 1]] if channels == 2 else pixels)).all()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_colour_that_is_transparent_is_so_in_every_band(tmp_path, channels):
    pixels = _noise(channels)
    pixels[[1, 30, 60], [2, 3, 4]] = 777
    read = _read(tmp_path, _png(pixels, (b"tRNS", struct.pack(f">{channels}H", *[777] * channels))))
    assert (read[..., :3] == pixels).all()
    assert np.argwhere(read[..., 3] == 0).tolist() == [[1, 2], [30, 3], [60, 4]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_png_is_turned_as_pillow_turns_it(tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    pixels = _noise(1)
    read = _read(tmp_path, _png(pixels, (b"eXIf", exif.tobytes()[6:])))
    turned = Image.fromarray(pixels[..., 0].astype(np.int32))
    turned.getexif()[0x0112] = orientation
    ways = [None, None, 0, 3, 1, 5, 4, 6, 2]
    way = ways[orientation]
    assert (read[..., 0] == np.asarray(turned if way is None else turned.transpose(Image.Transpose(way)))).all()


@pytest.mark.parametrize("lost", [1, 5, 900, 9000])
def test_a_png_that_is_cut_short_is_refused(tmp_path, lost):
    with pytest.raises(ImageError, match="damaged or cut short"):
        _read(tmp_path, _png(_noise(4), lost=lost + 8))


@writes_strips
def test_what_cannot_be_decoded_in_bands_is_refused_where_it_is_large(tmp_path, monkeypatch):
    with pytest.raises(
        ImageError, match=rf"{WIDTH}×{HEIGHT} with 16 bits a channel in one piece .* without interlacing"
    ):
        interlaced = io.BytesIO(_png(_noise(3), interlaced=1))
        deep_bands.deep_bands(interlaced, Image.new("RGB", (WIDTH, HEIGHT)), f"{WIDTH}×{HEIGHT}")
    one_strip = _tiff(_noise(3), cv2.IMWRITE_TIFF_COMPRESSION, 5, cv2.IMWRITE_TIFF_ROWSPERSTRIP, HEIGHT)
    monkeypatch.setattr(deep_bands, "_MOST_PIECE", WIDTH * HEIGHT - 1)
    with pytest.raises(ImageError, match=r"in one piece .* in strips or tiles"):
        _read(tmp_path, one_strip)
    monkeypatch.setattr(deep_bands, "MOST_WHOLE", 1 << 20)
    assert (_read(tmp_path, one_strip) == _noise(3)).all()


@writes_strips
@pytest.mark.parametrize("compression", [1, 5, 8])
@pytest.mark.parametrize("rows", [1, 3, HEIGHT])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_tiff_in_strips_is_read_as_it_was_written(tmp_path, channels, rows, compression):
    options = (cv2.IMWRITE_TIFF_COMPRESSION, compression, cv2.IMWRITE_TIFF_ROWSPERSTRIP, rows)
    assert (_read(tmp_path, _tiff(_noise(channels), *options)) == _noise(channels)).all()


def _by_pillow(order: str, **tags: object) -> bytes:
    """Two rows of three tiles, 16 bits, uncompressed."""
    pixels = np.zeros((64, 48, 3), np.uint16)
    pixels[:HEIGHT, :WIDTH] = _noise(3)
    tiles = [pixels[y : y + 32, x : x + 16].astype(f"{order}u2").tobytes() for y in (0, 32) for x in (0, 16, 32)]
    mark = (b"MM" if order == ">" else b"II") + struct.pack(f"{order}H", 42)
    directory = ImageFileDirectory_v2(mark + bytes(4))
    known = {256: WIDTH, 257: HEIGHT, 258: (16,) * 3, 259: 1, 262: 2, 277: 3, 284: 1, 322: 16, 323: 32}
    starts = tuple(8 + len(tiles[0]) * number for number in range(6))
    known |= {324: starts, 325: (len(tiles[0]),) * 6} | {int(name[1:]): value for name, value in tags.items()}
    for tag, value in known.items():
        directory[tag] = value
    at = 8 + sum(map(len, tiles))
    return mark + struct.pack(f"{order}I", at) + b"".join(tiles) + directory.tobytes(at)


@pytest.mark.parametrize("order", "<>")
def test_a_tiff_in_tiles_is_read_in_either_byte_order(tmp_path, order):
    assert (_read(tmp_path, _by_pillow(order)) == _noise(3)).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_tiff_is_the_same_in_bands_and_in_one_piece(tmp_path, monkeypatch, orientation):
    data = _by_pillow("<", t274=orientation)
    banded = _read(tmp_path, data)
    monkeypatch.setattr(deep_bands, "MOST_WHOLE", 1 << 30)
    assert banded.shape == ((HEIGHT, WIDTH, 3) if orientation < 5 else (WIDTH, HEIGHT, 3))
    assert (banded == _read(tmp_path, data)).all()


def test_strips_that_share_what_they_hold_are_not_joined(tmp_path):
    data = _by_pillow("<")
    with pytest.raises(ImageError, match="in one piece"):
        _read(tmp_path, data.replace(struct.pack("<6I", *[16 * 32 * 6] * 6), struct.pack("<6I", *[len(data) // 2] * 6)))


def test_of_a_png_in_bands_no_second_picture_is_held(tmp_path, monkeypatch):
    """Of 24 MB: the pixels, and what bands take."""
    monkeypatch.undo()
    side = 2000
    packed = zlib.compress((b"\0" + bytes(range(8)) * side) * (2 * side), 1)
    header = struct.pack(">IIBBBBB", side, 2 * side, 16, 6, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")]
    data = io.BytesIO(PNG_SIGNATURE + b"".join(png_chunk(*chunk) for chunk in chunks)).getvalue()
    (tmp_path / "a.png").write_bytes(data)
    tracemalloc.start()
    try:
        read = read_picture(tmp_path / "a.png")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read.shape == (2 * side, side, 4) and peak < 1.3 * read.nbytes
