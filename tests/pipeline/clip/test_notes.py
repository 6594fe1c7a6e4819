from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multifaceswap.pipeline.clip.notes import ClipPerson, Notes
from multifaceswap.pipeline.faces.index_list import Span


def noted(*entries: tuple[str, int, ClipPerson | None]) -> Notes:
    notes = Notes()
    for text, frame, person in entries:
        notes.add(text, Span(frame, frame), person)
    return notes


def test_nothing_noted_is_no_line():
    assert Notes().lines() == ()


def test_a_text_is_one_line_with_its_frames():
    notes = noted(("dark", 0, None), ("dark", 1, None), ("odd", 1, None), ("dark", 4, None), ("dark", 5, None))
    assert notes.lines() == ("frames 0-1, 4-5: dark", "frame 1: odd")


def test_a_text_about_people_names_them_once():
    anna, bert = ClipPerson(0, 1), ClipPerson(2, 0)
    notes = noted(("hidden", 3, anna), ("hidden", 4, anna), ("hidden", 90, bert), ("turned", 91, bert))
    assert notes.lines() == ("scene 0, person 1; scene 2, person 0: hidden", "scene 2, person 0: turned")


def test_where_many_people_have_it_the_frames_are_named():
    entries = [("hidden", person // 2, ClipPerson(0, person)) for person in range(9)]
    assert noted(*entries[:8]).lines()[0].count("person") == 8
    assert noted(*entries).lines() == ("frames 0-4: hidden",)


def test_eight_runs_are_shown_and_the_other_frames_counted():
    even = [("odd", 2 * number, None) for number in range(20)]
    assert noted(*even[:8]).lines() == ("frames 0, 2, 4, 6, 8, 10, 12, 14: odd",)
    assert noted(*even).lines() == ("frames 0, 2, 4, 6, 8, 10, 12, 14 and 12 more: odd",)


@pytest.mark.parametrize("person", [None, 0])
def test_an_endless_clip_takes_no_more_room_than_a_short_one(person):
    notes, sizes = Notes(), []
    for frame in range(0, 20_000, 2):
        for text in ("dark", "turned"):
            notes.add(text, Span(frame, frame), None if person is None else ClipPerson(frame, person))
        sizes.append(len(json.dumps(notes.as_json())))
    assert sizes[-1] - sizes[20] < 30
    assert [line.rpartition(" and ")[2] for line in notes.lines()] == ["9992 more: dark", "9992 more: turned"]


spans = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=25)


@given(spans, st.integers(0, 24))
def test_the_frames_are_those_that_were_noted_wherever_it_was_stored(steps, stored_after):
    """Each step goes on by some frames, none where another person is noted in the same ones, and lasts some."""
    notes, frames, first = Notes(), set(), 0
    for number, (step, length) in enumerate(steps):
        first += step
        notes.add("dark", Span(first, first + length))
        frames |= set(range(first, first + length + 1))
        if number == stored_after:
            notes = Notes(json.loads(json.dumps(notes.as_json())))
    (line,) = notes.lines()
    where, _, more = line.removesuffix(": dark").removeprefix("frames ").removeprefix("frame ").partition(" and ")
    shown = set()
    for run in where.split(", "):
        start, _, end = run.partition("-")
        shown |= set(range(int(start), int(end or start) + 1))
    assert shown <= frames and len(frames - shown) == int(more.partition(" ")[0] or 0)
    assert not more or max(shown) < min(frames - shown)
