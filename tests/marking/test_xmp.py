"""XMP in pictures: what a target says is kept and extended, what is no longer true goes, hostile files are refused."""

from __future__ import annotations

import hashlib
import json
import shutil
import struct
import subprocess
import zlib
from time import process_time

import numpy as np
import pytest
from multifaceswap.app.marks import Marker
from multifaceswap.marking.statement import ALL_AI, SYNTHETIC, WITH_AI, Statement, said_by
from multifaceswap.media.pictures import (
    Metadata,
    described,
    encode_picture,
    read_metadata,
    read_xmp,
    write_picture,
)
from multifaceswap.media.pictures.chunks import png_chunk
from multifaceswap.media.xmp import MOST, Packet, XmpError
from multifaceswap.media.xmp_kept import FoundXmp, kept_xmp
from packets import CREATOR, DC, IPTC, URI, packet
from PIL import Image

PICTURE = np.random.default_rng(0).integers(0, 255, (24, 36, 3), np.uint8)
NAMES = ("a.jpg", "a.png", "a.webp", "a.avif")


def saved(path, xmp, **options):
    """A picture file with XMP, as Pillow writes it."""
    if path.suffix == ".png":
        path.write_bytes(described(encode_picture(PICTURE, "png")[0], "png", xmp)[0])
    else:
        Image.fromarray(PICTURE).save(path, xmp=xmp, **({"tiffinfo": {700: xmp}} if path.suffix == ".tif" else options))
    return path


def marked(source, target, statement=WITH_AI):
    """The target's file made of the source's metadata, and what was said."""
    metadata = read_metadata(source)
    given = Marker(Statement(statement)).picture(metadata, target.name, source).metadata
    return (*metadata.notes, *write_picture(target, PICTURE, metadata=given))


def found(path) -> Packet:
    (data,) = read_xmp(path).packets
    return Packet.of(data)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_says_how_it_was_made_and_has_the_same_pixels(tmp_path, name):
    write_picture(tmp_path / f"plain-{name}", PICTURE)
    plain = Image.open(tmp_path / f"plain-{name}")
    source = tmp_path / "source.jpg"
    Image.fromarray(PICTURE).save(source)
    assert marked(source, tmp_path / name) == ()
    assert (np.asarray(Image.open(tmp_path / name)) == np.asarray(plain)).all()
    said = said_by(read_xmp(tmp_path / name))
    assert said.source_type == URI + WITH_AI and said.system == "ComfyUI-MultiFaceSwap" and said.version


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp"])
def test_pixels_are_the_same_in_every_mode_beside_profile_and_exif(tmp_path, name, mode):
    picture = np.asarray(Image.fromarray(PICTURE).convert(mode))[..., : 3 if name == "a.jpg" else None]
    exif = Image.Exif()
    exif[0x010F] = "Rolleiflex"
    metadata = Metadata(exif=exif.tobytes(), dpi=(300, 300))
    plain, _ = encode_picture(picture, name[2:].replace("jpg", "jpeg"), metadata=metadata)
    write_picture(tmp_path / name, picture, metadata=Metadata(exif=exif.tobytes(), dpi=(300, 300), xmp=packet()))
    (tmp_path / f"plain-{name}").write_bytes(plain)
    one, other = Image.open(tmp_path / name), Image.open(tmp_path / f"plain-{name}")
    assert one.mode == other.mode and (np.asarray(one) == np.asarray(other)).all()
    assert one.getexif()[0x010F] == "Rolleiflex" and one.info.get("dpi") == other.info.get("dpi")
    assert len(read_xmp(tmp_path / name).packets) == 1


@pytest.mark.parametrize("target", NAMES)
@pytest.mark.parametrize("source", ["s.jpg", "s.png", "s.webp", "s.tif", "s.avif"])
def test_what_a_target_says_is_kept(tmp_path, source, target):
    given = packet(
        CREATOR, Iptc4xmpExt_DigitalSourceType=URI + "digitalCapture", xmp_Rating="4", GPano_UsePanoramaViewer="True"
    )
    path = saved(tmp_path / source, given)
    assert marked(path, tmp_path / target, SYNTHETIC) == ()
    made = found(tmp_path / target)
    assert made.get(f"{DC}creator") == "Jane Doe"
    assert made.get("{http://ns.adobe.com/xap/1.0/}Rating") == "4"
    assert made.get("{http://ns.google.com/photos/1.0/panorama/}UsePanoramaViewer") == "True"
    assert made.get(f"{IPTC}DigitalSourceType") == URI + SYNTHETIC


