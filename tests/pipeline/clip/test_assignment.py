from __future__ import annotations

import json

import numpy as np
import pytest
from multifaceswap.pipeline.clip import assignment as module
from multifaceswap.pipeline.clip.assignment import Assignment, AssignmentRules
from multifaceswap.pipeline.errors import FaceNotFoundError, IndexListError, SettingsError
from multifaceswap.pipeline.faces.pairing import map_indexes
from multifaceswap.pipeline.types import Face, FaceSet, Size


def face(person: int, left: float, gender=None) -> Face:
    box = np.array([left, 0, left + 40, 40], np.float32)
    return Face(box, box[:2] + np.zeros((5, 2)), 0.9, index=person, gender=gender)


DONORS = FaceSet(((face(0, 0), face(1, 100)), (face(0, 0),)), Size(200, 200))
"""Three donors in two pictures."""


def assignment(targets="0", sources="0", **rules) -> Assignment:
    return Assignment(AssignmentRules(targets, sources, detection_face_order="left-right", **rules), DONORS)


def donors_of(given: Assignment) -> dict[int, int]:
    return {person: source.index for person, source in given.sources.items()}


def test_people_are_numbered_in_order_and_newcomers_after_them():
    given = assignment("0,1,2", "0,1,2")
    given.appear([face(0, 150), face(1, 20)])
    assert donors_of(given) == {1: 0, 0: 1}
    given.appear([face(2, 0)])
    assert donors_of(given) == {1: 0, 0: 1, 2: 2}


def test_everybody_gets_a_donor_as_they_appear():
    given = assignment("*", "0-1", pairing="round-robin")
    for person in range(4):
        given.appear([face(person, 10 * person)])
    assert donors_of(given) == {0: 0, 1: 1, 2: 0, 3: 1}


def test_a_donor_is_kept_when_others_come_later():
    given = assignment("-1", "2")
    given.appear([face(0, 0), face(1, 50)])
    assert donors_of(given) == {1: 2}
    given.appear([face(2, 20)])
    assert donors_of(given) == {1: 2, 2: 2}


def test_people_of_another_gender_have_no_number():
    given = assignment("0", "1", detect_gender="female")
    given.appear([face(0, 0, "male"), face(1, 50, "female")])
    assert donors_of(given) == {1: 1}


def test_scenes_start_over_and_the_report_counts_frames():
    given = assignment("0,1", "0,1")
    given.appear([face(0, 0), face(1, 90)])
    given.end_scene(10)
    given.appear([face(0, 0)])
    assert donors_of(given) == {0: 0}
    given.end_scene(12)
    given.end_scene(15)
    given.appear([face(0, 0)])
    given.end_scene(20)
    assert given.report() == (
        "4 scenes: numbers start over at frames 10, 12 and 15",
        "frames 10-11, 15-19: target 1 not found (1 face)",
        "frames 12-14: target 0-1 not found (no faces)",
    )


def test_a_scene_that_lacks_somebody_is_an_error_where_missing_is_one():
    given = assignment("0,1", "0,1", missing="error")
    given.end_scene(4)  # nobody at all: a title
    given.appear([face(0, 0)])
    with pytest.raises(FaceNotFoundError, match=r"^frames 4-8: .*target 1"):
        given.end_scene(9)


def test_a_frame_that_was_handed_on_keeps_the_donors_of_those_who_are_forgotten_later():
    given = assignment("*", "*")
    given.appear([face(0, 0), face(1, 90)])
    before = given.sources
    given.keep({1})
    given.appear([face(2, 20)])
    assert donors_of(given) == {1: 1, 2: 2}
    assert sorted(before) == [0, 1]


def test_a_crowd_that_passes_one_by_one_costs_the_same_for_each(monkeypatch):
    given, mapped = assignment("*", "*", pairing="round-robin"), []
    monkeypatch.setattr(module, "map_indexes", lambda *args: (mapped.append(args), map_indexes(*args))[1])
    sizes = []
    for person in range(900):
        given.appear([face(person, 0)])
        given.keep(set(range(person - 20, person + 1)))
        sizes.append(len(json.dumps(given.as_json())))
    assert mapped == []  # it reads the list for everybody
    assert donors_of(given) == {person: person % 3 for person in range(879, 900)}
    assert sizes[-1] - sizes[99] < 100


def test_scenes_that_take_turns_are_reported_in_bounded_space():
    given = assignment("0,1", "0,1")
    sizes = []
    for number in range(2000):
        given.appear([face(person, 90 * person) for person in range(1 + number % 2)])
        given.end_scene(number + 1)
        sizes.append(len(json.dumps(given.as_json())))
    assert sizes[-1] - sizes[99] < 20
    assert given.report()[1:] == ("frames 0, 2, 4, 6, 8, 10, 12, 14 and 992 more: target 1 not found (1 face)",)


def scenes(given: Assignment, *lengths: int, peopled=lambda number: True) -> tuple[str, ...]:
    """The report on scenes of that many frames, each with somebody or nobody."""
    end = 0
    for number, length in enumerate(lengths):
        if peopled(number):
            given.appear([face(0, 0)])
        end += length
        given.end_scene(end)
    return given.report()


@pytest.mark.parametrize(
    ("lengths", "line"),
    [
        ((15, 15), "2 scenes: numbers start over at frame 15"),
        ((15, 25, 10), "3 scenes: numbers start over at frames 15 and 40"),
        ((5, 5, 5, 5), "4 scenes: numbers start over at frames 5, 10 and 15"),
        ((2,) * 9, "9 scenes: numbers start over at frames 2, 4, 6, 8, 10, 12, 14 and 16"),
        ((2,) * 500, "500 scenes: numbers start over at frames 2, 4, 6, 8, 10, 12, 14, 16 and 491 more"),
        ((1,) * 500, "numbers start over at every frame"),
    ],
)
def test_the_report_names_the_frames_where_numbers_start_over(lengths, line):
    assert scenes(assignment("0", "0"), *lengths) == (line,)
    assert scenes(assignment("*", "*"), *lengths)[0] == line


def test_numbers_that_do_not_matter_do_not_start_over():
    assert scenes(assignment("*", "0"), 5, 5) == () and scenes(assignment("*", "-1"), 5, 5) == ()
    assert scenes(assignment("0", "0"), 5) == ()
    told = scenes(assignment("0", "0"), 5, 5, 5, peopled=lambda number: number == 1)
    assert not any("start over" in line for line in told)  # nobody but in one scene


def test_it_goes_on_from_its_state_in_a_file():
    first = assignment("*", "*")
    first.appear([face(0, 150), face(1, 20)])
    first.end_scene(5)
    first.appear([face(0, 150)])
    second = assignment("*", "*")
    second.restore(json.loads(json.dumps(first.as_json())))
    for given in (first, second):
        given.appear([face(1, 20)])
        given.end_scene(9)
    assert second.as_json() == first.as_json() and second.report() == first.report()


def test_rules_that_cannot_be_are_refused_before_any_frame():
    with pytest.raises(IndexListError):
        AssignmentRules("0,x")
    with pytest.raises(SettingsError, match="pairing"):
        AssignmentRules(pairing="x")
    with pytest.raises(SettingsError, match="takes as many sources as targets"):
        assignment("0,1,2", "0,1")
