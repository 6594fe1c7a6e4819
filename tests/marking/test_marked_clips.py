"""Clips that say how they were made: XMP and a signature in MP4 and MOV, tags in the others."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from clipmaking import EXAMPLES, Read, moving, write_clip
from multifaceswap import Session
from multifaceswap.app.marked import look
from multifaceswap.marking.places import Signing, set_up
from multifaceswap.marking.statement import ALL_AI, SYNTHETIC, WITH_AI, Statement
from multifaceswap.media.clips import append_xmp, read_clip_xmp
from multifaceswap.media.pictures import read_picture
from multifaceswap.media.xmp import MOST, Packet
from packets import CREATOR, DC, URI, packet

av = pytest.importorskip("av")


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", moving("grace_hopper.jpg", 4), sound=True)


@pytest.fixture
def source():
    return read_picture(EXAMPLES / "astronaut.png")


@pytest.fixture
def files(tmp_path):
    pytest.importorskip("c2pa")
    return set_up(tmp_path / "signing", "Ada Lovelace")


def swapped(clip, output, source, signing=None, **settings):
    with Session(device="cpu", signing=signing) as session:
        return session.swap_clip(clip, output, [source], hardware=False, **settings)


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.m4v"])
def test_xmp_of_the_target_is_kept_and_extended(tmp_path, clip, source, name):
    append_xmp(clip, packet(CREATOR, crs_Tint="1"))
    result = swapped(clip, tmp_path / name, source)
    assert result.marks == ("XMP",)
    (data,) = read_clip_xmp(tmp_path / name).packets
    assert Packet.of(data).get(f"{DC}creator") == "Jane Doe" and b"crs" not in data
    assert look(tmp_path / name).xmp.source_type == URI + SYNTHETIC
    plain = swapped(clip, tmp_path / f"plain-{name}", source, mark=False)
    assert plain.marks == () and look(tmp_path / f"plain-{name}").xmp.source_type is None
    one, other = Read(tmp_path / name), Read(tmp_path / f"plain-{name}")
    assert one.times == other.times and one.sound == other.sound
    assert all((a == b).all() for a, b in zip(one.luma, other.luma, strict=True))


def test_tags_of_phones_leave_room_for_xmp(tmp_path, source):
    tags = {"com.apple.quicktime.make": "Apple"}
    clip = write_clip(tmp_path / "clip.mov", moving("grace_hopper.jpg", 4), metadata=tags)
    swapped(clip, tmp_path / "a.mov", source)
    assert look(tmp_path / "a.mov").xmp.source_type == URI + SYNTHETIC
    with av.open(tmp_path / "a.mov") as made:
        assert made.metadata["com.apple.quicktime.make"] == "Apple"


@pytest.mark.parametrize("name", ["a.mkv", "a.webm"])
def test_tags_say_it_where_there_is_no_xmp(tmp_path, clip, source, name):
    append_xmp(clip, packet(CREATOR))
    result = swapped(clip, tmp_path / name, source) if name == "a.mkv" else None
    if result is None:
        clip = write_clip(tmp_path / "silent.mp4", moving("grace_hopper.jpg", 4))
        result = swapped(clip, tmp_path / name, source)
    assert result.marks == ("tags",)
    assert any("holds neither XMP nor a signature" in line for line in result.report)
    found = look(tmp_path / name)
    assert found.xmp is None and found.tags.source_type == URI + SYNTHETIC
    assert found.tags.system == "ComfyUI-MultiFaceSwap"


def test_where_nobody_is_swapped_nothing_is_said(tmp_path, clip, source):
    result = swapped(clip, tmp_path / "a.mp4", source, input_faces_index="7")
    assert (result.swapped, result.marks) == (0, ())
    assert look(tmp_path / "a.mp4").xmp is None


@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_a_signed_clip_is_valid_until_a_byte_changes(tmp_path, clip, source, files, name):
    result = swapped(clip, tmp_path / name, source, Signing(*files))
    assert result.marks == ("XMP", "C2PA")
    found = look(tmp_path / name)
    assert found.error is None and found.credentials.state == "Valid"
    assert found.credentials.ingredients == ("clip.mp4",) and found.xmp.source_type == URI + SYNTHETIC
    given, made = Read(clip), Read(tmp_path / name)
    assert made.times == given.times and made.sound == given.sound
    again = swapped(tmp_path / name, tmp_path / "again.mp4", source, Signing(*files))
    assert again.marks == ("XMP", "C2PA") and look(tmp_path / "again.mp4").credentials.state == "Valid"
    data = bytearray((tmp_path / name).read_bytes())
    data[data.index(b"mdat") + 500] ^= 1
    (tmp_path / name).write_bytes(data)
    assert "signature is broken" in look(tmp_path / name).error


def test_a_signature_that_fails_leaves_no_clip(tmp_path, clip, source, files, monkeypatch):
    import c2pa

    with Session(device="cpu", signing=Signing(*files)) as session:
        session.credentials({"mark": True})

        def fail(*_arguments, **_options):
            raise c2pa.C2paError("no")

        monkeypatch.setattr(c2pa.Builder, "sign", fail)
        with pytest.raises(Exception, match="can't be signed"):
            session.swap_clip(clip, tmp_path / "a.mp4", [source], hardware=False, resume=False)
    assert not (tmp_path / "a.mp4").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "signing"]


def test_boxes_that_lie_are_no_harm(tmp_path, clip):
    data = clip.read_bytes()
    for tail in (b"\0\0\0\1uuid" + b"\xff" * 8, b"\0\0\0\x07uuid", b"\xff\xff\xff\xffuuid", b"\0\0\0\0uuid"):
        clip.write_bytes(data + tail)
        assert read_clip_xmp(clip).packets == []
    append_xmp(clip, b"x" * (MOST * 2))
    clip.write_bytes(data)
    append_xmp(clip, b"x" * (MOST * 2))
    assert len(read_clip_xmp(clip).packets[0]) == MOST + 1


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
@pytest.mark.parametrize("name", ["a.mp4", "a.mov"])
def test_exiftool_reads_the_same(tmp_path, clip, source, name):
    swapped(clip, tmp_path / name, source)
    said = subprocess.run(["exiftool", "-json", "-XMP:all", str(tmp_path / name)], capture_output=True, check=True)
    (tags,) = json.loads(said.stdout)
    assert tags["DigitalSourceType"] == URI + SYNTHETIC
    assert tags["AISystemUsed"] == "ComfyUI-MultiFaceSwap"


@pytest.fixture
def ai_clip(tmp_path):
    """A Matroska whose tags say that all of it is AI's, as another maker's."""
    tags = Statement(ALL_AI).tags() | {"AI_SYSTEM_USED": "Other"}
    return write_clip(tmp_path / "ai.mkv", moving("grace_hopper.jpg", 4), metadata=tags)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_what_tags_say_of_ai_stays_said(tmp_path, ai_clip, source, name):
    swapped(ai_clip, tmp_path / name, source)
    found = look(tmp_path / name)
    said = found.xmp or found.tags
    assert (said.source_type, said.system) == (URI + WITH_AI, "Other; ComfyUI-MultiFaceSwap")


def test_what_xmp_says_of_ai_stays_said_in_tags(tmp_path, clip, source):
    append_xmp(clip, Statement(ALL_AI).xmp(None))
    swapped(clip, tmp_path / "a.mkv", source)
    assert look(tmp_path / "a.mkv").tags.source_type == URI + WITH_AI


@pytest.mark.parametrize(("name", "mark"), [("b.mp4", True), ("b.mp4", False), ("b.mkv", True)])
def test_credentials_of_a_clip_that_are_lost_are_told(tmp_path, clip, source, files, name, mark):
    first = swapped(clip, tmp_path / "a.mp4", source, Signing(*files))
    assert not any("Content Credentials" in line for line in first.report)
    signing = Signing(*files) if name == "b.mkv" else None
    result = swapped(tmp_path / "a.mp4", tmp_path / name, source, signing, mark=mark)
    assert sum(line.startswith("Content Credentials left out") for line in result.report) == 1


def test_the_signature_of_a_clip_says_what_its_xmp_says(tmp_path, clip, source, files):
    append_xmp(clip, Statement(ALL_AI).xmp(None))
    swapped(clip, tmp_path / "a.mp4", source, Signing(*files))
    found = look(tmp_path / "a.mp4")
    assert found.credentials.source_types == (URI + WITH_AI,) == (found.xmp.source_type,)