@pytest.mark.parametrize("source_type", [WITH_AI, ALL_AI])
def test_what_said_that_it_is_ais_still_says_so(source_type):
    given = packet(Iptc4xmpExt_DigitalSourceType=URI + source_type, Iptc4xmpExt_AISystemUsed="Other")
    said = said_by(FoundXmp([Statement(SYNTHETIC).xmp(given)]))
    assert said.source_type == URI + WITH_AI
    assert said.system == "Other; ComfyUI-MultiFaceSwap"


@pytest.mark.parametrize("form", ["address", "list", "element", "attribute"])
def test_a_source_type_is_read_in_every_form(form):
    uri, name = URI + ALL_AI, "Iptc4xmpExt:DigitalSourceType"
    made = {
        "address": f'<{name} rdf:resource="{uri}"/>',
        "list": f"<{name}><rdf:Bag> <rdf:li>{uri}</rdf:li></rdf:Bag></{name}>",
        "element": f"<{name}>\n{uri} </{name}>",
    }
    given = packet(made.get(form, ""), **({"Iptc4xmpExt_DigitalSourceType": uri} if form == "attribute" else {}))
    assert said_by(FoundXmp([given])).source_type == uri
    data = Statement(SYNTHETIC).xmp(given)
    assert said_by(FoundXmp([data])).source_type == URI + WITH_AI
    assert data.count(b"DigitalSourceType>") == 2  # said once


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
def test_every_chunk_of_text_that_holds_xmp_is_read_and_replaced(tmp_path, kind):
    given, name = packet(CREATOR), b"XML:com.adobe.xmp\0"
    text = {b"tEXt": given, b"zTXt": b"\0" + zlib.compress(given), b"iTXt": b"\1\0\0\0" + zlib.compress(given)}[kind]
    plain = encode_picture(PICTURE, "png")[0]
    data = plain[:33] + png_chunk(kind, name + text) + plain[33:]
    (tmp_path / "s.png").write_bytes(data)
    assert marked(tmp_path / "s.png", tmp_path / "a.png") == ()
    assert found(tmp_path / "a.png").get(f"{DC}creator") == "Jane Doe"
    assert described(data, "png", packet())[0].count(name) == 1


def test_marking_twice_says_it_once():
    once = Statement(WITH_AI).xmp(None)
    assert said_by(FoundXmp([Statement(WITH_AI).xmp(once)])) == said_by(FoundXmp([once]))


def test_what_is_no_longer_true_goes_wherever_it_stands(tmp_path):
    thumbnail = (
        "<xmp:Thumbnails><rdf:Alt><rdf:li><xmpGImg:image>/9j/SECRET</xmpGImg:image></rdf:li></rdf:Alt></xmp:Thumbnails>"
    )
    pantry = f"<xmpMM:Pantry><rdf:Bag><rdf:li>{thumbnail}<crs:Tint>1</crs:Tint></rdf:li></rdf:Bag></xmpMM:Pantry>"
    given = packet(
        CREATOR + thumbnail + pantry,
        tiff_Orientation="6",
        tiff_ImageWidth="36",
        crs_Exposure2012="+1.00",
        dcterms_provenance="https://elsewhere.test/manifest.c2pa",
        GImage_Data="SECRET",
        dc_format="image/x-adobe-dng",
    )
    path = saved(tmp_path / "s.jpg", given)
    marked(path, tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    for gone in (b"SECRET", b"Exposure2012", b"crs:", b"provenance", b"GImage", b"Thumbnails"):
        assert gone not in data, gone
    made = found(tmp_path / "a.png")
    assert made.get(f"{DC}creator") == "Jane Doe" and made.get(f"{DC}format") == "image/png"
    assert made.get("{http://ns.adobe.com/tiff/1.0/}Orientation") == "1"


@pytest.mark.parametrize(("orientation", "width"), [(1, "36"), (6, None)])
def test_a_turned_picture_says_no_sides_that_changed_places(tmp_path, orientation, width):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "s.jpg", packet(tiff_Orientation="6", tiff_ImageWidth="36"), exif=exif)
    marked(path, tmp_path / "a.jpg")
    made = found(tmp_path / "a.jpg")
    assert made.get("{http://ns.adobe.com/tiff/1.0/}ImageWidth") == width
    assert made.get("{http://ns.adobe.com/tiff/1.0/}Orientation") == "1"


