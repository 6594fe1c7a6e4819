from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multifaceswap.pipeline.errors import IndexListError, SettingsError
from multifaceswap.pipeline.faces.index_list import IndexList, Missing, Span, parse_indexes


def missing(first, last=None):
    return Missing(Span(first, first if last is None else last))


@pytest.mark.parametrize(
    ("text", "canonical", "of_none", "of_three"),
    [
        ("*", "*", [], [0, 1, 2]),
        ("  *  ", "*", [], [0, 1, 2]),
        ("0", "0", [missing(0)], [0]),
        ("0,1,2", "0,1,2", [missing(0), missing(1), missing(2)], [0, 1, 2]),
        (" 2 , 0 ", "2,0", [missing(2), missing(0)], [2, 0]),
        ("0-3", "0-3", [missing(0, 3)], [0, 1, 2, missing(3)]),
        ("1 - 2", "1-2", [missing(1, 2)], [1, 2]),
        ("5-9,1", "5-9,1", [missing(5, 9), missing(1)], [missing(5, 9), 1]),
        ("2-2", "2", [missing(2)], [2]),
        ("007", "7", [missing(7)], [missing(7)]),
        ("-1", "-1", [missing(-1)], [2]),
        ("-3,-4", "-3,-4", [missing(-3), missing(-4)], [0, missing(-4)]),
        ("1,1", "1,1", [missing(1), missing(1)], [1, 1]),
    ],
)
def test_what_a_list_names(text, canonical, of_none, of_three):
    indexes = parse_indexes(text)
    assert str(indexes) == canonical
    assert indexes.resolve(0) == of_none
    assert indexes.resolve(3) == of_three


@pytest.mark.parametrize(
    ("text", "position", "reason"),
    [
        ("", 0, "expected a face number (found the end)"),
        ("   ", 3, "expected a face number (found the end)"),
        (",", 0, "expected a face number (found ',')"),
        ("0,", 2, "expected a face number (found the end)"),
        ("0, ,1", 3, "expected a face number (found ',')"),
        ("0,,1", 2, "expected a face number (found ',')"),
        ("0 1", 2, "expected a comma (found '1')"),
        ("0;1", 1, "expected a comma (found ';')"),
        ("1.5", 1, "expected a comma (found '.')"),
        ("a", 0, "expected a face number (found 'a')"),
        ("0,1,x", 4, "expected a face number (found 'x')"),
        ("+1", 0, "expected a face number (found '+')"),
        ("٣", 0, "expected a face number (found '٣')"),
        ("1²", 1, "expected a comma (found '²')"),
        ("0\n", 1, "expected a comma (found '\\n')"),
        ("*,0", 0, "* is all faces and stands alone (found '*')"),
        ("0,*", 2, "* is all faces and stands alone (found '*')"),
        ("-", 1, "expected a face number (found the end)"),
        ("- 1", 1, "expected a face number (found ' ')"),
        ("--1", 1, "expected a face number (found '-')"),
        ("-0", 1, "-1 is the last face, -0 none (found '0')"),
        ("-3-1", 2, "expected a comma (found '-')"),
        ("0--1", 2, "expected a face number (found '-')"),
        ("0-", 2, "expected a face number (found the end)"),
        ("0-1-2", 3, "expected a comma (found '-')"),
        ("0, 3-1", 5, "a range rises: write 1-3, or the numbers one by one (found '1')"),
        ("0,1234567890", 11, "a face number has at most 9 digits (found '0')"),
        ("9" * 5000, 9, "a face number has at most 9 digits (found '9')"),
    ],
)
def test_what_is_refused_and_where(text, position, reason):
    with pytest.raises(IndexListError) as refused:
        parse_indexes(text)
    assert (refused.value.text, refused.value.position) == (text, position)
    assert f"character {position + 1}: {reason}. " in str(refused.value)


@pytest.mark.parametrize("text", ["0,x", "0,\tx", "\ud800", "0,\nx"])
def test_the_message_is_one_line_that_shows_the_list_and_the_character(text):
    with pytest.raises(IndexListError) as refused:
        parse_indexes(text)
    message = str(refused.value)
    assert len(message.splitlines()) == 1 and message.isprintable()
    assert message.startswith(f"index list {text!r}, character {refused.value.position + 1}: ")


entries = st.one_of(
    st.integers(0, 999_999_999).map(str),
    st.integers(1, 999_999_999).map(lambda number: f"-{number}"),
    st.tuples(st.integers(0, 999_999_999), st.integers(0, 999_999_999)).map(lambda ends: f"{min(ends)} - {max(ends)}"),
)
lists = st.one_of(st.just("*"), st.lists(entries, min_size=1, max_size=6).map(" , ".join))


@given(lists)
def test_every_list_is_read_and_round_trips(text):
    indexes = parse_indexes(text)
    assert parse_indexes(str(indexes)) == indexes
    assert str(parse_indexes(str(indexes))) == str(indexes)


@given(lists, st.integers(0, 20))
def test_picking_agrees_with_resolving(text, count):
    indexes = parse_indexes(text)
    position = 0
    for entry in indexes.resolve(count):
        if isinstance(entry, int):
            assert 0 <= entry < count
            assert indexes.pick(position, count) == entry
            position += 1
        else:
            assert indexes.pick(position, count) == missing(entry.span.first)
            assert indexes.pick(position + entry.span.length - 1, count) == missing(entry.span.last)
            position += entry.span.length
    assert position == indexes.length(count)
    with pytest.raises(IndexError):
        indexes.pick(position, count)


@given(lists, st.integers(0, 20))
def test_a_faces_position_is_that_of_its_first_entry(text, count):
    indexes = parse_indexes(text)
    first: dict[int, int] = {}
    position = 0
    for entry in indexes.resolve(count):
        if isinstance(entry, int):
            first.setdefault(entry, position)
            position += 1
        else:
            position += entry.span.length
    assert {number: indexes.position(number, count) for number in range(count)} == {
        number: first.get(number) for number in range(count)
    }


def test_a_vast_range_costs_nothing():
    indexes = parse_indexes("0-999999999," * 50 + "3")
    assert indexes.length(0) == 50_000_000_001
    assert indexes.resolve(2) == [0, 1, missing(2, 999_999_999)] * 50 + [missing(3)]
    assert indexes.pick(1_000_000_001, 2) == 1


def test_length_of_all_is_what_there_is():
    assert parse_indexes("*").length(0) == 0
    assert parse_indexes("*").length(5) == 5


@pytest.mark.parametrize(("text", "twice"), [("1,1", 1), ("0-5,3", 3), ("4-6,0-4", 4), ("-2,0,-2", -2)])
def test_a_face_listed_twice(text, twice):
    with pytest.raises(SettingsError, match=f"input_faces_index: face {twice} is listed twice in '{text}'"):
        parse_indexes(text).require_distinct("input_faces_index")


@pytest.mark.parametrize("text", ["*", "0", "0-3,4,9", "3,2,1,0", "0,-1", "-1,-2"])
def test_lists_without_repetition(text):
    assert parse_indexes(text).require_distinct("input_faces_index") is None


@pytest.mark.parametrize("spans", [(), (Span(3, 1),), (Span(-2, -1),), (Span(-1, 2),)])
def test_a_value_that_could_not_be_written_is_refused(spans):
    with pytest.raises(ValueError, match="rising spans"):
        IndexList(spans)


def test_lists_are_values():
    assert parse_indexes("0, 2-4") == parse_indexes(" 00,2 - 4 ") != parse_indexes("0,2,3,4")
    assert len({parse_indexes("*"), parse_indexes(" * "), parse_indexes("0")}) == 2
