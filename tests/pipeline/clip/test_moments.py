"""Places in a clip as they are written."""

from __future__ import annotations

from fractions import Fraction

import pytest
from multifaceswap.pipeline.clip.moments import Moment, moment_text, parse_moment, require_rising
from multifaceswap.pipeline.errors import SettingsError


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("12.5", Fraction(25, 2)),
        ("0.1", Fraction(1, 10)),
        (".04", Fraction(1, 25)),
        ("7.", 7),
        ("90", 90),
        ("1:02.5", Fraction(125, 2)),
        ("0:01:02", 62),
        ("90:00", 5400),
        ("2:00:00.25", Fraction(28801, 4)),
    ],
)
def test_times_are_exact(text, seconds):
    assert parse_moment(text) == Moment(Fraction(seconds))


@pytest.mark.parametrize(("text", "number"), [("0f", 0), ("120f", 120), ("120F", 120)])
def test_a_number_before_an_f_is_a_frame(text, number):
    assert parse_moment(text) == Moment(Fraction(number), is_frame=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "1e3",
        "nan",
        "inf",
        "12,5",
        "1:60",
        "1:60:00",
        "1:2:3:4",
        ":30",
        "1:",
        "f",
        "1.5f",
        "-1f",
        "12 f",
        "٣",
        "0x10",
        "1:-2",
        "end",
    ],
)
def test_anything_else_is_refused_with_what_is_expected(text):
    with pytest.raises(
        SettingsError, match=r"^expected a time such as 12\.5, 1:02\.5 or 0:01:02, or a frame such as 120f"
    ):
        parse_moment(text)


@pytest.mark.parametrize("text", ["1000001", "1000000001f", "99999:00:00", "9" * 39, "1" * 5000, "9" * 39 + "f"])
def test_what_is_further_than_any_clip_is_refused(text):
    with pytest.raises(SettingsError, match="expected a time"):
        parse_moment(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((12.5, "12.5"), (3, "3"), (0.1 + 0.2, "0.3"), (1e-5, "0.00001"), (0, "0"), (0.0, "0"), (100, "100")),
        *((" 1:02.5 ", "1:02.5"), ("0:00", "0"), ("0f", "0f"), ("", ""), (" ", ""), ("120f", "120f")),
    ],
)
def test_numbers_are_seconds(value, text):
    assert moment_text(value) == text


@pytest.mark.parametrize("value", [True, None, [1], -1, -0.5, float("nan"), float("inf"), 10**400, 1_000_000.5])
def test_what_is_no_place_is_refused(value):
    with pytest.raises(SettingsError, match="expected a time"):
        moment_text(value)


@pytest.mark.parametrize(
    ("start", "end"), [("0", "0"), ("0", "0f"), ("2", "1"), ("1:00", "60"), ("9f", "9f"), ("3f", "0")]
)
def test_an_end_that_is_not_behind_the_start_is_refused(start, end):
    with pytest.raises(SettingsError, match=r"^end .*: expected a place behind the start"):
        require_rising(parse_moment(start), parse_moment(end))


@pytest.mark.parametrize(("start", "end"), [("0", "0.01"), ("59", "1:00"), ("9f", "10f"), ("50f", "1"), ("3", "5f")])
def test_others_are_left_for_when_the_clip_is_known(start, end):
    require_rising(parse_moment(start), parse_moment(end))
    require_rising(parse_moment(start), None)


def test_a_place_is_shown_as_it_is_read():
    assert [str(parse_moment(text)) for text in ("1:02.5", "120f", "0.1")] == ["62.5", "120f", "0.1"]
