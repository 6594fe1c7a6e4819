from __future__ import annotations

import io
import struct
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest
from multifaceswap.media.limits import MAX_OF_KIND
from multifaceswap.media.pictures import MAX_PIXELS, decode_file, decode_picture, read_metadata, read_picture
from multifaceswap.pipeline.errors import ImageError
from PIL import Image, ImageCms, features

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _png(width: int, height: int, depth: int, colour: int, rows: bytes, *chunks: bytes) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    body = _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + body


def _deep_png(pixels: np.ndarray, *chunks: bytes) -> bytes:
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    return _png(width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], rows, *chunks)


def _deep(channels: int) -> np.ndarray:
    return np.random.default_rng(channels).integers(0, 65536, (5, 7, channels), np.uint16)


def _saved(image: Image.Image, image_format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def _read(tmp_path, data: bytes) -> np.ndarray:
    path = tmp_path / "picture"
    path.write_bytes(data)
    return read_picture(path)


@pytest.mark.parametrize("image_format", ["PNG", "BMP", "TIFF", "WEBP", "GIF"])
def test_colours_come_in_rgb_order(tmp_path, image_format):
    image = Image.new("RGB", (4, 2), RED)
    options = {"lossless": True} if image_format == "WEBP" else {}
    picture = _read(tmp_path, _saved(image, image_format, **options))
    assert picture.shape == (2, 4, 3) and picture.dtype == np.uint8
    assert (picture == RED).all()


def test_grey_stays_one_channel(tmp_path):
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    picture = _read(tmp_path, _saved(Image.fromarray(values), "PNG"))
    assert picture.shape == (3, 4, 1)
    assert (picture[..., 0] == values).all()


def test_black_and_white_is_0_and_255(tmp_path):
    bits = Image.fromarray(np.eye(3, dtype=bool))
    assert (_read(tmp_path, _saved(bits, "PNG"))[..., 0] == np.eye(3) * 255).all()


def test_alpha_and_the_colours_under_it_are_kept(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 4), np.uint8)
    pixels[0, 0, 3] = 0
    assert (_read(tmp_path, _saved(Image.fromarray(pixels), "PNG")) == pixels).all()


def test_grey_with_alpha_becomes_rgb_and_alpha(tmp_path):
    image = Image.new("LA", (1, 1), (50, 60))
    assert _read(tmp_path, _saved(image, "PNG")).tolist() == [[[50, 50, 50, 60]]]


def test_a_palette_becomes_rgb(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *BLUE])
    image.putpixel((1, 0), 1)
    assert _read(tmp_path, _saved(image, "PNG")).tolist() == [[list(RED), list(BLUE)]]


def test_a_palettes_transparency_becomes_alpha(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *BLUE])
    image.putpixel((1, 0), 1)
    assert _read(tmp_path, _saved(image, "PNG", transparency=1)).tolist() == [[[*RED, 255], [*BLUE, 0]]]


def test_a_transparent_colour_becomes_alpha(tmp_path):
    image = Image.new("RGB", (2, 1), RED)
    image.putpixel((1, 0), GREEN)
    assert _read(tmp_path, _saved(image, "PNG", transparency=GREEN)).tolist() == [[[*RED, 255], [*GREEN, 0]]]


def test_cmyk_jpeg_becomes_rgb(tmp_path):
    picture = _read(tmp_path, _saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=100))
    assert picture.shape == (16, 16, 3)
    assert np.abs(picture.astype(int) - RED).max() <= 2


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_png_keeps_every_bit(tmp_path, channels):
    picture = _read(tmp_path, _deep_png(_deep(channels)))
    assert picture.dtype == np.uint16 and (picture == _deep(channels)).all()


def test_16_bit_grey_with_alpha_becomes_rgb_and_alpha(tmp_path):
    assert (_read(tmp_path, _deep_png(_deep(2))) == _deep(2)[..., [0, 0, 0, 1]]).all()


def test_a_16_bit_transparent_colour_becomes_alpha(tmp_path):
    pixels = np.array([[[1, 2, 3], [500, 600, 700]]], np.uint16)
    picture = _read(tmp_path, _deep_png(pixels, _chunk(b"tRNS", struct.pack(">HHH", 1, 2, 3))))
    assert picture.tolist() == [[[1, 2, 3, 0], [500, 600, 700, 65535]]]


