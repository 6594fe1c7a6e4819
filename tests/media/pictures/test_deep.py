"""Files of 16 bits a channel whose numbers aren't simply the shown ones."""

from __future__ import annotations

import struct
import zlib
from itertools import starmap
from pathlib import Path

import numpy as np
import pytest
from multifaceswap.media.pictures import read_metadata, read_picture
from multifaceswap.media.pictures.chunks import PNG_SIGNATURE, png_chunk
from multifaceswap.pipeline.errors import ImageError

_SHADES = np.arange(0, 65_536, 4369, dtype=np.uint16).reshape(2, 8)


def _grey_profile(gamma: float = 1.0) -> bytes:
    """A small ICC profile of version 2: grey of a gamma, white of D50."""
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 63_190, 65_536, 54_061)
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    tags = struct.pack(">I", 2) + struct.pack(">4sII4sII", b"wtpt", 156, 20, b"kTRC", 176, len(curve) - 2)
    head = struct.pack(">I4sI4s4s4s", 192, b"none", 0x02100000, b"mntr", b"GRAY", b"XYZ ") + bytes(12) + b"acsp"
    head += bytes(28) + struct.pack(">3i", 63_190, 65_536, 54_061)
    return (head.ljust(128, b"\0") + tags + white + curve).ljust(192, b"\0")


def _png(pixels: np.ndarray, kind: int, *chunks: tuple[bytes, bytes]) -> bytes:
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, kind, 0, 0, 0)
    every = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return PNG_SIGNATURE + b"".join(starmap(png_chunk, every))


def _tiff(pixels: np.ndarray, **tags: tuple[int, ...]) -> bytes:
    """One strip, little-endian; `tags` over those of a plain file, by number with a `t` before it."""
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    known = {
        256: (pixels.shape[1],), 257: (pixels.shape[0],), 258: (16,) * channels, 259: (1,),
        262: (2 if channels > 1 else 1,),
        273: (0,), 277: (channels,), 278: (pixels.shape[0],), 279: (pixels.nbytes,), 284: (1,),
    }  # fmt: skip
    known |= {int(name[1:]): values for name, values in tags.items()}
    if known[284] == (2,):
        known |= {273: (0,) * channels, 279: (pixels.nbytes // channels,) * channels}
    place = 8 + 2 + 12 * len(known) + 4
    extra, entries = b"", b""
    long = {tag: len(values) * 4 for tag, values in known.items() if len(values) > 1}
    data = place + sum(long.values())
    step = pixels.nbytes // len(known[273])
    known[273] = tuple(data + step * number for number in range(len(known[273])))
    for tag, values in sorted(known.items()):
        packed = struct.pack(f"<{len(values)}I", *values)
        if len(values) > 1:
            packed, extra = struct.pack("<I", place + len(extra)), extra + packed
        entries += struct.pack("<HHI", tag, 4, len(values)) + packed
    body = (np.moveaxis(pixels, 2, 0) if known[284] == (2,) else pixels).astype("<u2").tobytes()
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(known)) + entries + bytes(4) + extra + body


def _read(folder: Path, name: str, data: bytes) -> np.ndarray:
    (folder / name).write_bytes(data)
    return read_picture(folder / name)


def test_grey_with_alpha_goes_through_its_profile_and_keeps_16_bits(tmp_path):
    alpha = np.full_like(_SHADES, 40_000)
    icc = (b"iCCP", b"x\0\0" + zlib.compress(_grey_profile()))
    read = _read(tmp_path, "a.png", _png(np.dstack([_SHADES, alpha]), 4, icc))
    assert read.dtype == np.uint16 and (read[..., 3] == 40_000).all()
    light = _SHADES / 65_535  # of gamma 1: to be coded as sRGB is
    coded = np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)
    assert np.abs(read[..., :3].astype(float) / 257 - coded[..., None] * 255).max() < 2
    assert read_metadata(tmp_path / "a.png").notes == ("grey became sRGB",)
    assert (_read(tmp_path, "b.png", _png(np.dstack([_SHADES, alpha]), 4))[..., 0] == _SHADES).all()


def test_a_transparent_grey_is_alpha(tmp_path):
    read = _read(tmp_path, "a.png", _png(_SHADES, 0, (b"tRNS", struct.pack(">H", int(_SHADES[1, 2])))))
    assert read.shape == (2, 8, 4) and (read[..., :3] == _SHADES[..., None]).all()
    assert (read[..., 3] == np.where(_SHADES[1, 2] == _SHADES, 0, 65_535)).all()


def test_a_tiff_whose_white_is_zero_is_not_a_negative(tmp_path):
    assert (_read(tmp_path, "a.tif", _tiff(65_535 - _SHADES, t262=(0,)))[..., 0] == _SHADES).all()
    assert (_read(tmp_path, "b.tif", _tiff(_SHADES))[..., 0] == _SHADES).all()


@pytest.mark.parametrize("extra", [1, 2])
def test_colours_are_those_without_alpha_whichever_way_a_tiff_has_them(tmp_path, extra):
    colours = np.dstack([_SHADES, _SHADES[::-1], _SHADES[:, ::-1]])
    alpha = np.full_like(_SHADES, 30_000)
    alpha[0, 0] = 0
    stored = np.rint(colours * (alpha[..., None] / 65_535)).astype(np.uint16) if extra == 1 else colours
    read = _read(tmp_path, "a.tif", _tiff(np.dstack([stored, alpha]), t338=(extra,)))
    assert (read[..., 3] == alpha).all()
    assert np.abs(read[..., :3].astype(int) - colours)[alpha > 0].max() <= 2


def test_separate_planes_are_refused_in_true_words(tmp_path):
    with pytest.raises(ImageError, match=r"a\.tif: 16 bits a channel in separate planes can't be read"):
        _read(tmp_path, "a.tif", _tiff(np.dstack([_SHADES] * 3), t284=(2,)))
