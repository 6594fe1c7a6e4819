from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from multifaceswap import order_faces
from multifaceswap.pipeline.clip.assignment import Assignment, AssignmentRules
from multifaceswap.pipeline.clip.recognition import Recognition
from multifaceswap.pipeline.errors import SettingsError
from multifaceswap.pipeline.faces.ages import is_of_age, parse_ages
from multifaceswap.pipeline.types import AgeRange, Embedding, Face, FaceSet, Size

SOMEBODY = Face(np.array([0, 0, 10, 10]), np.zeros((5, 2)), 0.9)


def aged(low, high, left=0, gender="female"):
    box = np.array([left, 0, left + 10, 10])
    return replace(SOMEBODY, box=box, age=AgeRange(low, high), gender=gender)


@pytest.mark.parametrize(
    ("text", "ages"),
    [
        ("", None),
        ("  ", None),
        ("20-39", (20, 39)),
        (" 20 - 39 ", (20, 39)),
        ("25", (25, 25)),
        ("70+", (70, 120)),
        ("0-120", (0, 120)),
        ("007", (7, 7)),
    ],
)
def test_ages_are_read(text, ages):
    assert parse_ages(text) == ages


@pytest.mark.parametrize("text", ["39-20", "121", "0-121", "-5", "20-", "a", "20,30", "1e1", "20--30", "२०", "9999"])
def test_anything_else_is_refused(text):
    with pytest.raises(SettingsError, match=r"expected years (such as 20-39, 25 or 70\+|from 0 to 120)"):
        parse_ages(text)


@pytest.mark.parametrize(
    ("ages", "text"), [((20, 39), "20-39"), ((25, 25), "25"), ((70, 120), "70+"), ((120, 120), "120")]
)
def test_ages_are_written_as_they_are_read(ages, text):
    assert str(AgeRange(*ages)) == text and parse_ages(text) == ages


@pytest.mark.parametrize(
    ("wanted", "kept"), [("", True), ("20-29", True), ("29", True), ("29-70", True), ("30+", False), ("0-19", False)]
)
def test_a_face_is_kept_where_its_guess_overlaps(wanted, kept):
    assert is_of_age(aged(20, 29), wanted) == kept


def test_faces_are_filtered_and_then_numbered():
    faces = FaceSet(((aged(0, 2, 0), aged(20, 29, 20), aged(70, 120, 40), aged(30, 39, 60)),), Size(100, 20))
    kept = order_faces(faces, "right-left", detect_age="20-39")
    assert [(face.index, str(face.age)) for face in kept.flat()] == [(0, "30-39"), (1, "20-29")]
    both = order_faces(
        replace(faces, frames=((*faces.frames[0], aged(20, 29, 80, "male")),)),
        "left-right",
        "male",
        1,
        detect_age="20-39",
    )
    assert [(face.index, float(face.box[0])) for face in both.flat()] == [(0, 80)]
    assert len(both.others_of(0)) == 4


def test_ages_that_were_not_asked_for_are_an_error_that_says_so():
    faces = FaceSet(((SOMEBODY,),), Size(10, 10))
    assert order_faces(faces).count == 1
    with pytest.raises(SettingsError, match="detect_age: '20-39' was asked for, but these faces were detected without"):
        order_faces(faces, detect_age="20-39")


def test_the_setting_is_written_in_one_way_and_errors_name_it():
    faces = FaceSet(((aged(20, 29),),), Size(10, 10))
    assert order_faces(faces, detect_age=" 20 - 39").count == 1
    for wrong in ("old", 25):
        with pytest.raises(SettingsError, match=r"^detect_age: expected"):
            order_faces(faces, detect_age=wrong)


def test_the_order_never_depends_on_who_was_detected_first():
    old, young = aged(70, 120), aged(0, 2)
    one, other = (order_faces(FaceSet((pair,), Size(10, 10))) for pair in ((old, young), (young, old)))
    assert [face.age for face in one.flat()] == [face.age for face in other.flat()]


# Clips


def numbered(*faces):
    return [replace(face, index=person) for person, face in enumerate(faces)]


def test_people_of_another_age_have_no_number_in_clips():
    donors = FaceSet(((SOMEBODY,),), Size(10, 10))
    given = Assignment(AssignmentRules(input_faces_index="*", detect_age="20-39"), donors)
    given.appear(numbered(aged(0, 2), aged(30, 39), aged(70, 120)))
    assert list(given.sources) == [1]


def test_people_of_another_age_are_not_recognised_in_clips():
    class Embedder:
        name, same_person, metric = "colours", 0.5, "euclidean"

    reference = replace(SOMEBODY, embedding=Embedding(np.ones(3), "colours"))
    people, donors = FaceSet(((reference,),), Size(10, 10)), FaceSet(((SOMEBODY,),), Size(10, 10))
    for ages, known in (("20-39", True), ("40+", False)):
        who = Recognition(AssignmentRules(detect_age=ages), people, donors, Embedder())
        who.appear(numbered(aged(30, 39)))
        who.recognise(0, {0: np.ones(3)})
        assert bool(who.sources.get(0)) == known


def test_rules_of_clips_refuse_what_they_cannot_read():
    with pytest.raises(SettingsError, match=r"expected years such as 20-39"):
        AssignmentRules(detect_age="old")