# What the stored picture must look like for each tag to show `upright` (EXIF 2.32, table of orientations).
STORED = {
    1: lambda upright: upright,
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright.transpose(1, 0, 2), 2),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("image_format", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("tag", STORED)
def test_exif_orientation_is_applied(tmp_path, tag, image_format):
    upright = np.random.default_rng(1).integers(0, 256, (3, 5, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = tag
    options = {"lossless": True} if image_format == "WEBP" else {}
    stored = Image.fromarray(np.ascontiguousarray(STORED[tag](upright)))
    picture = _read(tmp_path, _saved(stored, image_format, exif=exif, **options))
    assert picture.shape == upright.shape and (picture == upright).all()
    assert picture.flags.c_contiguous


@pytest.mark.parametrize("tag", STORED)
def test_exif_orientation_is_applied_to_16_bits(tmp_path, tag):
    upright = _deep(3)
    exif = Image.Exif()
    exif[0x0112] = tag
    block = _chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    assert (_read(tmp_path, _deep_png(STORED[tag](upright), block)) == upright).all()


def test_a_broken_exif_block_does_not_hide_the_picture(tmp_path):
    data = _saved(Image.new("RGB", (8, 8), RED), "PNG", exif=b"Exif\0\0rubbish")
    assert (_read(tmp_path, data) == RED).all()


def test_reading_leaves_the_file_and_pillows_limit_alone(tmp_path):
    data, limit = _saved(Image.new("RGB", (8, 8), RED), "PNG"), Image.MAX_IMAGE_PIXELS
    _read(tmp_path, data)
    assert (tmp_path / "picture").read_bytes() == data and limit == Image.MAX_IMAGE_PIXELS


def test_100_megapixels_are_read_without_a_warning():
    width, height = 11648, 8736
    data = _saved(Image.new("1", (width, height)), "PNG")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_picture(data, "camera.png").shape == (height, width, 1)


@pytest.mark.parametrize(("width", "height"), [(MAX_PIXELS // 1024 + 1, 1024), (60_000, 60_000)])
def test_more_than_100_megapixels_are_refused_by_the_header_alone(width, height):
    header_only = _png(width, height, 8, 2, b"")
    with pytest.raises(ImageError, match=r"^bomb\.png: .*larger than 100 megapixels: make it smaller first$"):
        decode_picture(header_only, "bomb.png")


def test_a_bomb_in_a_text_chunk_is_never_unpacked(tmp_path):
    texts = _chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(100 * 2**20))) + _chunk(b"tEXt", b"prompt\0a face")
    path = tmp_path / "bomb.png"
    path.write_bytes(_png(1, 1, 8, 2, b"\0\0\0\0", texts))
    tracemalloc.start()
    try:
        assert read_picture(path).tolist() == [[[0, 0, 0]]]
        metadata = read_metadata(path)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert metadata.texts == ((b"tEXt", b"prompt\0a face"),)
    assert metadata.notes == ("texts left out: key: too large or damaged",)


def _without_palette() -> bytes:
    data = _saved(Image.new("L", (40, 30)).quantize(16), "PNG")
    start = data.index(b"PLTE") - 4
    (length,) = struct.unpack_from(">I", data, start)
    return data[:start] + data[start + 12 + length :]


UNREADABLE = {
    "empty": b"",
    "text": b"I am a picture, honestly.\n" * 10,
    "html": b"<!DOCTYPE html><html><body>404</body></html>",
    "cut png": _deep_png(_deep(3))[:80],
    "cut 8-bit png": _saved(Image.effect_noise((64, 64), 90), "PNG")[:-1000],
    "cut jpeg": _saved(Image.effect_noise((64, 64), 90), "JPEG")[:-1000],
    "cut webp": _saved(Image.effect_noise((64, 64), 90).convert("RGB"), "WEBP")[:-500],
    "palette png without a palette": _without_palette(),
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n",
    "float tiff": _saved(Image.new("F", (4, 4)), "TIFF"),
}


@pytest.mark.parametrize("data", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_picture_is_one_line_that_names_the_file(tmp_path, data, capfd):
    with pytest.raises(ImageError) as caught:
        _read(tmp_path, data)
    assert str(caught.value).startswith(f"{tmp_path / 'picture'}: ")
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_folders_and_missing_files_are_named(tmp_path):
    with pytest.raises(ImageError, match="is a folder, not a picture"):
        read_picture(tmp_path)
    with pytest.raises(ImageError, match=r"nowhere\.png: can't be read: No such file"):
        read_picture(tmp_path / "nowhere.png")


@pytest.mark.parametrize("name", ["señor 脸.png", "a b.png", "emoji😀.png"])
def test_names_in_any_script(tmp_path, name):
    (tmp_path / name).write_bytes(_deep_png(_deep(3)))
    assert (read_picture(tmp_path / name) == _deep(3)).all()


def test_the_profile_comes_with_rgb_and_not_with_cmyk(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    (tmp_path / "rgb.jpg").write_bytes(_saved(Image.new("RGB", (8, 8)), "JPEG", icc_profile=profile))
    cmyk = profile[:16] + b"CMYK" + profile[20:]
    (tmp_path / "cmyk.jpg").write_bytes(_saved(Image.new("CMYK", (8, 8)), "JPEG", icc_profile=cmyk))
    (tmp_path / "none.png").write_bytes(_saved(Image.new("RGB", (8, 8)), "PNG"))
    assert read_metadata(tmp_path / "rgb.jpg").profile == profile
    assert read_metadata(tmp_path / "cmyk.jpg").profile is None
    assert read_metadata(tmp_path / "none.png").profile is None


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_decoded_file_says_what_it_was(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.new("RGB", (3, 2)).save(buffer, "WEBP", exif=exif)
    decoded = decode_file(buffer.getvalue(), "a.webp")
    assert (decoded.image_format, decoded.as_stored) == ("webp", orientation == 1)
    assert decoded.pixels.shape == ((2, 3, 3) if orientation == 1 else (3, 2, 3))


def test_only_the_formats_asked_for_are_read():
    buffer = io.BytesIO()
    Image.new("RGB", (3, 2)).save(buffer, "BMP")
    assert decode_file(buffer.getvalue(), "a", ("bmp",)).image_format == "bmp"
    with pytest.raises(ImageError, match=r"^a: not a picture, or of a kind that can't be read \(expected JPEG, PNG\)$"):
        decode_file(buffer.getvalue(), "a", ("jpeg", "png"))


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_has_the_pixels_that_pillow_gives_it(mode, lossless):
    shades = np.random.default_rng(1).integers(0, 256, (33, 47, len(mode)), np.uint8)
    data = _saved(Image.fromarray(shades, mode), "WEBP", lossless=lossless, exact=True)
    assert (decode_picture(data, "a.webp") == np.asarray(Image.open(io.BytesIO(data)))).all()
    with pytest.raises(ImageError, match="damaged or cut short"):
        decode_picture(data[: len(data) * 2 // 3], "a.webp")


def test_of_an_animated_webp_the_first_frame_is_read():
    frames = [Image.new("RGB", (9, 8), colour) for colour in ("red", "blue", "lime")]
    data = _saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    assert (decode_picture(data, "a.webp")[..., :3] == (255, 0, 0)).all()


def _heavy(kind: str) -> bytes:
    first = Image.new("RGB", (40, 30), "red")
    if kind == "animated WebP":
        return _saved(first, "WEBP", save_all=True, append_images=[Image.new("RGB", (40, 30))])
    if kind.startswith("progressive"):
        return _saved(first, "JPEG", progressive=True, subsampling=0)
    return _saved(first, "JPEG2000" if kind.startswith("JPEG") else "AVIF")


@pytest.mark.parametrize("kind", sorted({*MAX_OF_KIND} - {"HEIF"}))
def test_kinds_whose_decoders_hold_more_may_have_fewer_pixels(monkeypatch, kind):
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow was built without AVIF")
    data = _heavy(kind)
    monkeypatch.setitem(MAX_OF_KIND, kind, 1200)
    assert decode_picture(data, "a").shape[:2] == (30, 40)
    monkeypatch.setitem(MAX_OF_KIND, kind, 1199)
    with pytest.raises(ImageError, match=f"^a: 40×30 is larger than 0 megapixels, the most of {kind}: make it smaller"):
        decode_picture(data, "a")


@pytest.mark.parametrize(
    ("mode", "options"),
    [("RGB", {"subsampling": 0}), ("RGB", {"progressive": True}), ("L", {"progressive": True})],
)
def test_a_jpeg_in_one_pass_or_subsampled_may_have_as_many_pixels_as_any(monkeypatch, mode, options):
    monkeypatch.setitem(MAX_OF_KIND, "progressive JPEG without subsampling", 1)
    assert decode_picture(_saved(Image.new(mode, (40, 30)), "JPEG", **options), "a").shape[:2] == (30, 40)


def test_a_jpeg_2000_in_tiles_may_have_as_many_pixels_as_any(monkeypatch):
    monkeypatch.setitem(MAX_OF_KIND, "JPEG 2000 in one piece", 1)
    tiled = _saved(Image.new("RGB", (256, 256), "red"), "JPEG2000", tile_size=(64, 64))
    assert decode_picture(tiled, "a").shape == (256, 256, 3)
