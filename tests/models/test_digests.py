from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from multifaceswap.models import caches, digests
from multifaceswap.models.digests import sha256_of

ROOT = Path(__file__).resolve().parents[2]


def digest(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The cache's file, in a folder that doesn't exist yet."""
    monkeypatch.setenv("MULTIFACESWAP_CACHE", str(tmp_path / "new" / "cache"))
    digests._digests.cache_clear()
    return tmp_path / "new" / "cache" / "digests.json"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.onnx"
    path.write_bytes(b"one")
    return path


@pytest.fixture
def read(monkeypatch):
    """The files that were read."""
    names = []
    computed = digests._computed
    monkeypatch.setattr(digests, "_computed", lambda path: names.append(path.name) or computed(path))
    return names


def restart():
    """What is left of a process when the next one starts."""
    digests._digests.cache_clear()


def test_a_file_is_read_once_however_often_the_program_starts(cache, file, read):
    for _ in range(3):
        assert sha256_of(file) == sha256_of(file) == digest(b"one")
        restart()
    assert read == ["a.onnx"]
    assert json.loads(cache.read_text()) == {
        str(file): [3, file.stat().st_mtime_ns, [digest(b"one"), f"{zlib.crc32(b'one'):08x}"]]
    }
    assert [path.name for path in cache.parent.iterdir()] == ["digests.json"]


def test_relative_and_absolute_paths_are_one_file(cache, file, read, monkeypatch):
    sha256_of(file)
    restart()
    monkeypatch.chdir(file.parent)
    assert sha256_of(Path("a.onnx")) == digest(b"one") and read == ["a.onnx"]


@pytest.mark.parametrize(("content", "later"), [(b"longer", 0), (b"two", 1)])
def test_another_size_or_time_is_another_file(cache, file, read, content, later):
    sha256_of(file)
    restart()
    time = file.stat().st_mtime_ns
    file.write_bytes(content)
    os.utime(file, ns=(time + later, time + later))
    assert sha256_of(file) == digest(content) and read == ["a.onnx"] * 2


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[1, 2]",
        b"[" * 100_000,
        b'{"NAME": 1}',
        b'{"NAME": [3, TIME]}',
        b'{"NAME": [3, TIME, "no digest"]}',
        b'{"NAME": [3, TIME, ["no digest", "00000000"]]}',
        b'{"NAME": [3, TIME, ["' + b"0" * 64 + b'", "0"]]}',
        b'{"NAME": [3, TIME, ["' + b"0" * 64 + b'"]]}',
        b'{"NAME": [3, TIME, null]}',
        b'{"NAME": ["3", "TIME", "' + b"0" * 64 + b'"]}',
    ],
)
def test_a_damaged_cache_is_worked_out_again(cache, file, read, content):
    cache.parent.mkdir(parents=True)
    named = content.replace(b"NAME", str(file).encode()).replace(b"TIME", str(file.stat().st_mtime_ns).encode())
    cache.write_bytes(named)
    assert sha256_of(file) == digest(b"one")
    restart()
    assert sha256_of(file) == digest(b"one") and read == ["a.onnx"]


def test_what_else_is_kept_stays(cache, file, tmp_path):
    other = tmp_path / "b.onnx"
    other.write_bytes(b"two")
    sha256_of(other)
    sha256_of(file)
    assert list(json.loads(cache.read_text())) == [str(other), str(file)]


def test_where_nothing_can_be_written_nothing_is_kept(cache, file, read):
    cache.parent.parent.write_bytes(b"a file where the folder should be")
    for _ in range(2):
        assert sha256_of(file) == digest(b"one")
        restart()
    assert read == ["a.onnx"] * 2


def test_a_rename_that_fails_leaves_no_litter(cache, file):
    cache.mkdir(parents=True)
    assert sha256_of(file) == digest(b"one")
    assert [path.name for path in cache.parent.iterdir()] == ["digests.json"]


def test_the_cache_is_bounded(cache, tmp_path, monkeypatch):
    monkeypatch.setattr(digests, "_MOST", 3)
    for number in range(5):
        path = tmp_path / f"{number}.onnx"
        path.write_bytes(b"x" * number)
        sha256_of(path)
    assert [Path(name).name for name in json.loads(cache.read_text())] == ["2.onnx", "3.onnx", "4.onnx"]


def test_what_changes_while_it_is_read_is_not_kept(cache, file, monkeypatch):
    computed = digests._computed

    def changing(path):
        found = computed(path)
        path.write_bytes(b"other content")
        return found

    monkeypatch.setattr(digests, "_computed", changing)
    sha256_of(file)
    assert not cache.exists()


def test_processes_share_the_cache(cache, tmp_path):
    """Each writes while the others do: what is kept is whole and true, and the next process reads no file again."""
    names = [tmp_path / f"{number}.onnx" for number in range(12)]
    for path in names:
        path.write_bytes(path.name.encode())
    code = (
        "import runpy, sys\n"
        "from pathlib import Path\n"
        f"runpy.run_path({str(ROOT / 'scripts' / 'checkout.py')!r})['load_checkout']()\n"
        "from multifaceswap.models.digests import sha256_of\n"
        "for name in sys.argv[1:]: sha256_of(Path(name))\n"
    )
    some = [names[start:] + names[:start] for start in (0, 4, 8)]
    processes = [subprocess.Popen([sys.executable, "-c", code, *map(str, one)]) for one in some]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    kept = json.loads(cache.read_text())
    assert kept and {row[2][0] for row in kept.values()} <= {digest(path.name.encode()) for path in names}
    assert all(row[2][0] == digest(Path(name).name.encode()) for name, row in kept.items())
    assert [path.name for path in cache.parent.iterdir()] == ["digests.json"]


def test_without_a_word_from_the_environment_the_users_cache_folder_is_used(monkeypatch, tmp_path):
    monkeypatch.delenv("MULTIFACESWAP_CACHE")
    monkeypatch.setattr(caches, "user_cache_path", lambda name, appauthor: tmp_path / name)
    assert caches.cache_folder() == tmp_path / "multifaceswap"
