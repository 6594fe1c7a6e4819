from __future__ import annotations

import hashlib

import pytest
import standins
from multifaceswap.models.digests import sha256_of
from multifaceswap.models.spec import ModelFile
from multifaceswap.models.verify import verify
from multifaceswap.pipeline.errors import DamagedModelError


def published(name, content=b"", built_in=False):
    digest = hashlib.sha256(content).hexdigest()
    return ModelFile(name, ("builtin",) if built_in else ("insightface",), (digest,), (len(content),))


def write(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


def test_a_published_file_passes_without_a_word(tmp_path):
    path = write(tmp_path, "a.onnx", b"anything")
    assert verify(path, published("a.onnx", b"anything")) == ""
    both = ModelFile("a.onnx", ("x",), ("00" * 32, hashlib.sha256(b"anything").hexdigest()))
    assert verify(path, both) == ""


def test_a_sound_file_of_another_hash_passes_with_a_note(tmp_path):
    path = standins.pooled(tmp_path / "a.onnx")
    note = verify(path, published("a.onnx", b"published"))
    assert note.startswith("a.onnx is not the published file, but used (sha256 ")
    assert sha256_of(path) in note and hashlib.sha256(b"published").hexdigest() in note
    assert f"{path.stat().st_size:,} bytes, published 9" in note


def test_without_a_known_hash_a_sound_file_passes(tmp_path):
    path = standins.pooled(tmp_path / "a.onnx")
    assert verify(path, ModelFile("a.onnx", ("x",))) == ""


def test_shipped_files_must_be_unchanged(tmp_path):
    path = standins.pooled(tmp_path / "a.onnx")
    with pytest.raises(DamagedModelError, match=r"was changed or damaged .*Install the package again"):
        verify(path, published("a.onnx", b"published", built_in=True))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.onnx", b"", "is empty"),
        ("a.pth", b"", "is empty"),
        ("a.onnx", b"\n<!DOCTYPE html><html>Sign in</html>", "is a web page, not a model"),
        ("a.pth", b"\xef\xbb\xbf<html>404</html>", "is a web page, not a model"),
        ("a.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:00", "is a Git LFS pointer"),
        ("a.onnx", b'{"error": "Repository not found"}', "is a text, not a model"),
        ("a.onnx", b"PK\x03\x04 rest", "is no ONNX model"),
        ("a.pth", b"\x08\x07 rest", "is no torch file"),
        ("a.pth", b"PK\x03\x04 and then nothing more", "is cut short: its end is missing"),
        ("a.onnx", b"\x08\x08\x3a\xff\x01 graph", "is cut short or no ONNX model"),
    ],
)
def test_what_is_no_model_is_told_apart(tmp_path, name, content, reason):
    path = write(tmp_path, name, content)
    with pytest.raises(DamagedModelError, match=reason) as caught:
        verify(path, ModelFile(name, ("x",), ("00" * 32,), (5,)))
    assert str(path) in str(caught.value) and "Fetch it again" in str(caught.value)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.999])
def test_graphs_cut_short_are_found_before_they_are_opened(tmp_path, share):
    path = standins.swapper(tmp_path / "a.onnx")
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DamagedModelError, match="cut short"):
        verify(path, published("a.onnx", content))
