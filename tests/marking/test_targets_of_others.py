"""Targets that carry marks already: what goes along, what is lost, and what results then say."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from multifaceswap.app.marks import Marker, marked_picture
from multifaceswap.marking.checking import carries_credentials, read_credentials
from multifaceswap.marking.places import Signing, set_up
from multifaceswap.marking.statement import ALL_AI, SYNTHETIC, SYSTEM, WITH_AI, Statement, said_by
from multifaceswap.media.pictures import read_metadata, read_xmp, write_picture
from PIL import Image

pytest.importorskip("c2pa")
PICTURE = np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)
TYPES = {"a.jpg": "image/jpeg", "a.png": "image/png", "a.webp": "image/webp", "a.avif": "image/avif"}
URI = "http://cv.iptc.org/newscodes/digitalsourcetype/"


@pytest.fixture
def credentials(tmp_path):
    return Signing(*set_up(tmp_path / "signing", "Ada Lovelace")).credentials()


def signed(source, target, credentials):
    marked = Marker(Statement(WITH_AI), credentials).picture(read_metadata(source), target.name, source)
    write_picture(target, PICTURE, metadata=marked.metadata, finish=marked.finish)
    return target


@pytest.mark.parametrize("name", list(TYPES))
def test_an_altered_target_is_told_and_its_credentials_are_found_without_a_reader(tmp_path, credentials, name):
    Image.fromarray(PICTURE).save(tmp_path / f"plain{name[1:]}")
    first = signed(tmp_path / f"plain{name[1:]}", tmp_path / name, credentials)
    data = bytearray(first.read_bytes())
    assert carries_credentials(BytesIO(data))
    assert not carries_credentials(BytesIO((tmp_path / f"plain{name[1:]}").read_bytes()))
    if name == "a.png":
        data += b"more"  # its chunks have sums
    else:
        place = data.index(SYSTEM.encode())
        data[place : place + 2] = b"XX"
    first.write_bytes(data)
    second = signed(first, tmp_path / f"second{name[1:]}", credentials)
    with second.open("rb") as file:
        found = read_credentials(file, TYPES[name])
    assert found.state == "Valid" and found.ingredients == found.broken_ingredients == (name,)


def test_credentials_across_the_end_of_what_is_read_at_once_are_found(monkeypatch, tmp_path, credentials):
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    data = signed(tmp_path / "a.png", tmp_path / "b.png", credentials).read_bytes()
    for length in range(24, 80):
        monkeypatch.setattr("multifaceswap.marking.checking._AT_ONCE", length)
        assert carries_credentials(BytesIO(data))


@pytest.mark.parametrize("mark", [True, False])
@pytest.mark.parametrize("changed", [True, False])
def test_credentials_that_are_lost_are_told(tmp_path, credentials, mark, changed):
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    first = signed(tmp_path / "a.png", tmp_path / "b.png", credentials)
    given = read_metadata(first)

    def notes(marker, target):
        return marked_picture(marker, given, "c.png", target, changed=changed).notes

    unsigned = Marker(Statement(WITH_AI)) if mark else None
    assert [line.partition(":")[0] for line in notes(unsigned, first)] == ["Content Credentials left out"]
    assert notes(unsigned, tmp_path / "a.png") == notes(unsigned, None) == ()
    assert bool(notes(Marker(Statement(WITH_AI), credentials), first)) is not changed


@pytest.mark.parametrize("old", [ALL_AI, WITH_AI, f"{ALL_AI}/"])
def test_the_signature_says_what_the_xmp_says(tmp_path, credentials, old):
    """Of what was AI's already, whatever the engine."""
    packet = Statement(old).xmp(None)
    metadata = replace(read_metadata(saved(tmp_path / "a.png")), xmp=packet)
    marked = Marker(Statement(SYNTHETIC), credentials).picture(metadata, "b.png", tmp_path / "a.png")
    write_picture(tmp_path / "b.png", PICTURE, metadata=marked.metadata, finish=marked.finish)
    with (tmp_path / "b.png").open("rb") as file:
        assert read_credentials(file, "image/png").source_types == (URI + WITH_AI,)
    assert said_by(read_xmp(tmp_path / "b.png")).source_type == URI + WITH_AI


def saved(path):
    Image.fromarray(PICTURE).save(path)
    return path
