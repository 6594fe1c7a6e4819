from __future__ import annotations

import os

import numpy as np
import pytest
from multifaceswap.media.pictures import (
    Metadata,
    encode_picture,
    picture_format,
    read_metadata,
    read_picture,
    to_uint8,
    write_picture,
)
from multifaceswap.pipeline.errors import ImageError, SettingsError
from PIL import Image, ImageCms


def _noise(channels: int, dtype=np.uint8) -> np.ndarray:
    return np.random.default_rng(channels).integers(0, np.iinfo(dtype).max + 1, (6, 9, channels), dtype)


def _smooth() -> np.ndarray:
    y, x = np.mgrid[0:64, 0:64]
    return np.stack([x * 3, y * 3, x + y], -1).astype(np.uint8)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_png_gives_every_bit_back(tmp_path, channels, dtype):
    assert write_picture(tmp_path / "a.png", _noise(channels, dtype)) == ()
    back = read_picture(tmp_path / "a.png")
    assert back.dtype == dtype and (back == _noise(channels, dtype)).all()


def test_a_mask_without_channels_is_written_as_grey(tmp_path):
    write_picture(tmp_path / "mask.png", np.array([[0.0, 0.5, 1.0]], np.float32))
    assert read_picture(tmp_path / "mask.png").tolist() == [[[0], [128], [255]]]


def test_floats_are_rounded_and_clipped(tmp_path):
    values = np.array([[[-0.5], [100.4 / 255], [100.6 / 255], [2.0]]])
    write_picture(tmp_path / "a.png", values)
    assert read_picture(tmp_path / "a.png").ravel().tolist() == [0, 100, 101, 255]


KINDS = {
    "a.jpg": "JPEG",
    "a.JPEG": "JPEG",
    "a.jfif": "JPEG",
    "a.jpe": "JPEG",
    "a.avif": "AVIF",
    "a.png": "PNG",
    "a.webp": "WEBP",
}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_the_extension_chooses_the_format(tmp_path, name, kind):
    write_picture(tmp_path / name, _smooth())
    assert Image.open(tmp_path / name).format == kind
    assert np.abs(read_picture(tmp_path / name).astype(int) - _smooth()).mean() < 3


def test_the_named_format_needs_no_extension(tmp_path):
    write_picture(tmp_path / "a", _smooth(), image_format="webp")
    assert Image.open(tmp_path / "a").format == "WEBP"


def test_quality_trades_size_for_likeness():
    sizes = [len(encode_picture(_noise(3), "jpeg", quality)[0]) for quality in (10, 60, 100)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[2]


def test_jpeg_leaves_alpha_out_and_says_so(tmp_path):
    (note,) = write_picture(tmp_path / "a.jpg", np.dstack([_smooth(), np.zeros((64, 64), np.uint8)]))
    assert note.startswith("a.jpg: jpeg can't hold transparency")
    assert np.abs(read_picture(tmp_path / "a.jpg").astype(int) - _smooth()).mean() < 3


def test_webp_keeps_alpha_and_the_colours_under_it(tmp_path):
    picture = np.dstack([_smooth(), np.zeros((64, 64), np.uint8)])
    assert write_picture(tmp_path / "a.webp", picture) == ()
    back = read_picture(tmp_path / "a.webp")
    assert (back[..., 3] == 0).all() and np.abs(back[..., :3].astype(int) - _smooth()).mean() < 3


@pytest.mark.parametrize("image_format", ["jpeg", "webp", "avif"])
def test_16_bits_are_rounded_and_said(image_format, tmp_path):
    deep = np.full((8, 8, 3), 257 * 100 + 129, np.uint16)
    (note,) = write_picture(tmp_path / "a", deep, image_format=image_format, image_quality=100)
    assert "holds 8 bits" in note
    assert abs(int(read_picture(tmp_path / "a")[4, 4, 0]) - 101) <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp"])
def test_the_profile_is_written_with_the_pixels(tmp_path, name, dtype):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write_picture(tmp_path / name, _noise(3, dtype), metadata=Metadata(profile))
    assert read_metadata(tmp_path / name).profile == profile
    if name == "a.png":
        assert (read_picture(tmp_path / name) == _noise(3, dtype)).all()


def test_a_profile_of_another_colour_space_is_left_out(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write_picture(tmp_path / "grey.png", _noise(1), metadata=Metadata(profile))
    assert read_metadata(tmp_path / "grey.png").profile is None


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("a", {"image_format": "gif"}, "expected one of jpeg, png, webp, avif, got .gif."),
        ("a.png", {"image_format": "jpeg"}, "the extension says png, image_format says jpeg"),
        ("a.tiff", {}, "can't tell the format: end the name in .jpg, .png, .webp, .avif"),
        ("a.png", {"image_quality": 9}, "expected 10 to 100, got 9"),
        ("a.png", {"image_quality": 101}, "expected 10 to 100, got 101"),
    ],
)
def test_settings_that_cannot_be_used_write_nothing(tmp_path, name, settings, message):
    with pytest.raises(SettingsError, match=message):
        write_picture(tmp_path / name, _smooth(), **settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shape", [(4,), (4, 4, 2), (4, 4, 5), (0, 4, 3), (1, 4, 4, 3)])
def test_what_is_no_picture_is_refused(tmp_path, shape):
    with pytest.raises(ImageError, match="expected a picture of"):
        write_picture(tmp_path / "a.png", np.zeros(shape, np.uint8))


def test_a_side_too_long_for_the_format_is_said(tmp_path):
    with pytest.raises(ImageError, match="webp holds 16383 pixels a side: choose png"):
        write_picture(tmp_path / "a.webp", np.zeros((1, 16384), np.uint8))
    write_picture(tmp_path / "a.png", np.zeros((1, 16384), np.uint8))


def test_picture_format_prefers_the_extension_to_nothing():
    assert picture_format("x.JPG") == "jpeg"
    assert picture_format("x.tif", "png") == "png"


def test_folders_are_made_and_names_may_be_in_any_script(tmp_path):
    path = tmp_path / "señor" / "脸.png"
    write_picture(path, _noise(3))
    assert (read_picture(path) == _noise(3)).all()


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(ImageError, match=r"a\.png: can't be written: No space left"):
        write_picture(path, _noise(3))
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_is_never_replaced(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(ImageError, match=r"a\.png: can't be written: it exists and is not a regular file"):
        write_picture(tmp_path / "a.png", _noise(3))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([0, 7, 255], np.uint8), [0, 7, 255]),
        (np.array([0, 128, 129, 257, 385, 386, 65535], np.uint16), [0, 0, 1, 1, 1, 2, 255]),
        (np.array([-1, 0, 0.5, 1, 9], np.float32), [0, 0, 128, 255, 255]),
        (np.zeros((0, 3)), np.zeros((0, 3))),
    ],
)
def test_eight_bits_are_the_nearest(values, expected):
    found = to_uint8(values)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(value):
    with pytest.raises(ImageError, match=r"expected values in \[0, 1\]"):
        encode_picture(np.full((2, 2, 3), value), "png")
