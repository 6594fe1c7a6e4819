from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from multifaceswap.hosted.segmind.errors import ResultError
from multifaceswap.hosted.segmind.media import as_media, decode_base64, decode_result
from multifaceswap.media.pictures import encode_picture
from multifaceswap.pipeline.errors import ImageError
from multifaceswap.pipeline.types import Size
from PIL import Image

PIXELS = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def decoded(media):
    return np.asarray(Image.open(io.BytesIO(media.data)))


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (PIXELS, PIXELS),
        (PIXELS.astype(np.uint16) * 257, PIXELS),
        (PIXELS / np.float32(255), PIXELS),
        (PIXELS[..., 0], PIXELS[..., 0]),
        (PIXELS[..., :1], PIXELS[..., 0]),
        (np.dstack([PIXELS, PIXELS[..., 0]]), np.dstack([PIXELS, PIXELS[..., 0]])),
        (np.array([[[-1.0, 0.5, 2.0]]]), np.array([[[0, 128, 255]]])),
        (PIXELS[::-1, ::-1], PIXELS[::-1, ::-1]),
    ],
    ids=["uint8", "uint16", "float", "grey", "grey with axis", "alpha", "clipped", "view"],
)
def test_arrays_become_lossless_pictures_and_stay_as_they_are(picture, expected):
    picture = picture.copy() if picture.base is None else picture
    before = picture.copy()
    picture.flags.writeable = False
    media = as_media(picture, "target")
    assert media.mime == "image/png"
    np.testing.assert_array_equal(decoded(media), expected)
    np.testing.assert_array_equal(picture, before)


@pytest.mark.parametrize(
    "picture",
    [np.zeros((0, 5, 3)), np.zeros((4, 5, 2)), np.zeros((1, 4, 5, 3)), np.zeros(5), np.full((2, 2, 3), np.nan)],
)
def test_arrays_that_are_no_picture_are_refused(picture):
    with pytest.raises(ImageError, match=r"^target: expected (a picture of|values in)"):
        as_media(picture, "target")


@pytest.mark.parametrize(("kind", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")])
def test_files_are_sent_as_they_are(kind, mime):
    data = encoded(Image.fromarray(PIXELS), kind)
    media = as_media(data, "source")
    assert (media.data, media.mime, media.size) == (data, mime, Size(5, 4))
    assert media.data_uri() == f"data:{mime};base64,{base64.b64encode(data).decode()}"


def test_turned_files_are_sent_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    media = as_media(encoded(Image.fromarray(PIXELS), "PNG", exif=exif), "source")
    np.testing.assert_array_equal(decoded(media), np.rot90(PIXELS, -1))


NOT_TAKEN = r"not a picture, or of a kind that can't be read \(expected JPEG, PNG, WEBP\)$"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", NOT_TAKEN),
        (b"no picture", NOT_TAKEN),
        (encoded(Image.fromarray(PIXELS), "BMP"), NOT_TAKEN),
        (encoded(Image.fromarray(PIXELS), "PNG")[:50], "the picture is damaged or cut short: "),
    ],
)
def test_files_that_the_api_does_not_take_are_refused(data, words):
    with pytest.raises(ImageError, match=f"^source: {words}"):
        as_media(data, "source")


def test_jpegs_with_further_pictures_behind_are_sent_as_they_are():
    data = encoded(Image.fromarray(PIXELS), "MPO", save_all=True, append_images=[Image.fromarray(PIXELS[::-1])])
    assert Image.open(io.BytesIO(data)).format == "MPO"
    media = as_media(data, "source")
    assert (media.data, media.mime) == (data, "image/jpeg")


def test_digest_tells_pictures_and_urls_apart():
    digests = {
        as_media(PIXELS, "a").digest,
        as_media(PIXELS[::-1], "a").digest,
        as_media("https://a.example/x", "a").digest,
        as_media("https://a.example/y", "a").digest,
    }
    assert len(digests) == 4
    assert as_media(PIXELS.copy(), "b").digest in digests
    assert as_media("https://a.example/x", "a").size is None


@pytest.mark.parametrize(
    ("mode", "shape"), [("L", (4, 5, 3)), ("P", (4, 5, 3)), ("RGB", (4, 5, 3)), ("RGBA", (4, 5, 4)), ("LA", (4, 5, 4))]
)
def test_results_are_rgb_or_rgba(mode, shape):
    received = decode_result(encoded(Image.fromarray(PIXELS).convert(mode), "PNG"))
    assert (received.pixels.shape, received.pixels.dtype, received.image_format) == (shape, np.uint8, "png")


def test_results_of_sixteen_bits_are_rounded():
    deep = PIXELS.astype(np.uint16) * 257 + 100
    received = decode_result(encode_picture(deep, "png")[0])
    assert received.pixels.dtype == np.uint8
    np.testing.assert_array_equal(received.pixels, PIXELS)


def test_results_are_upright():
    exif = Image.Exif()
    exif[0x0112] = 3
    received = decode_result(encoded(Image.fromarray(PIXELS), "PNG", exif=exif))
    np.testing.assert_array_equal(received.pixels, PIXELS[::-1, ::-1])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_results_cut_anywhere_are_refused(kind, share):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    with pytest.raises(ResultError):
        decode_result(data[: int(len(data) * share)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("AAEC", b"\0\1\2"), ("AA\nEC ", b"\0\1\2"), ("data:image/png;base64,AAEC", b"\0\1\2"), ("", b""),
     ("A", None), ("AA*C", None), ("AAéC", None), ("data:image/png,AAEC", None)],
)  # fmt: skip
def test_base64_is_read_or_refused(text, expected):
    assert decode_base64(text) == expected
