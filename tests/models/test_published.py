"""Files whose sources publish a CRC32 and no sha256."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import replace

import pytest
import standins
from fileserver import Server
from multifaceswap.media.retry import Retries
from multifaceswap.models.digests import sha256_of
from multifaceswap.models.download import download
from multifaceswap.models.published import known
from multifaceswap.models.spec import ModelFile
from multifaceswap.models.verify import proof, verify
from multifaceswap.pipeline.errors import DamagedModelError


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MULTIFACESWAP_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def path(tmp_path):
    return standins.pooled(tmp_path / "a.onnx")


def crc32(path):
    return f"{zlib.crc32(path.read_bytes()):08x}"


def test_the_published_crc32_proves_a_file_and_its_sha256_is_said(path):
    file = ModelFile("a.onnx", ("x",), crc32=("00000000", crc32(path)))
    assert verify(path, file) == ""
    assert proof(path, file) == f"intact by its published CRC32 {crc32(path)}; its sha256 is {sha256_of(path)}"


def test_another_crc32_is_another_file(path):
    note = verify(path, ModelFile("a.onnx", ("x",), crc32=("0badcafe",)))
    assert "a.onnx is not the published file, but used" in note
    assert f"CRC32 {crc32(path)}, sha256 {sha256_of(path)}, published CRC32 0badcafe" in note


def test_a_crc32_does_not_stand_in_for_a_published_sha256(path):
    file = ModelFile("a.onnx", ("x",), ("00" * 32,), crc32=(crc32(path),))
    assert "is not the published file" in verify(path, file)


@pytest.fixture
def server():
    server = Server()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def fetched(server, path, tmp_path):
    """What comes of fetching `path`, whose CRC32 the source answers so."""
    content = path.read_bytes()

    def fetch(*answer, **headers):
        server.scripts |= {
            "a.onnx": [lambda request: request.answer(200, content)],
            "a.hash": [lambda request: request.answer(*answer, **headers)],
        }
        file = ModelFile("a.onnx", ("x",), urls=(server.url("a.onnx"),), crc32_urls=(server.url("a.hash"),))
        return file, download(file, tmp_path / "sub" / "a.onnx", retries=Retries(1, 1, 1, lambda: 0, lambda _: None))

    return fetch


@pytest.mark.parametrize("end", [b"", b"\n", b" \r\n"])
def test_the_source_is_asked_for_the_crc32_and_its_word_is_kept(fetched, path, end):
    file, target = fetched(200, crc32(path).upper().encode() + end)
    assert known(file).crc32 == (crc32(path),)
    assert proof(target, file).startswith("intact by its published CRC32")
    assert "is not the published file" in verify(standins.pooled(target, seed=5), file)


@pytest.mark.parametrize(("packed", "encoding"), [(gzip.compress, "gzip"), (zlib.compress, "deflate")])
def test_an_answer_may_come_compressed(fetched, path, packed, encoding):
    file, _ = fetched(200, packed(crc32(path).encode()), Content_Encoding=encoding)
    assert known(file).crc32 == (crc32(path),)


def test_what_another_crc32_belongs_to_is_not_taken(fetched, tmp_path):
    with pytest.raises(DamagedModelError, match=r"gave another file.*published CRC32 0badcafe"):
        fetched(200, b"0badcafe")
    assert not (tmp_path / "sub" / "a.onnx").exists()


@pytest.mark.parametrize(
    "answer", [(404,), (200, b"<html>Sign in</html>"), (200, b"0" * 5000), (200, b""), (200, b"no hash!")]
)
def test_without_such_an_answer_the_contents_are_checked_alone(fetched, caplog, answer):
    file, target = fetched(*answer)
    assert target.is_file() and not known(file).is_proven
    assert "a.onnx: its source doesn't say its CRC32" in caplog.text
    assert proof(target, file).startswith("sound; no hash is known")


def test_an_answer_that_claims_to_be_compressed_is_none(fetched, path):
    file, target = fetched(200, crc32(path).encode(), Content_Encoding="gzip")
    assert target.is_file() and not known(file).is_proven


def test_known_hashes_are_not_asked_for(server, path, tmp_path):
    server.scripts["a.onnx"] = [lambda request: request.answer(200, path.read_bytes())] * 2
    file = ModelFile(
        "a.onnx", ("x",), (sha256_of(path),), urls=(server.url("a.onnx"),), crc32_urls=(server.url("a.hash"),)
    )
    download(file, tmp_path / "b.onnx")
    download(replace(file, sha256=(), crc32=(crc32(path),)), tmp_path / "c.onnx")
    assert [asked for asked, _ in server.asked] == ["a.onnx"] * 2
