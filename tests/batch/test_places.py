from __future__ import annotations

import pytest
from multifaceswap.batch import Place
from multifaceswap.pipeline.errors import SettingsError


@pytest.fixture(params=["folder", "memory"])
def place(request, tmp_path):
    """An empty folder on this machine, and one in fsspec's storage in memory."""
    if request.param == "folder":
        return Place(str(tmp_path / "place"))
    import fsspec

    storage = fsspec.filesystem("memory")
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


def test_what_fails_on_the_way_leaves_nothing():
    place = Place("memory://bucket/failing")
    with pytest.raises(ZeroDivisionError), place.at("x.png").filled() as path:
        path.write_bytes(b"half")
        raise ZeroDivisionError
    assert not place.at("x.png").exists()


def test_whole_addresses_stay_as_they_are(place):
    assert place.at("s3://bucket/x.png").address == "s3://bucket/x.png"
    assert place.at("/x.png").address == "/x.png"


def test_an_unknown_scheme_is_told():
    with pytest.raises(SettingsError, match="nowhere://x"):
        Place("nowhere://x").exists()
