from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from multifaceswap.batch import Place
from multifaceswap.pipeline.errors import ImageError, SettingsError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["folder", "memory"])
def place(request, tmp_path):
    """An empty folder on this machine, and one in fsspec's storage in memory."""
    if request.param == "folder":
        return Place(str(tmp_path / "place"))
    storage = pytest.importorskip("fsspec").filesystem("memory")
    storage.store.clear()
    storage.pseudo_dirs[:] = [""]
    return Place("memory://bucket/place")


def test_what_is_written_is_read_listed_and_known_by_its_version(place):
    file = place.at("a/b.bin")
    assert not file.exists()
    file.write(b"one")
    before = file.version()
    assert file.version() == before
    file.write(b"three")
    assert (file.read(), file.exists(), file.is_folder(), place.is_folder()) == (b"three", True, False, True)
    assert file.version() != before
    place.at("c.bin").write(b"")
    place.at(".state/d.bin").write(b"")
    assert place.inside() == ["a/b.bin", "c.bin"]
    assert (file.name, file.parent) == ("b.bin", place.at("a"))


def test_a_missing_file_is_an_os_error(place):
    for ask in (Place.read, Place.version):
        with pytest.raises(OSError):
            ask(place.at("nothing.png"))


def test_files_travel_through_paths_of_this_machine(place):
    with place.at("new/x.png").filled() as path:
        assert path.suffix == ".png"
        path.write_bytes(b"result")
    with place.at("new/x.png").fetched() as path:
        assert (path.name, path.read_bytes()) == ("x.png", b"result")
    assert place.inside() == ["new/x.png"]


def test_a_folder_is_listed_at_once(monkeypatch):
    """A request for every file of a bucket would take hours."""
    pytest.importorskip("upath")
    place = Place("memory://bucket/many")
    for number in range(20):
        place.at(f"{number % 3}/{number:02}.png").write(b"")
    files = type(place._path().fs)
    asked = []
    for name in ("info", "exists", "isfile", "isdir"):
        real = getattr(files, name)
        monkeypatch.setattr(files, name, lambda self, path, *rest, real=real: (asked.append(path), real(self, path))[1])
    assert len(place.inside()) == 20
    assert len(asked) <= 5


def test_a_remote_file_appears_whole_and_under_its_name_alone(monkeypatch):
    pytest.importorskip("upath")
    place = Place("memory://bucket/whole/x.png")
    files, seen = type(place._path().fs), []
    real = files.mv

    def look(self, source, target, **options):
        seen.append((place.exists(), self.cat_file(source), place.parent.inside()))
        real(self, source, target, **options)

    monkeypatch.setattr(files, "mv", look)
    place.write(b"whole")
    assert seen == [(False, b"whole", [])]
    assert place.read() == b"whole" and place.parent.inside() == ["x.png"]


@pytest.mark.parametrize(("missing", "url"), [("upath", "memory://bucket/x"), ("s3fs", "s3://bucket/x")])
def test_a_missing_package_is_an_error_that_names_it(monkeypatch, missing, url):
    pytest.importorskip("upath")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImageError, match=rf"^{url}: can't be reached: .*{missing}.*comes with multifaceswap\[ray\]"):
        Place(url).exists()


def test_paths_of_this_machine_need_no_package(tmp_path):
    code = (
        f"import runpy, sys; runpy.run_path({str(ROOT / 'tests/conftest.py')!r})\n"
        "from multifaceswap.batch import Place\n"
        "place = Place(sys.argv[1]).at('a/b.bin')\n"
        "place.write(b'x'), place.read(), place.version(), place.exists(), place.parent.inside()\n"
        "with place.fetched() as path, place.parent.at('c').filled() as other: pass\n"
        "print(sorted({'upath', 'fsspec'} & set(sys.modules)))\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_what_fails_on_the_way_leaves_nothing():
    pytest.importorskip("upath")
    place = Place("memory://bucket/failing")
    with pytest.raises(ZeroDivisionError), place.at("x.png").filled() as path:
        path.write_bytes(b"half")
        raise ZeroDivisionError
    assert not place.at("x.png").exists() and place._path().fs.find("/bucket/failing") == []


def test_whole_addresses_stay_as_they_are(place):
    assert place.at("s3://bucket/x.png").address == "s3://bucket/x.png"
    assert place.at("/x.png").address == "/x.png"


def test_an_unknown_scheme_is_an_error():
    pytest.importorskip("upath")
    with pytest.raises(SettingsError, match="nowhere://x"):
        Place("nowhere://x").exists()


@pytest.mark.parametrize(
    "address", ["zip://x.jpg::{}/bad.zip", "tar://x.jpg::{}/bad.tar", "simplecache::zip://x::{}/bad.zip"]
)
def test_damaged_archives_end_in_an_error_of_their_own(tmp_path, address):
    pytest.importorskip("upath")
    for name in ("bad.zip", "bad.tar"):
        (tmp_path / name).write_bytes(b"no archive")
    place = Place(address.format(tmp_path))
    with pytest.raises((ImageError, OSError)):
        place.version()
    with pytest.raises((ImageError, OSError)), place.fetched():
        pass


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///tmp/a b", "/tmp/a b"),
        ("FILE://localhost/tmp/x", "/tmp/x"),
        ("local:///tmp/x", "/tmp/x"),
        ("local:/tmp/x", "/tmp/x"),
        ("file://out/x", "out/x"),
        ("file:///C:/out", "C:/out"),
        ("local:out", "local:out"),
        ("s3://bucket/file:///x", "s3://bucket/file:///x"),
    ],
)
def test_urls_of_this_machine_are_paths(url, path):
    assert Place(url).address == path and Place(url).is_remote == path.startswith("s3")


def test_a_file_in_an_archive_has_its_own_name_and_its_folder_is_in_the_archive():
    place = Place("zip://a/x.jpg::s3://bucket/good.zip")
    assert place.name == "x.jpg"
    assert place.parent.address == "zip://a::s3://bucket/good.zip"
    assert place.parent.parent.at("y.jpg").address == "zip://y.jpg::s3://bucket/good.zip"
    assert Place("simplecache::s3://bucket/k/x.jpg").name == "x.jpg"
    assert Place("https://host/a/x.jpg?key=a/b").name == "x.jpg"


def test_a_folder_in_an_archive_is_listed_and_read(tmp_path):
    pytest.importorskip("upath")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("in/x.jpg", b"first")
    place = Place(f"zip://::{tmp_path / 'a.zip'}")
    assert place.is_folder() and place.inside() == ["in/x.jpg"]
    assert place.at("in/x.jpg").read() == b"first"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_is_refused_in_words(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    for name, why in (("pipe.jpg", "it is not a regular file"), ("", "it is a folder, not a file")):
        with pytest.raises(ImageError) as caught, Place(str(tmp_path / name)).fetched():
            pass
        assert str(caught.value) == f"{tmp_path / name}: can't be read: {why}"