def test_without_a_mark_what_the_target_says_is_kept_all_the_same(tmp_path):
    path = saved(tmp_path / "s.jpg", packet(CREATOR, crs_Tint="1"))
    write_picture(tmp_path / "a.webp", PICTURE, metadata=read_metadata(path))
    made = found(tmp_path / "a.webp")
    assert made.get(f"{DC}creator") == "Jane Doe" and made.get(f"{IPTC}DigitalSourceType") is None
    assert b"crs:" not in (tmp_path / "a.webp").read_bytes()


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + ']><x:xmpmeta xmlns:x="adobe:ns:meta/">&i;</x:xmpmeta>'
).encode()
EXTERNAL = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&a;</x:xmpmeta>'
HOSTILE = {
    "a billion laughs": BOMB,
    "a file elsewhere": EXTERNAL,
    "latin-1": packet(CREATOR.replace("Jane", "Jané")).decode().encode("latin-1", "replace"),
    "cut short": packet(CREATOR)[:300],
    "nothing": b"",
    "zeros": bytes(100),
    "no XML": b"\xff\xd8\xff\xe0 no XML",
    "no RDF": b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>',
    "unbound": b"<x:xmpmeta/>",
    "deep": packet("<dc:a>" * 5000 + "</dc:a>" * 5000),
    "many": packet("<dc:a/>" * 200_000),
    "long names": packet(f'<b xmlns="{"n" * 500_000}">' + "<a/>" * 50_000 + "</b>"),
    "an odd encoding": packet().replace(b"<?xpacket", b'<?xml version="1.0" encoding="utf-7"?><?xpacket', 1),
}


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in ("an odd encoding", "latin-1")])
def test_what_is_hostile_is_refused(name):
    started = process_time()
    with pytest.raises(XmpError):
        Packet.of(HOSTILE[name])
    assert process_time() - started < 20  # it isn't unpacked


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_packet_is_replaced_and_told(tmp_path, name):
    kept = kept_xmp(FoundXmp([HOSTILE[name]]), turned=False)
    if kept.packet is None:
        assert len(kept.notes) == 1 and kept.notes[0].startswith("XMP left out: it ")
    made = Statement(WITH_AI).xmp(kept.packet)
    assert said_by(FoundXmp([made])).source_type == URI + WITH_AI
    assert b"root:" not in made and b"ENTITY" not in made


@pytest.mark.parametrize("name", ["s.png", "s.webp", "s.tif"])
def test_50_megabytes_are_not_read(tmp_path, name):
    huge = packet(f"<dc:source>{'x' * (50 << 20)}</dc:source>")
    if name == "s.png":
        plain = encode_picture(PICTURE, "png")[0]
        text = png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(huge))
        (tmp_path / name).write_bytes(plain[:33] + text + plain[33:])
    else:
        saved(tmp_path / name, huge)
    (note, *_) = marked(tmp_path / name, tmp_path / "a.jpg")
    assert note.startswith("XMP left out: it ")
    assert said_by(read_xmp(tmp_path / "a.jpg")).source_type == URI + WITH_AI
    assert (tmp_path / "a.jpg").stat().st_size < 50_000


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_packets_may_be_in_any_unicode(encoding):
    given = packet(CREATOR.replace("Jane", "Žofie")).decode().encode(encoding)
    assert Packet.of(given).get(f"{DC}creator") == "Žofie Doe"


def _segment(content):
    return struct.pack(">BBH", 0xFF, 0xE1, len(content) + 2) + content


def _jpeg(*contents):
    data = encode_picture(PICTURE, "jpeg")[0]
    return data[:2] + b"".join(map(_segment, contents)) + data[2:]


XAP, MORE = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"


def test_of_two_packets_the_first_is_carried_and_that_is_told(tmp_path):
    path = tmp_path / "s.jpg"
    path.write_bytes(_jpeg(XAP + packet(CREATOR), XAP + packet(xmp_Rating="5")))
    (note,) = marked(path, tmp_path / "a.jpg")
    assert note == "XMP: the file has 2 packets, only the first is carried"
    made = found(tmp_path / "a.jpg")
    assert made.get(f"{DC}creator") == "Jane Doe" and made.get("{http://ns.adobe.com/xap/1.0/}Rating") is None


