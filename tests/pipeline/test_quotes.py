"""What messages show of what came has an end, stands on one line, and is what it was where it is short."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multifaceswap.pipeline.quotes import MOST, excerpt, listed, named, nearest, quoted

LONG = "x" * 100_000


@pytest.mark.parametrize("value", ["", "face", "a 'b'", 3, 0.5, None, [1, "a"], {"a": (1, 2)}, b"\xff", "\n\x1b\ud800"])
def test_what_is_short_is_as_python_writes_it(value):
    assert quoted(value) == repr(value)


@pytest.mark.parametrize(
    "value",
    [LONG, LONG.encode(), [LONG] * 100_000, {LONG: [LONG]}, 10**400, 10**5000, "\x00" * 150, ["\x00" * 199]],
    ids=range(8),
)
def test_what_is_long_is_cut_off(value):
    assert 20 < len(quoted(value)) <= MOST


def test_an_array_stands_on_one_line():
    assert quoted(np.zeros((2, 2))) == "array([[0., 0.], [0., 0.]])"


def test_a_list_in_itself_has_an_end():
    endless: list[object] = []
    endless.append(endless)
    for _ in range(100_000):
        endless = [endless]
    assert len(quoted(endless)) <= MOST


def test_of_a_long_name_the_end_is_shown():
    assert named(Path("a/b.png")) == str(Path("a/b.png"))
    assert named(f"{LONG}/end.png") == "…" + "x" * (MOST - 9) + "/end.png"


@pytest.mark.parametrize("mark", ["\n", "\r", "\x1b", "\0", "\x9b", "\u2028", "\udcff"])
def test_a_name_breaks_no_line_and_moves_no_cursor(mark):
    assert named(f"a{mark}b.png") == f"a{ascii(mark)[1:-1]}b.png"


@pytest.mark.parametrize("name", ["é.png", "09.41.00\u202fAM.png", "写真.jpg", "a b.png", "👩\u200d🎤.png"])
def test_names_of_all_languages_stay_as_they_are(name):
    assert named(name) == name


@given(st.text(max_size=3000))
def test_nothing_that_came_is_longer_than_it_may_be_or_of_several_lines(text):
    for shown in (quoted(text), excerpt(text), named(text), listed([text] * 20)):
        assert len(shown) <= MOST and len(shown.splitlines()) <= 1
        shown.encode()


def test_of_many_names_the_first_are_shown():
    assert listed(["a", "b"]) == "a, b"
    assert listed(map(str, range(20))) == "0, 1, 2, 3, 4, 5, 6, 7, …"


@pytest.mark.parametrize(
    "typed", ["http://host/x", "https://host.example/a b/c.png", "ftp://h/x", "s3://bucket/key", "file:///etc/x"]
)
def test_an_address_that_became_a_path_is_named_as_it_was_typed(typed):
    assert named(PurePosixPath(typed)) == named(typed) == typed


@pytest.mark.parametrize(
    "path", ["/http:/x", "a/http:/x", "C:/x", "10:30.mp4", "x:y/z", "async:a.mp4", "http:x", ":/x"]
)
def test_other_colons_are_left_alone(path):
    assert named(path) == path


def test_names_that_are_most_like_a_word_are_named():
    known = ("strength", "start", "mask_feather")
    assert nearest("stength", known) == ", such as strength, start"
    assert nearest("x" * 10_000, known) == nearest("qqqq", known) == ""
