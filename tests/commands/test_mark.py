"""`mark init` and `mark check`, and how the other commands mark."""

from __future__ import annotations

import json

import numpy as np
import pytest
from multifaceswap import cli
from multifaceswap.app.marked import look
from multifaceswap.media.pictures import read_picture, write_picture
from PIL import Image

ROOT_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def run(*words):
    return cli.main([str(word) for word in words])


@pytest.fixture
def signing(tmp_path, monkeypatch, capsys):
    pytest.importorskip("c2pa")
    monkeypatch.setenv("MULTIFACESWAP_SIGNING", str(tmp_path / "signing"))
    assert run("mark", "init", "--name", "Ada Lovelace") == 0
    capsys.readouterr()
    return tmp_path / "signing"


@pytest.fixture
def pictures(tmp_path):
    """A woman, and a man to become her."""
    from pathlib import Path

    examples = Path(__file__).resolve().parents[2] / "examples"
    return examples / "astronaut.png", examples / "grace_hopper.jpg"


def swap(pictures, output, *words):
    return run("swap", "--source", pictures[0], "--target", pictures[1], "--output", output, *words)


def test_a_swap_is_marked_and_no_mark_turns_it_off(tmp_path, pictures, capsys):
    assert swap(pictures, tmp_path / "a.png", "--report", tmp_path / "a.json") == 0
    assert swap(pictures, tmp_path / "b.png", "--no-mark", "--report", tmp_path / "b.json") == 0
    assert "1 of 1 face(s) swapped, not marked\n" in capsys.readouterr().out
    marks = [json.loads((tmp_path / f"{name}.json").read_text())["targets"][0]["marks"] for name in "ab"]
    assert marks == [["XMP"], []]
    assert look(tmp_path / "a.png").xmp.source_type == f"{ROOT_TYPE}compositeSynthetic"
    assert look(tmp_path / "b.png").xmp is None
    assert (read_picture(tmp_path / "a.png") == read_picture(tmp_path / "b.png")).all()


def test_what_is_signed_is_found_again_and_a_change_is_told(tmp_path, pictures, signing, capsys):
    assert swap(pictures, tmp_path / "a.jpg") == 0
    assert "marked: XMP and C2PA" in capsys.readouterr().out
    assert run("mark", "check", tmp_path / "a.jpg") == 0
    said = capsys.readouterr().out
    assert "XMP: http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic, by ComfyUI-MultiFaceSwap" in said
    assert "signed by Ada Lovelace" in said and "made of grace_hopper.jpg" in said
    data = bytearray((tmp_path / "a.jpg").read_bytes())
    data[-200] ^= 1
    (tmp_path / "b.jpg").write_bytes(data)
    assert run("mark", "check", "--json", tmp_path / "a.jpg", tmp_path / "b.jpg") == 1
    good, bad = json.loads(capsys.readouterr().out)
    assert (good["c2pa"]["state"], good["error"]) == ("Valid", None)
    assert bad["c2pa"]["state"] == "Invalid" and "signature is broken" in bad["error"]
    assert run("mark", "check", tmp_path / "b.jpg") == 1
    assert "BROKEN" in capsys.readouterr().out


def test_what_says_nothing_and_what_is_nothing(tmp_path, capsys):
    pytest.importorskip("c2pa")
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    assert run("mark", "check", tmp_path / "a.png") == 0
    assert "XMP: none\n  Content Credentials: none\n" in capsys.readouterr().out
    assert run("mark", "check", tmp_path / "b.png") == 2
    assert run("mark", "check", tmp_path / "b.png", tmp_path / "a.png") == 1
    assert "b.png" in capsys.readouterr().err


def test_init_replaces_nothing_unasked(signing, capsys):
    before = (signing / "private_key.pem").read_bytes()
    assert run("mark", "init") == 2
    assert "--force" in capsys.readouterr().err
    assert (signing / "private_key.pem").read_bytes() == before
    assert run("mark", "init", "--force") == 0
    assert (signing / "private_key.pem").read_bytes() != before
    shown = capsys.readouterr()
    assert "PRIVATE KEY" not in shown.out + shown.err


@pytest.mark.parametrize("command", ["swap", "restore", "batch", "remote"])
def test_what_cannot_sign_stops_all_before_any_work(tmp_path, pictures, signing, capsys, monkeypatch, command):
    monkeypatch.setenv("SEGMIND_API_KEY", "SG_0123456789abcdef")
    (signing / "certificate.pem").write_text("no certificate")
    words = {
        "swap": ["--source", pictures[0], "--target", pictures[1]],
        "batch": ["--source", pictures[0], "--target", pictures[1]],
        "remote": ["--source", pictures[0], "--target", pictures[1]],
        "restore": [pictures[1], "--face-restore", "disable"],
    }[command]
    output = tmp_path / ("out" if command == "batch" else "out.png")
    assert run(command, *words, "--output", output) == 2
    assert "the certificate: expected a PEM file" in capsys.readouterr().err
    assert not output.exists()


def test_certificate_and_key_by_name(tmp_path, pictures, signing, monkeypatch, capsys):
    monkeypatch.delenv("MULTIFACESWAP_SIGNING")
    files = ["--certificate", signing / "certificate.pem", "--private-key", signing / "private_key.pem"]
    assert swap(pictures, tmp_path / "a.webp", *files) == 0
    assert look(tmp_path / "a.webp").credentials.state == "Valid"
    assert swap(pictures, tmp_path / "b.webp", *files[:2]) == 2
    assert "only one of them was named" in capsys.readouterr().err
    assert swap(pictures, tmp_path / "c.webp", *files, "--no-mark") == 2
    assert "--no-mark writes none" in capsys.readouterr().err
    assert not (tmp_path / "b.webp").exists() and not (tmp_path / "c.webp").exists()


def test_a_batch_is_signed(tmp_path, pictures, signing):
    assert run("batch", "--source", pictures[0], "--target", pictures[1], "--output", tmp_path / "out") == 0
    assert look(tmp_path / "out" / "grace_hopper.jpg").credentials.state == "Valid"
    (entry,) = json.loads((tmp_path / "out" / "report.json").read_text())["targets"]
    assert entry["marks"] == ["XMP", "C2PA"]


def test_nothing_changed_is_not_marked(tmp_path, pictures, signing):
    write_picture(tmp_path / "empty.png", np.full((64, 64, 3), 90, np.uint8))
    assert swap((pictures[0], tmp_path / "empty.png"), tmp_path / "a.png") == 0
    found = look(tmp_path / "a.png")
    assert found.xmp is None and found.credentials is None


def test_the_watermark_is_told_of_a_swapped_face(tmp_path, pictures, capsys):
    files = [tmp_path / "plain.png", tmp_path / "marked.png"]
    for file, options in zip(files, ([], ["--watermark"]), strict=True):
        assert swap(pictures, file, *options) == 0
    capsys.readouterr()
    assert run("mark", "check", *files) == 0
    said = [line.strip() for line in capsys.readouterr().out.splitlines() if "watermark:" in line]
    assert said == ["watermark: none", "watermark: in 1 of 1 face"]
