from __future__ import annotations

import struct
import sys
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from multifaceswap.media.pictures import converted, encode_picture, read_metadata, read_picture, write_picture
from multifaceswap.pipeline.errors import ImageError
from PIL import Image, ImageCms

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _tag(kind: bytes, content: bytes) -> bytes:
    return kind + bytes(4) + content


def _profile(space: bytes, pcs: bytes, tags: dict[bytes, bytes], kind: bytes = b"prtr") -> bytes:
    """An ICC profile, version 2 (ICC.1:2001-04): header, table of tags, tags."""
    tags = {b"wtpt": _tag(b"XYZ ", struct.pack(">3i", 63190, 65536, 54061)), **tags}
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    size = 128 + len(table) + len(body)
    header = struct.pack(">I4xI4s4s4s12x4s4x", size, 0x02400000, kind, space, pcs, b"acsp")
    header += struct.pack(">4x8xI3i", 0, 63190, 65536, 54061)
    return header.ljust(128, b"\0") + table + body


def _cmyk_profile(darkest: float = 8.0) -> bytes:
    """Inks on paper: each channel takes light away as an ink does, black never goes below `darkest` (L*)."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 5)] * 4, indexing="ij"), -1).reshape(-1, 4)
    c, m, y, k = grid.T
    light = (100 - darkest) * (1 - 0.4 * c) * (1 - 0.5 * m) * (1 - 0.1 * y) * (1 - k) + darkest
    a = (70 * m - 35 * c) * (1 - k)
    b = (85 * y - 45 * c - 5 * m) * (1 - k)
    lab = np.stack([light / 100 * 65280, (a + 128) * 256, (b + 128) * 256], 1).clip(0, 65535).astype(">u2")
    straight = struct.pack(">2H", 0, 65535)
    lut = struct.pack(">BBBx9i", 4, 3, 5, *(65536, 0, 0, 0, 65536, 0, 0, 0, 65536)) + struct.pack(">2H", 2, 2)
    lut += straight * 4 + lab.tobytes() + straight * 3
    return _profile(b"CMYK", b"Lab ", {b"A2B0": _tag(b"mft2", lut)})


def _grey_profile(gamma: float) -> bytes:
    curve = _tag(b"curv", struct.pack(">IH", 1, round(gamma * 256)))
    return _profile(b"GRAY", b"XYZ ", {b"kTRC": curve}, b"mntr")


def _wide_profile() -> bytes:
    """Adobe RGB (1998): primaries adapted to D50, gamma 2.2."""
    columns = {b"rXYZ": (39989, 20388, 1272), b"gXYZ": (13453, 41012, 3989), b"bXYZ": (9775, 4136, 48780)}
    tags = {name: _tag(b"XYZ ", struct.pack(">3i", *values)) for name, values in columns.items()}
    curve = _tag(b"curv", struct.pack(">IH", 1, 563))
    return _profile(b"RGB ", b"XYZ ", {**tags, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}, b"mntr")


def _shown(image: Image.Image, profile: bytes) -> np.ndarray:
    """As a colour-managed viewer shows it."""
    return np.asarray(
        ImageCms.profileToProfile(image, BytesIO(profile), ImageCms.createProfile("sRGB"), outputMode="RGB")
    )


def _inks() -> Image.Image:
    return Image.open(EXAMPLES / "grace_hopper.jpg").convert("CMYK").resize((128, 150))


def _off(path: Path, wanted: np.ndarray) -> float:
    return float(np.abs(read_picture(path)[..., :3].astype(int) - wanted).mean())


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_cmyk_looks_as_its_profile_says(tmp_path, name):
    _inks().save(tmp_path / name, icc_profile=_cmyk_profile(), quality=95)
    stored = Image.open(tmp_path / name)
    wanted = _shown(stored, _cmyk_profile())
    assert _off(tmp_path / name, wanted) < 1
    assert np.abs(np.asarray(stored.convert("RGB"), int) - wanted).mean() > 10  # what Pillow's formula makes of it
    metadata = read_metadata(tmp_path / name)
    assert metadata.notes == ("CMYK became sRGB",) and metadata.profile is None


@pytest.mark.parametrize("name", ["b.png", "b.jpg", "b.webp", "b.avif"])
def test_the_result_of_cmyk_has_no_profile_of_inks(tmp_path, name):
    _inks().save(tmp_path / "a.jpg", icc_profile=_cmyk_profile())
    write_picture(tmp_path / name, read_picture(tmp_path / "a.jpg"), metadata=read_metadata(tmp_path / "a.jpg"))
    result = Image.open(tmp_path / name)
    assert (result.mode, result.info.get("icc_profile")) == ("RGB", None)


def test_cmyk_of_16_bits_looks_as_its_profile_says(tmp_path):
    """As Photoshop writes it: TIFF, PhotometricInterpretation 5, four samples of 16 bits."""
    pixels = np.asarray(_inks()).astype("<u2") * 257
    icc, (height, width) = _cmyk_profile(), pixels.shape[:2]
    rows = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, 4, 8), (259, 3, 1, 1), (262, 3, 1, 5),
        (273, 4, 1, 16 + len(icc)), (277, 3, 1, 4), (278, 4, 1, height), (279, 4, 1, pixels.nbytes),
        (34675, 7, len(icc), 16),
    ]  # fmt: skip
    start = 16 + len(icc) + pixels.nbytes
    table = struct.pack("<H", len(rows)) + b"".join(struct.pack("<HHII", *row) for row in rows) + bytes(4)
    header = b"II*\0" + struct.pack("<I", start) + struct.pack("<4H", 16, 16, 16, 16)
    (tmp_path / "a.tif").write_bytes(header + icc + pixels.tobytes() + table)
    assert _off(tmp_path / "a.tif", _shown(_inks(), icc)) < 1


def test_cmyk_without_a_profile_is_as_before_and_told(tmp_path):
    _inks().save(tmp_path / "a.tif")
    assert _off(tmp_path / "a.tif", np.asarray(_inks().convert("RGB"))) == 0
    assert read_metadata(tmp_path / "a.tif").notes == ("CMYK became sRGB without a profile: its colours are a guess",)


@pytest.mark.parametrize("profile", [None, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()])
def test_lab_looks_as_it_is(tmp_path, profile):
    wanted = Image.open(EXAMPLES / "grace_hopper.jpg").resize((128, 150))
    lab = ImageCms.profileToProfile(
        wanted, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    lab.save(tmp_path / "a.tif", **({"icc_profile": profile} if profile else {}))
    assert _off(tmp_path / "a.tif", np.asarray(wanted)) < 2
    metadata = read_metadata(tmp_path / "a.tif")
    assert metadata.notes == ("LAB became sRGB",) and metadata.profile is None


@pytest.mark.parametrize(
    ("mode", "profile", "note"),
    [
        ("RGB", SRGB[:150], "its ICC profile is damaged: it was left out"),
        ("RGB", b"junk" * 100, "its ICC profile is damaged: it was left out"),
        ("CMYK", _cmyk_profile()[:600], "its ICC profile is damaged: it was left out"),
        ("RGB", _cmyk_profile(), "its ICC profile is for CMYK and not for RGB: it was left out"),
        ("CMYK", SRGB, "its ICC profile is for RGB and not for CMYK: it was left out"),
        ("L", SRGB, "its ICC profile is for RGB and not for grey: it was left out"),
    ],
)
def test_a_profile_that_cannot_be_used_is_a_note(tmp_path, mode, profile, note):
    image = Image.new(mode, (8, 8))
    image.save(tmp_path / "a.jpg", icc_profile=profile)
    metadata = read_metadata(tmp_path / "a.jpg")
    assert metadata.notes[0] == note and metadata.profile is None
    assert (
        read_picture(tmp_path / "a.jpg")
        == np.atleast_3d(np.asarray(Image.open(tmp_path / "a.jpg").convert("L" if mode == "L" else "RGB")))
    ).all()


@pytest.mark.parametrize("profile", [SRGB, _wide_profile()])
@pytest.mark.parametrize("name", ["b.png", "b.jpg", "b.webp", "b.avif"])
def test_rgb_stays_in_its_profile(tmp_path, name, profile):
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png", icc_profile=profile)
    metadata = read_metadata(tmp_path / "a.png")
    assert (read_picture(tmp_path / "a.png") == pixels).all() and metadata.notes == ()
    assert write_picture(tmp_path / name, pixels, metadata=metadata) == ()
    assert Image.open(tmp_path / name).info["icc_profile"] == profile


@pytest.mark.parametrize("name", ["b.png", "b.jpg"])
def test_grey_stays_in_its_profile(tmp_path, name):
    Image.new("L", (8, 8), 100).save(tmp_path / "a.png", icc_profile=_grey_profile(1.8))
    metadata = read_metadata(tmp_path / "a.png")
    assert write_picture(tmp_path / name, read_picture(tmp_path / "a.png"), metadata=metadata) == ()
    assert Image.open(tmp_path / name).info["icc_profile"] == _grey_profile(1.8)


@pytest.mark.parametrize("name", ["b.webp", "b.avif"])
def test_grey_becomes_srgb_where_its_profile_cannot_go(tmp_path, name):
    Image.new("L", (8, 8), 100).save(tmp_path / "a.png", icc_profile=_grey_profile(1.0))
    metadata = read_metadata(tmp_path / "a.png")
    (note,) = write_picture(tmp_path / name, read_picture(tmp_path / "a.png"), metadata=metadata)
    assert "can't hold a grey profile: grey became sRGB" in note
    # 100 of 255 in straight light is 168 in sRGB (IEC 61966-2-1).
    assert np.abs(read_picture(tmp_path / name).astype(int) - 168).max() <= 2
    assert read_metadata(tmp_path / name).profile is None


def test_grey_with_alpha_and_a_profile_becomes_srgb(tmp_path):
    Image.new("LA", (4, 4), (100, 60)).save(tmp_path / "a.png", icc_profile=_grey_profile(1.0))
    assert np.abs(read_picture(tmp_path / "a.png")[0, 0].astype(int) - (168, 168, 168, 60)).max() <= 1
    assert read_metadata(tmp_path / "a.png").notes == ("grey became sRGB",)


def test_between_profiles_that_mean_the_same_nothing_changes():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 4, 3), np.uint8)
    assert converted(pixels, SRGB, None) is pixels and converted(pixels, _wide_profile(), _wide_profile()) is pixels


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_colours_come_into_another_profile_and_back(channels):
    pixels = np.random.default_rng(0).integers(60, 200, (4, 4, channels), np.uint8)
    wide = converted(pixels, None, _wide_profile())
    back = converted(wide, _wide_profile(), None)
    assert wide.shape[2] == back.shape[2] == max(channels, 3)
    assert np.abs(back.astype(int) - pixels).max() <= 3
    assert (np.abs(wide.astype(int) - pixels).max() > 5) == (channels > 1)  # grey is grey in both
    assert channels < 4 or (wide[..., 3] == pixels[..., 3]).all()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


GAMMA = (b"gAMA", struct.pack(">I", 100_000))
PRIMARIES = (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))
SRGB_CHUNKS = (
    (b"sRGB", b"\0"),
    (b"gAMA", struct.pack(">I", 45_455)),
    (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
)
HDR = ((b"cICP", b"\x09\x10\0\x01"), (b"mDCV", bytes(range(24))), (b"cLLI", bytes(range(8))))


def _with_chunks(path: Path, chunks: tuple[tuple[bytes, bytes], ...], image: Image.Image) -> Path:
    data = BytesIO()
    image.save(data, "PNG")
    content = data.getvalue()
    path.write_bytes(content[:33] + b"".join(_chunk(*chunk) for chunk in chunks) + content[33:])
    return path


def _chunks_of(path: Path) -> list[tuple[bytes, bytes]]:
    data, start, found = path.read_bytes(), 8, []
    while start < len(data):
        (length,) = struct.unpack_from(">I", data, start)
        kind, content = data[start + 4 : start + 8], data[start + 8 : start + 8 + length]
        assert struct.unpack_from(">I", data, start + 8 + length)[0] == zlib.crc32(kind + content)
        found.append((kind, content))
        start += 12 + length
    return found


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("chunks", [(GAMMA,), (GAMMA, PRIMARIES), SRGB_CHUNKS, HDR, ((b"cICP", b"\x0c\x0d\0\x01"),)])
def test_what_a_pngs_colours_mean_is_kept_in_png(tmp_path, chunks, dtype):
    pixels = np.random.default_rng(1).integers(0, 256, (6, 9, 3), np.uint8)
    path = _with_chunks(tmp_path / "a.png", chunks, Image.fromarray(pixels))
    assert (read_picture(path) == pixels).all()
    assert write_picture(tmp_path / "b.png", pixels.astype(dtype), metadata=read_metadata(path)) == ()
    written = _chunks_of(tmp_path / "b.png")
    kinds = [kind for kind, _ in written]
    assert [chunk for chunk in written if chunk[0] in dict(chunks)] == list(chunks)
    assert max(kinds.index(kind) for kind, _ in chunks) < kinds.index(b"IDAT")


@pytest.mark.parametrize("image_format", ["jpeg", "webp", "avif"])
@pytest.mark.parametrize(
    ("chunks", "named"),
    [((GAMMA, PRIMARIES), "(gAMA, cHRM)"), ((GAMMA,), "(gAMA)"), (HDR, "(cICP, mDCV, cLLI)"), (SRGB_CHUNKS, ""),
     (SRGB_CHUNKS[1:], ""), (((b"cICP", b"\x01\x0d\0\x01"), GAMMA), ""), (((b"sRGB", b"\0"), GAMMA), "")],
)  # fmt: skip
def test_what_they_mean_is_told_where_a_format_cannot_hold_it(tmp_path, chunks, named, image_format):
    path = _with_chunks(tmp_path / "a.png", chunks, Image.new("RGB", (8, 8)))
    lost = encode_picture(read_picture(path), image_format, metadata=read_metadata(path))[1]
    assert [f"what the colours mean {named} was left out" in note for note in lost] == ([True] if named else [])


def test_a_damaged_colour_chunk_is_left_out(tmp_path):
    path = _with_chunks(tmp_path / "a.png", ((b"mDCV", b"\0"), (b"cICP", bytes(5))), Image.new("RGB", (8, 8)))
    assert read_metadata(path).colour == ()


def test_an_avifs_colours_beyond_srgb_are_kept_in_png_and_told_elsewhere(tmp_path):
    Image.new("RGB", (8, 8), (200, 10, 10)).save(tmp_path / "a.avif")
    assert read_metadata(tmp_path / "a.avif").colour == ()
    data = (tmp_path / "a.avif").read_bytes()
    place = data.index(b"colrnclx") + 8
    (tmp_path / "a.avif").write_bytes(data[:place] + struct.pack(">HH", 9, 16) + data[place + 4 :])
    metadata = read_metadata(tmp_path / "a.avif")
    assert metadata.colour == ((b"cICP", b"\x09\x10\0\x01"),)
    picture = read_picture(tmp_path / "a.avif")
    assert write_picture(tmp_path / "b.png", picture, metadata=metadata) == ()
    assert (b"cICP", b"\x09\x10\0\x01") in _chunks_of(tmp_path / "b.png")
    assert "(cICP) was left out" in write_picture(tmp_path / "b.avif", picture, metadata=metadata)[0]


@pytest.mark.parametrize(
    ("name", "options", "off"),
    [
        ("a.avif", {"quality": 95, "subsampling": "4:4:4"}, 3), ("a.jfif", {"quality": 95}, 3),
        ("a.jpe", {"quality": 95}, 3),
        ("a.mpo", {"format": "MPO", "quality": 95}, 3), ("a.jp2", {}, 0), ("a.j2k", {}, 0), ("a.tga", {}, 0),
        ("a.apng", {"format": "PNG"}, 0),
    ],
)  # fmt: skip
def test_other_kinds_are_read(tmp_path, name, options, off):
    image = Image.open(EXAMPLES / "grace_hopper.jpg").resize((128, 150))
    image.save(tmp_path / name, **options)
    assert _off(tmp_path / name, np.asarray(image)) <= off
    assert read_metadata(tmp_path / name).notes == ()


def test_a_tga_is_known_by_its_name_alone(tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.tga")
    (tmp_path / "a.tga").rename(tmp_path / "a.png")
    with pytest.raises(ImageError, match="not a picture"):
        read_picture(tmp_path / "a.png")


def test_jpeg_2000_of_16_bits_keeps_them(tmp_path):
    values = np.random.default_rng(0).integers(0, 65536, (5, 7), np.uint16)
    Image.fromarray(values).save(tmp_path / "a.jp2")
    assert (read_picture(tmp_path / "a.jp2")[..., 0] == values).all()


HEIC = b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + bytes(200)


@pytest.mark.parametrize("brand", [b"heic", b"mif1", b"heix"])
def test_heic_without_its_package_names_the_cure(tmp_path, monkeypatch, brand):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "a.heic").write_bytes(HEIC.replace(b"mif1", brand, 1))
    with pytest.raises(ImageError, match=r"a\.heic: HEIC and HEIF need pillow-heif: pip install") as raised:
        read_picture(tmp_path / "a.heic")
    assert "\n" not in str(raised.value)


def test_heic_is_read_where_its_package_is(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    image = Image.open(EXAMPLES / "grace_hopper.jpg").resize((128, 150))
    heif.from_pillow(image).save(tmp_path / "a.heic", quality=95)
    assert _off(tmp_path / "a.heic", np.asarray(image)) < 3
    (tmp_path / "a.heic").write_bytes((tmp_path / "a.heic").read_bytes()[:-500])
    with pytest.raises(ImageError, match="damaged or cut short"):
        read_picture(tmp_path / "a.heic")


@pytest.mark.parametrize("image_format", ["webp", "avif"])
@pytest.mark.parametrize(("dpi", "told"), [((300, 300), "(300 dpi)"), ((300, 150), "(300×150 dpi)"), ((72, 72), "")])
def test_a_resolution_that_a_format_cannot_hold_is_told(tmp_path, image_format, dpi, told):
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", dpi=dpi)
    lost = encode_picture(read_picture(tmp_path / "a.jpg"), image_format, metadata=read_metadata(tmp_path / "a.jpg"))[1]
    assert [told in note for note in lost] == ([True] if told else [])


def test_avif_keeps_alpha_exif_and_profile(tmp_path):
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Rolleiflex", 6
    Image.new("RGBA", (8, 4), (10, 200, 30, 77)).save(tmp_path / "a.avif", exif=exif, icc_profile=SRGB)
    picture, metadata = read_picture(tmp_path / "a.avif"), read_metadata(tmp_path / "a.avif")
    assert picture.shape == (8, 4, 4) and write_picture(tmp_path / "b.avif", picture, metadata=metadata) == ()
    result = Image.open(tmp_path / "b.avif")
    assert result.size == (4, 8) and result.info["icc_profile"] == SRGB
    assert (result.getexif()[0x010F], result.getexif().get(0x0112, 1)) == ("Rolleiflex", 1)
    assert np.abs(read_picture(tmp_path / "b.avif").astype(int) - (10, 200, 30, 77)).max() <= 6


def test_what_is_never_carried_is_told(tmp_path):
    image = Image.new("RGB", (8, 8))
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA434] = "Planar"
    image.save(tmp_path / "b.jpg", exif=exif)
    image.save(tmp_path / "a.tif", exif=Image.open(tmp_path / "b.jpg").getexif())
    assert read_metadata(tmp_path / "a.tif").notes == ("EXIF left out: not carried from tiff",)


@pytest.mark.parametrize("method", [2, 3])
def test_the_profile_of_a_jp2_goes_along(tmp_path, method):
    Image.new("RGB", (8, 6), (200, 120, 90)).save(tmp_path / "a.jp2", irreversible=False)
    data = (tmp_path / "a.jp2").read_bytes()
    place, header = data.index(b"colr") - 4, data.index(b"jp2h") - 4
    colour = bytes([method, 0, 0]) + _wide_profile()
    box = struct.pack(">I", len(colour) + 8) + b"colr" + colour
    (old,), (whole,) = struct.unpack_from(">I", data, place), struct.unpack_from(">I", data, header)
    grown = struct.pack(">I", whole + len(box) - old)
    (tmp_path / "a.jp2").write_bytes(data[:header] + grown + data[header + 4 : place] + box + data[place + old :])
    assert read_metadata(tmp_path / "a.jp2").profile == _wide_profile()
    assert (read_picture(tmp_path / "a.jp2") == (200, 120, 90)).all()
