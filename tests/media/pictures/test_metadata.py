from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from multifaceswap.media.pictures import Metadata, encode_picture, read_metadata, read_picture, write_picture
from PIL import Image, PngImagePlugin

ORIENTATION, MAKER, COPYRIGHT, EXIF_IFD, LENS = 0x0112, 0x010F, 0x8298, 0x8769, 0xA434
PICTURE = np.random.default_rng(1).integers(0, 256, (6, 9, 3), np.uint8)


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER], exif[COPYRIGHT] = orientation, "Rolleiflex", "me"
    exif.get_ifd(EXIF_IFD)[LENS] = "Planar"
    return exif


def _saved(path: Path, **options: object) -> Path:
    Image.fromarray(PICTURE).save(path, **options)
    return path


def _texts() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "a cat\nSteps: 20", zip=True)
    info.add_text("workflow", '{"nodes": []}')
    info.add_itxt("prompt", '{"1": "猫"}', zip=True)
    return info


def _opened(path: Path) -> Image.Image:
    image = Image.open(path)
    image.load()
    return image


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_pngs_texts_are_kept_in_png(tmp_path, dtype):
    metadata = read_metadata(_saved(tmp_path / "a.png", pnginfo=_texts()))
    assert write_picture(tmp_path / "b.png", PICTURE.astype(dtype), metadata=metadata) == ()
    kept = _opened(tmp_path / "b.png").text
    assert kept == {"parameters": "a cat\nSteps: 20", "workflow": '{"nodes": []}', "prompt": '{"1": "猫"}'}
    assert (read_picture(tmp_path / "b.png") == PICTURE.astype(dtype)).all()


@pytest.mark.parametrize("name", ["b.jpg", "b.webp"])
def test_texts_that_a_format_cannot_hold_are_told(tmp_path, name):
    metadata = read_metadata(_saved(tmp_path / "a.png", pnginfo=_texts()))
    (note,) = write_picture(tmp_path / name, PICTURE, metadata=metadata)
    assert "can't hold a PNG's texts (parameters, workflow, prompt)" in note


@pytest.mark.parametrize("target", ["b.jpg", "b.webp", "b.png"])
@pytest.mark.parametrize("source", ["a.jpg", "a.webp", "a.png"])
def test_exif_is_kept_and_the_picture_stays_upright(tmp_path, source, target):
    path = _saved(tmp_path / source, exif=_exif(6))
    upright = read_picture(path)
    assert upright.shape == (9, 6, 3)
    write_picture(tmp_path / target, upright, metadata=read_metadata(path))
    exif = _opened(tmp_path / target).getexif()
    assert (exif[ORIENTATION], exif[MAKER], exif[COPYRIGHT]) == (1, "Rolleiflex", "me")
    assert exif.get_ifd(EXIF_IFD)[LENS] == "Planar"
    assert read_picture(tmp_path / target).shape == (9, 6, 3)


def test_exif_of_16_bits(tmp_path):
    metadata = read_metadata(_saved(tmp_path / "a.jpg", exif=_exif(1)))
    write_picture(tmp_path / "b.png", PICTURE.astype(np.uint16), metadata=metadata)
    assert _opened(tmp_path / "b.png").getexif()[MAKER] == "Rolleiflex"
    assert read_picture(tmp_path / "b.png").dtype == np.uint16


def test_orientation_in_other_words_turns_nothing_twice(tmp_path):
    """Texts that hold EXIF or XMP have an orientation too; readers heed them."""
    info = PngImagePlugin.PngInfo()
    raw = _exif(6).tobytes()
    info.add_text("Raw profile type exif", f"\nexif\n{len(raw)}\n{raw.hex()}\n", zip=True)
    info.add_itxt("XML:com.adobe.xmp", '<x:xmpmeta><rdf tiff:Orientation="6"/></x:xmpmeta>')
    path = _saved(tmp_path / "a.png", pnginfo=info)
    upright = read_picture(path)
    assert upright.shape == (9, 6, 3)
    write_picture(tmp_path / "b.png", upright, metadata=read_metadata(path))
    assert (read_picture(tmp_path / "b.png") == upright).all()


def test_exif_that_is_too_much_for_jpeg_is_told():
    metadata = Metadata(exif=b"Exif\0\0" + bytes(70_000))
    _, (note,) = encode_picture(PICTURE, "jpeg", metadata=metadata)
    assert "can't hold that much EXIF" in note


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize(("source", "target"), [("a.png", "b.png"), ("a.png", "b.jpg"), ("a.jpg", "b.png")])
def test_dots_an_inch_are_kept(tmp_path, source, target, dtype):
    metadata = read_metadata(_saved(tmp_path / source, dpi=(300, 150)))
    write_picture(tmp_path / target, PICTURE.astype(dtype), metadata=metadata)
    assert [round(dots) for dots in _opened(tmp_path / target).info["dpi"]] == [300, 150]


def test_nothing_is_made_up(tmp_path):
    for name in ("a.png", "a.jpg", "a.webp"):
        write_picture(tmp_path / name, PICTURE)
        metadata = read_metadata(tmp_path / name)
        assert (metadata.profile, metadata.exif, metadata.texts, metadata.notes) == (None, None, (), ())
    assert read_metadata(tmp_path / "a.png").dpi is None


def test_a_damaged_part_is_left_out(tmp_path):
    path = _saved(tmp_path / "a.jpg", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff broken")
    write_picture(tmp_path / "b.jpg", PICTURE, metadata=read_metadata(path))
    assert read_picture(tmp_path / "b.jpg").shape == PICTURE.shape


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.tiff", "a.png"])
def test_frames_are_counted(tmp_path, name):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    assert read_metadata(tmp_path / name).notes == ("3 frames: only the first is used",)


@pytest.mark.parametrize(
    ("kind", "notes"),
    [
        (b"\0\0\2\0", ("2 pictures: only the first is used",)),  # one of a pair for two eyes
        (b"\0\0\0\0", ("2 pictures: only the first is used",)),
        (b"\1\0\1\0", ()),  # the same picture, smaller
        (b"\2\0\1\0", ()),
    ],
)
def test_a_jpegs_further_pictures_are_counted_unless_they_are_previews(tmp_path, kind, notes):
    data = BytesIO()
    Image.new("RGB", (8, 8)).save(data, "MPO", save_all=True, append_images=[Image.new("RGB", (4, 4))])
    content = bytearray(data.getvalue())
    first = content.index(
        b"\0\0\3\0", content.index(b"MPF\0") + 30
    )  # attributes of the first of two entries of 16 bytes
    content[first + 16 : first + 20] = kind
    (tmp_path / "a.jpg").write_bytes(content)
    assert read_metadata(tmp_path / "a.jpg").notes == notes
    assert read_picture(tmp_path / "a.jpg").shape == (8, 8, 3)
