from __future__ import annotations

from pathlib import Path

import pytest
from multifaceswap.media.pictures import EXTENSIONS, find_pictures, finding, is_picture, passed_over_note
from multifaceswap.pipeline.errors import ImageError


def test_a_folder_becomes_its_pictures_sorted(tmp_path):
    for name in ("b.PNG", "a.jpg", "._a.jpg", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert find_pictures([tmp_path]).files == [tmp_path / "a.jpg", tmp_path / "b.PNG"]


def test_files_are_taken_as_given_and_in_order():
    assert find_pictures([]) == ([], [])
    assert find_pictures(["b.txt", "a.png"]) == ([Path("b.txt"), Path("a.png")], [])


def test_patterns_are_expanded_unless_a_file_has_that_name(tmp_path):
    for name in ("b.png", "a.png", "[x].png", "x.png"):
        (tmp_path / name).touch()
    assert find_pictures([tmp_path / "?.png"]).files == [tmp_path / "a.png", tmp_path / "b.png", tmp_path / "x.png"]
    assert find_pictures([tmp_path / "[x].png"]).files == [tmp_path / "[x].png"]


@pytest.mark.parametrize("what", [".", "*.png"])
def test_nothing_found_is_said(tmp_path, what):
    with pytest.raises(ImageError, match="there is no picture here"):
        find_pictures([tmp_path / what])


def test_listed_extensions_are_lower_case():
    assert all(extension == extension.lower() and extension[0] == "." for extension in EXTENSIONS)


@pytest.mark.parametrize("given", [[""], ["a.png", ""]])
def test_an_empty_name_is_not_the_current_folder(given):
    with pytest.raises(ImageError, match="a name is empty"):
        find_pictures(given)


def test_what_a_folder_passes_over_is_known_but_for_what_systems_leave_there(tmp_path):
    names = ("a.jfif", "b.avif", "c.jpe", "d.mpo", "e.jp2", "f.tga", "g.JPEG", "9", "clip.mp4", "x.txt", "y.psd")
    for name in (*names, ".DS_Store", "Thumbs.db", "desktop.ini", "._a.jpg"):
        (tmp_path / name).touch()
    found = find_pictures([tmp_path])
    assert [path.name for path in found.files] == ["a.jfif", "b.avif", "c.jpe", "d.mpo", "e.jp2", "f.tga", "g.JPEG"]
    assert [path.name for path in found.passed_over] == ["9", "clip.mp4", "x.txt", "y.psd"]


def test_a_folder_without_pictures_says_what_is_there(tmp_path):
    for name in ("clip.mp4", "notes.txt"):
        (tmp_path / name).touch()
    with pytest.raises(ImageError, match=r"there is no picture here: 2 files passed over: clip\.mp4, notes\.txt$"):
        find_pictures([tmp_path])


@pytest.mark.parametrize(
    ("names", "note"),
    [
        ([], None),
        (["a.mp4"], "1 file passed over: a.mp4"),
        ([f"{number}.txt" for number in range(8)], "8 files passed over: " + ", ".join(f"{n}.txt" for n in range(8))),
        (
            [f"{number}.txt" for number in range(900)],
            "900 files passed over: " + ", ".join(f"{n}.txt" for n in range(8)) + ", …",
        ),
    ],
)
def test_what_is_passed_over_is_one_line_of_bounded_length(names, note):
    assert passed_over_note(names) == note


@pytest.mark.parametrize("there", [True, False])
def test_heic_is_taken_where_its_package_is(monkeypatch, there):
    monkeypatch.setattr(finding, "reads_heif", lambda: there)
    assert is_picture("a.HEIC") == is_picture("b.heif") == there
    assert ("pillow-heif" in passed_over_note(["a.heic"])) != there
