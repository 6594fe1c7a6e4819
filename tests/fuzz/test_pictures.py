"""A picture file, whatever became of it, is a picture or an ImageError, in memory that its pixels account for."""

from __future__ import annotations

import io
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multifaceswap.hosted.segmind.errors import ResultError
from multifaceswap.hosted.segmind.media import as_media, decode_result
from multifaceswap.media import limits
from multifaceswap.media.pictures import FORMATS, encode_picture, read_metadata, read_picture, reading, write_picture
from multifaceswap.pipeline.errors import ImageError
from mutations import mutated, tries
from PIL import Image, ImageCms, PngImagePlugin, features

_PIXELS = 1 << 20
_BYTES = 64 << 20
"""More than any picture of so many pixels takes, and less than a tag of a gigabyte."""


@pytest.fixture(scope="module", autouse=True)
def small_pictures():
    """Headers that promise much are refused early."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "MAX_PIXELS", _PIXELS)
        yield


def _files() -> dict[str, bytes]:
    """Small pictures of every format that people have, with what such files carry."""
    y, x = np.mgrid[:30, :40]
    rgb = Image.fromarray(np.stack([x * 6, y * 8, (x + y) * 3], 2).astype(np.uint8))
    grey, alpha, deep = rgb.convert("L"), rgb.convert("RGBA"), Image.fromarray((x * 1600).astype(np.uint16))
    exif, texts = Image.Exif(), PngImagePlugin.PngInfo()
    exif[0x0112], exif[0x010F] = 6, "maker"
    exif.get_ifd(0x8769)[0x829A] = 0.01
    texts.add_text("parameters", "a prompt " * 40, zip=True)
    texts.add_itxt("workflow", "{}", zip=True)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    made = {
        "jpeg": (rgb, {"exif": exif, "icc_profile": profile, "dpi": (72, 72)}),
        "progressive.jpeg": (rgb, {"progressive": True, "subsampling": 2}),
        "cmyk.jpeg": (rgb.convert("CMYK"), {}),
        "png": (alpha, {"pnginfo": texts, "exif": exif, "icc_profile": profile}),
        "deep.png": (deep, {}),
        "palette.png": (rgb.quantize(16), {"transparency": 3}),
        "animated.png": (rgb, {"save_all": True, "append_images": [rgb.rotate(9)]}),
        "webp": (alpha, {"exif": exif, "icc_profile": profile}),
        "animated.webp": (rgb, {"save_all": True, "append_images": [rgb.rotate(9)]}),
        "tiff": (rgb, {"compression": "tiff_lzw", "exif": exif, "icc_profile": profile}),
        "raw.tiff": (rgb.convert("CMYK"), {"icc_profile": profile}),
        "lab.tiff": (Image.merge("LAB", rgb.split()), {}),
        "deflated.tiff": (deep, {"compression": "tiff_adobe_deflate"}),
        "pages.tiff": (grey, {"save_all": True, "append_images": [grey, grey]}),
        "gif": (
            rgb.quantize(32),
            {"save_all": True, "append_images": [grey], "comment": b"hello"},
        ),
        "bmp": (rgb, {"dpi": (72, 72)}),
        "palette.bmp": (rgb.quantize(16), {}),
        "mpo": (rgb, {"save_all": True, "append_images": [rgb]}),
    }
    if features.check("jpg_2000"):
        made |= {"jpeg2000": (rgb, {}), "deep.jpeg2000": (deep, {})}
    if features.check("avif"):
        made["avif"] = (alpha, {"exif": exif})
    files = {name: _saved(image, name.rpartition(".")[2], options) for name, (image, options) in made.items()}
    return {**files, "deep rgba.png": encode_picture(np.asarray(alpha, np.uint16) * 257, "png")[0]}


def _saved(image: Image.Image, kind: str, options: dict[str, object]) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


FILES = _files()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "picture"


@pytest.mark.slow
@tries(500)
@given(mutated(FILES))
def test_any_damage_is_a_picture_or_an_image_error(path, data):
    path.write_bytes(data)
    tracemalloc.start()
    try:
        for read in (read_picture, read_metadata):
            try:
                found = read(path)
            except ImageError as error:
                assert str(error).startswith(str(path)) and "\n" not in str(error)
            else:
                assert read is read_metadata or _is_a_picture(found)
        assert tracemalloc.get_traced_memory()[1] < _BYTES
    finally:
        tracemalloc.stop()


def _is_a_picture(found):
    height, width, channels = found.shape
    return channels in (1, 3, 4) and 0 < height * width <= _PIXELS and found.dtype in (np.uint8, np.uint16)


@tries(150)
@given(mutated(FILES), st.sampled_from(sorted(FORMATS)))
def test_what_a_damaged_file_holds_beside_its_pixels_goes_into_another_file_or_stays_out(tmp_path, path, data, kind):
    path.write_bytes(data)
    try:
        picture, metadata = read_picture(path), read_metadata(path)
    except ImageError:
        return
    made = tmp_path / f"made{FORMATS[kind]}"
    write_picture(made, picture, metadata=metadata)
    again = read_picture(made)
    assert again.shape[:2] == picture.shape[:2]
    assert kind != "png" or np.array_equal(np.broadcast_to(again, picture.shape), picture)


@tries(100)
@given(mutated({name: data for name, data in FILES.items() if name.endswith(tuple(FORMATS))}))
def test_pictures_on_their_way_to_the_api_and_back(data):
    try:
        assert as_media(data, "source").data
    except ImageError as error:
        assert str(error).startswith("source: ")
    with suppress(ResultError):
        assert decode_result(data).pixels.shape[2] in (3, 4)


def test_every_file_is_one_that_can_be_read_as_long_as_it_is_whole(path):
    readable = {name for name in FILES if name.rpartition(".")[2] in reading.READABLE}
    assert len(readable) >= 16
    for name in readable:
        path.write_bytes(FILES[name])
        assert min(read_picture(path).shape[:2]) == 30
