from __future__ import annotations

from pathlib import Path

import pytest
from multifaceswap.media.pictures import EXTENSIONS, find_pictures
from multifaceswap.pipeline.errors import ImageError


def test_a_folder_becomes_its_pictures_sorted(tmp_path):
    for name in ("b.PNG", "a.jpg", "._a.jpg", "notes.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder.png").mkdir()
    assert find_pictures([tmp_path]) == [tmp_path / "a.jpg", tmp_path / "b.PNG"]


def test_files_are_taken_as_given_and_in_order():
    assert find_pictures([]) == []
    assert find_pictures(["b.txt", "a.png"]) == [Path("b.txt"), Path("a.png")]


def test_patterns_are_expanded_unless_a_file_has_that_name(tmp_path):
    for name in ("b.png", "a.png", "[x].png", "x.png"):
        (tmp_path / name).touch()
    assert find_pictures([tmp_path / "?.png"]) == [tmp_path / "a.png", tmp_path / "b.png", tmp_path / "x.png"]
    assert find_pictures([tmp_path / "[x].png"]) == [tmp_path / "[x].png"]


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