def _extended(second, digest=None, whole=None):
    digest = digest or hashlib.md5(second).hexdigest().upper()
    first = packet(CREATOR).replace(
        b"rdf:about",
        f'xmlns:xmpNote="http://ns.adobe.com/xmp/note/" xmpNote:HasExtendedXMP="{digest}" rdf:about'.encode(),
        1,
    )
    pieces = [second[place : place + 40_000] for place in range(0, len(second), 40_000)]
    heads = [
        MORE + digest.encode() + struct.pack(">II", len(second) if whole is None else whole, place * 40_000)
        for place in range(len(pieces))
    ]
    return _jpeg(XAP + first, *(head + piece for head, piece in reversed(list(zip(heads, pieces, strict=True)))))


def test_a_second_part_goes_along(tmp_path):
    second = packet("<dc:description><rdf:Alt><rdf:li>x</rdf:li></rdf:Alt></dc:description>", dc_source="y" * 90_000)
    (tmp_path / "s.jpg").write_bytes(_extended(second))
    assert marked(tmp_path / "s.jpg", tmp_path / "a.png") == ()
    made = found(tmp_path / "a.png")
    assert made.get(f"{DC}creator") == "Jane Doe" and made.get(f"{DC}description") == "x"
    assert made.get(f"{DC}source") == "y" * 90_000
    assert b"HasExtendedXMP" not in (tmp_path / "a.png").read_bytes()
    (note,) = marked(tmp_path / "s.jpg", tmp_path / "a.jpg")
    assert "jpeg can't hold that much XMP: source left out" in note
    short = found(tmp_path / "a.jpg")
    assert short.get(f"{DC}creator") == "Jane Doe" and short.get(f"{DC}source") is None
    assert short.get(f"{IPTC}DigitalSourceType") == URI + WITH_AI


@pytest.mark.parametrize("wrong", [{"digest": "A" * 32}, {"whole": 2**32 - 1}])
def test_a_second_part_that_does_not_fit_is_left_out(tmp_path, wrong):
    (tmp_path / "s.jpg").write_bytes(_extended(packet(dc_source="y"), **wrong))
    (note,) = marked(tmp_path / "s.jpg", tmp_path / "a.jpg")
    assert note == "the second part of the XMP left out: it is damaged or too large"
    assert found(tmp_path / "a.jpg").get(f"{DC}creator") == "Jane Doe"


def test_prefixes_that_mean_something_else_stay_apart():
    given = packet('<dc:a xmlns:dc="urn:other">1</dc:a><dc:title>2</dc:title>')
    made = Packet.of(Statement(WITH_AI).xmp(given))
    assert made.get("{urn:other}a") == "1" and made.get(f"{DC}title") == "2"


def test_size_limit_is_exact():
    with pytest.raises(XmpError, match="more than"):
        Packet.of(b" " * (MOST + 1))


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
@pytest.mark.parametrize("name", NAMES)
def test_exiftool_reads_the_same(tmp_path, name):
    path = saved(tmp_path / "s.jpg", packet(CREATOR))
    marked(path, tmp_path / name)
    said = subprocess.run(
        ["exiftool", "-json", "-G1", "-validate", "-XMP:all", str(tmp_path / name)], capture_output=True, check=True
    )
    (tags,) = json.loads(said.stdout)
    assert tags["XMP-iptcExt:DigitalSourceType"] == URI + WITH_AI
    assert tags["XMP-iptcExt:AISystemUsed"] == "ComfyUI-MultiFaceSwap"
    assert tags["XMP-dc:Creator"] == "Jane Doe"


@pytest.mark.parametrize("given", [None, packet(CREATOR)])
def test_a_packet_does_not_grow_when_it_is_marked_again(given):
    once = Statement(WITH_AI).xmp(given)
    again = kept_xmp(FoundXmp([Statement(WITH_AI).xmp(once)]), turned=True).packet
    assert Statement(WITH_AI).xmp(again) == once


def test_what_others_are_about_stays_where_marks_were_all_that_was_said():
    said = Packet.of(Statement(WITH_AI).xmp(None))
    said.root[0].set("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about", "uuid:1")
    assert b'about="uuid:1"' in Statement(WITH_AI).xmp(said.to_bytes())
