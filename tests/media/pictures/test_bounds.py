"""Files made to keep their readers busy are refused after a step for each of few parts; what cameras write is read."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from multifaceswap.media.pictures import decode_picture, read_metadata
from multifaceswap.media.pictures.bounds import gif_frames
from multifaceswap.media.pictures.directories import is_bounded_exif, tiff_pages
from multifaceswap.pipeline.errors import ImageError
from PIL import Image

RGB = Image.fromarray(np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3))
TAGS = [(256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (278, 4, 1, 8), (279, 4, 1, 64)]


def saved(kind: str, image: Image.Image = RGB, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def directory(tags: list[tuple[int, int, int, int]], following: int) -> bytes:
    entries = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return struct.pack("<H", len(tags)) + entries + struct.pack("<I", following)


def tiff(more: list[tuple[int, int, int, int]] = [], pages: int = 1, end: int = 0) -> bytes:  # noqa: B006
    """8×8 grey pixels, which all pages share."""
    size = 6 + 12 * (len(TAGS) + 1 + len(more))
    pixels = 8 + size * pages
    following = [*(8 + size * page for page in range(1, pages)), end]
    body = b"".join(directory([*TAGS, (273, 4, 1, pixels), *more], at) for at in following)
    return b"II*\0" + struct.pack("<I", 8) + body + bytes(64)


def segment(code: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, code, len(content) + 2) + content


def jpeg(segments: bytes) -> bytes:
    data = saved("JPEG")
    return data[:2] + segments + data[2:]


def png(chunks: bytes) -> bytes:
    data = saved("PNG")
    return data[:33] + chunks + data[33:]


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def scans(number: int) -> bytes:
    data = saved("JPEG", RGB.resize((1000, 1000)), progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * number + data[-2:]


def shared(number: int, length: int) -> bytes:
    """EXIF whose tags all have the same bytes."""
    tags = [(1000 + tag, 1, length, 100) for tag in range(number)]
    return b"Exif\0\0II*\0\x08\0\0\0" + directory(tags, 0) + bytes(length)


GIF = saved("GIF", RGB.convert("P").resize((1, 1)))
GIF_HEAD = GIF[: 13 + (3 << ((GIF[10] & 7) + 1))]
GIF_FRAME = b"\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"

HOSTILE = {
    "segments": (jpeg(segment(0xE5, b"x") * 70_000), "more than 65,536 segments"),
    "filling": (jpeg(b"\xff" * 70_000), "more than 65,536 segments"),
    "blocks of EXIF": (jpeg(segment(0xE1, b"Exif\0\0a") * 300), "256 of EXIF"),
    "shared EXIF": (jpeg(segment(0xE1, shared(2000, 30_000))), "share what they hold"),
    "scans": (scans(2200), "more than 2147 scans"),
    "chunks": (png(chunk(b"aaAa") * 270_000), "more than 262,144 chunks"),
    "boxes": (saved("JPEG2000")[:12] + b"\0\0\0\x08free" * 270_000, "more than 262,144 boxes"),
    "comments": (GIF_HEAD + b"\x21\xfe" + b"\1a" * 20_000 + b"\0" + GIF_FRAME + b";", "more than 16,384 blocks"),
    "shared tags": (tiff([(2000 + n, 1, 900, 8) for n in range(3000)]), "tags of 2,700,000 bytes in a file of 36,"),
    "numbers": (tiff([(2000, 3, 600_000, 8)]) + bytes(1_200_000), "a tag of 600,000 numbers"),
    "pixels": (png(b"")[:16] + struct.pack(">II", 10_000, 10_000) + png(b"")[24:], "pixels of 10000×10000 in"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_keeps_readers_busy_is_refused_in_one_line(name):
    data, reason = HOSTILE[name]
    with pytest.raises(ImageError, match=r"^a\.x: the picture is damaged, or made to keep") as refused:
        decode_picture(data, "a.x")
    assert reason in str(refused.value) and len(str(refused.value)) < 200


@pytest.mark.parametrize(
    "data",
    [
        jpeg(segment(0xE5, b"x") * 5000),
        jpeg(b"".join(segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(60_000)) for _ in range(1600))),
        jpeg(segment(0xE1, shared(20, 500))),
        scans(60),
        png(chunk(b"tEXt", b"key\0text") * 5000),
        GIF_HEAD + b"\x21\xfe" + (b"\xff" + bytes(255)) * 5000 + b"\0" + GIF_FRAME + b";",
        tiff([(2000, 7, 1 << 20, 500)]) + bytes(1 << 20),
        tiff([(2000, 12, 0xFFFFFFF0, 8)]),
    ],
    ids=range(8),
)
def test_what_good_faith_makes_is_read(data):
    assert decode_picture(data, "a.x").ndim == 3


@pytest.mark.parametrize(("pages", "end", "found"), [(1, 0, 1), (3, 0, 3), (3, 8, 3), (9999, 0, 9999), (2, 1 << 31, 2)])
def test_pages_are_counted_once_each(tmp_path, pages, end, found):
    data = tiff(pages=pages, end=end)
    assert tiff_pages(io.BytesIO(data)) == found
    (tmp_path / "a.tif").write_bytes(data)
    said = (f"{found} frames: only the first is used",) if found > 1 else ()
    assert read_metadata(tmp_path / "a.tif").notes == said


def test_pages_of_a_large_tiff_are_counted():
    big = b"MM\0\x2b\0\x08\0\0" + struct.pack(">Q", 16) + struct.pack(">QQ", 0, 32) + struct.pack(">QQ", 0, 0)
    assert tiff_pages(io.BytesIO(big)) == 2 and tiff_pages(io.BytesIO()) == 1 and tiff_pages(io.BytesIO(big[:20])) == 1


def test_frames_of_a_gif_are_counted_up_to_a_limit(tmp_path):
    assert gif_frames(io.BytesIO(GIF_HEAD + GIF_FRAME * 7 + b";")) == 7
    assert gif_frames(io.BytesIO(GIF_HEAD + GIF_FRAME * 3)) == 3 and gif_frames(io.BytesIO(GIF_HEAD[:5])) == 0
    assert gif_frames(io.BytesIO(GIF_HEAD + GIF_FRAME * 140_000)) is None
    (tmp_path / "a.gif").write_bytes(GIF_HEAD + GIF_FRAME * 140_000 + b";")
    assert read_metadata(tmp_path / "a.gif").notes == ("more than one frame: only the first is used",)


def test_directories_that_lead_back_to_themselves_are_read_once():
    loop = b"II*\0\x08\0\0\0" + directory([(0x8769, 4, 1, 8), (0x8825, 4, 1, 8)], 8)
    assert is_bounded_exif(b"Exif\0\0" + loop) and not is_bounded_exif(shared(2000, 60_000))
