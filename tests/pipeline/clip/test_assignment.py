from __future__ import annotations

import json

import numpy as np
import pytest
from multifaceswap.pipeline.clip.assignment import Assignment, AssignmentRules
from multifaceswap.pipeline.errors import FaceNotFoundError, IndexListError, SettingsError
from multifaceswap.pipeline.types import Face, FaceSet, Size


def face(person: int, left: float, gender=None) -> Face:
    box = np.array([left, 0, left + 40, 40], np.float32)
    return Face(box, box[:2] + np.zeros((5, 2)), 0.9, index=person, gender=gender)


DONORS = FaceSet(((face(0, 0), face(1, 100)), (face(0, 0),)), Size(200, 200))
"""Three donors in two pictures."""


def casting(targets="0", sources="0", **wishes) -> Assignment:
    return Assignment(AssignmentRules(targets, sources, detection_face_order="left-right", **wishes), DONORS)


def roles(cast: Assignment) -> dict[int, int]:
    return {person: source.index for person, source in cast.roles.items()}


def test_people_are_numbered_in_order_and_newcomers_after_them():
    cast = casting("0,1,2", "0,1,2")
    cast.appear([face(0, 150), face(1, 20)])
    assert roles(cast) == {1: 0, 0: 1}
    cast.appear([face(2, 0)])
    assert roles(cast) == {1: 0, 0: 1, 2: 2}
    assert [cast.number_of(person) for person in (1, 0, 2)] == [0, 1, 2]


def test_everybody_gets_a_donor_as_they_appear():
    cast = casting("*", "0-1", pairing="round-robin")
    for person in range(4):
        cast.appear([face(person, 10 * person)])
    assert roles(cast) == {0: 0, 1: 1, 2: 0, 3: 1}


def test_a_donor_is_kept_whoever_comes_later():
    cast = casting("-1", "2")
    cast.appear([face(0, 0), face(1, 50)])
    assert roles(cast) == {1: 2}
    cast.appear([face(2, 20)])
    assert roles(cast) == {1: 2, 2: 2}


def test_people_of_another_gender_have_no_number():
    cast = casting("0", "1", detect_gender="female")
    cast.appear([face(0, 0, "male"), face(1, 50, "female")])
    assert roles(cast) == {1: 1}


def test_scenes_start_over_and_the_report_counts_frames():
    cast = casting("0,1", "0,1")
    cast.appear([face(0, 0), face(1, 90)])
    cast.end_scene(10)
    cast.appear([face(0, 0)])
    assert roles(cast) == {0: 0}
    cast.end_scene(12)
    cast.end_scene(15)
    cast.appear([face(0, 0)])
    cast.end_scene(20)
    assert cast.report() == (
        "frames 10-11, 15-19: target 1 not found (1 face)",
        "frames 12-14: target 0-1 not found (no faces)",
    )


def test_a_scene_that_lacks_somebody_is_an_error_if_so_wished():
    cast = casting("0,1", "0,1", missing="error")
    cast.end_scene(4)  # nobody at all: a title
    cast.appear([face(0, 0)])
    with pytest.raises(FaceNotFoundError, match=r"^frames 4-8: .*target 1"):
        cast.end_scene(9)


def test_it_goes_on_from_its_state_in_a_file():
    first = casting("*", "*")
    first.appear([face(0, 150), face(1, 20)])
    first.end_scene(5)
    first.appear([face(0, 150)])
    second = casting("*", "*")
    second.restore(json.loads(json.dumps(first.as_json())))
    for cast in (first, second):
        cast.appear([face(1, 20)])
        cast.end_scene(9)
    assert second.as_json() == first.as_json() and second.report() == first.report()


def test_wishes_that_cannot_be_are_refused_before_any_frame():
    with pytest.raises(IndexListError):
        AssignmentRules("0,x")
    with pytest.raises(SettingsError, match="pairing"):
        AssignmentRules(pairing="x")
    with pytest.raises(SettingsError, match="takes as many sources as targets"):
        casting("0,1,2", "0,1")
