from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multifaceswap.pipeline.errors import SettingsError
from multifaceswap.pipeline.faces.ordering import GENDERS, ORDERS, order_faces
from multifaceswap.pipeline.types import Embedding, Face, FaceSet, Size

SIZE = Size(1000, 800)
LANDMARKS = np.arange(10).reshape(5, 2)


def face(*box, landmarks=LANDMARKS, score=0.9, **more):
    return Face(box, landmarks, score, **more)


def boxes(faces):
    return [tuple(one.box.tolist()) for one in faces]


def facts(one):
    return (one.index, *one.box.tolist(), *one.landmarks.ravel().tolist(), one.score, one.gender)


def ordered(faces, *settings, **named):
    return order_faces(FaceSet((tuple(faces),), SIZE), *settings, **named)


# Boxes by area: D 100 × 100, B 60 × 60, A 40 × 40, C 20 × 20.
A, B, C, D = (300, 10, 340, 50), (100, 200, 160, 260), (200, 100, 220, 120), (400, 300, 500, 400)


def test_orders_are_the_hosted_ones_then_reading():
    assert ORDERS == (
        "large-small",
        "small-large",
        "top-bottom",
        "bottom-top",
        "left-right",
        "right-left",
        "reading",
    )
    assert GENDERS == ("no", "female", "male")


@pytest.mark.parametrize("order", ORDERS)
def test_no_pictures_and_no_faces(order):
    assert order_faces(FaceSet((), SIZE), order).faces.frames == ()
    nothing = order_faces(FaceSet(((), ()), SIZE), order, "female", 3)
    assert nothing.faces.frames == nothing.rest.frames == ((), ())
    assert nothing.faces.size == nothing.rest.size == SIZE


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("large-small", [D, B, A, C]),
        ("small-large", [C, A, B, D]),
        ("top-bottom", [A, C, B, D]),
        ("bottom-top", [D, B, C, A]),
        ("left-right", [B, C, A, D]),
        ("right-left", [D, A, C, B]),
        ("reading", [A, C, B, D]),
    ],
)
def test_orders(order, expected):
    result = ordered([face(*A), face(*B), face(*C), face(*D)], order)
    assert boxes(result.faces.frames[0]) == expected
    assert [one.index for one in result.faces.frames[0]] == [0, 1, 2, 3]
    assert result.rest.count == 0


def test_every_picture_is_numbered_afresh():
    result = order_faces(FaceSet(((face(*A), face(*D)), (), (face(*C), face(*B))), SIZE))
    assert [boxes(frame) for frame in result.faces] == [[D, A], [], [B, C]]
    assert [[one.index for one in frame] for frame in result.faces] == [[0, 1], [], [0, 1]]


@pytest.mark.parametrize(
    ("order", "faces", "expected"),
    [
        # Equal in the order's own measure: the larger one first, then the one further left, then the upper one.
        ("left-right", [(0, 0, 10, 10), (0, 50, 20, 70)], [(0, 50, 20, 70), (0, 0, 10, 10)]),
        ("right-left", [(0, 0, 10, 10), (0, 50, 20, 70)], [(0, 50, 20, 70), (0, 0, 10, 10)]),
        ("top-bottom", [(5, 0, 15, 10), (0, 0, 5, 5)], [(5, 0, 15, 10), (0, 0, 5, 5)]),
        ("bottom-top", [(5, 0, 15, 10), (0, 0, 5, 5)], [(5, 0, 15, 10), (0, 0, 5, 5)]),
        ("large-small", [(9, 0, 19, 10), (3, 5, 13, 15)], [(3, 5, 13, 15), (9, 0, 19, 10)]),
        ("small-large", [(9, 0, 19, 10), (3, 5, 13, 15)], [(3, 5, 13, 15), (9, 0, 19, 10)]),
        ("large-small", [(3, 5, 13, 15), (3, 0, 13, 10)], [(3, 0, 13, 10), (3, 5, 13, 15)]),
        # Even the same area, left and top: the right edge decides.
        ("large-small", [(0, 0, 20, 10), (0, 0, 10, 20)], [(0, 0, 10, 20), (0, 0, 20, 10)]),
    ],
)
def test_ties(order, faces, expected):
    for given_order in (faces, faces[::-1]):
        assert boxes(ordered([face(*box) for box in given_order], order).faces.frames[0]) == expected


def test_one_box_found_twice_goes_by_landmarks_then_score():
    low, high = face(*A, landmarks=LANDMARKS), face(*A, landmarks=LANDMARKS + 1)
    sure = face(*A, score=0.95)
    for faces in ([low, high, sure], [high, sure, low]):
        first, second, third = ordered(faces).faces.frames[0]
        assert (first.score, second.score, third.score) == (0.95, 0.9, 0.9)
        assert third.landmarks[0, 0] == 1


def test_faces_alike_in_all_but_gender_have_an_order_too():
    one, other = face(*A, gender="male"), face(*A, gender="female")
    for faces in ([one, other], [other, one]):
        assert [each.gender for each in ordered(faces).faces.frames[0]] == ["female", "male"]


NUMBERS = st.integers(0, 6).map(float)


@st.composite
def any_face(draw):
    left, top, width, height = draw(NUMBERS), draw(NUMBERS), draw(NUMBERS), draw(NUMBERS)
    landmarks = LANDMARKS + draw(st.integers(0, 1))
    gender = draw(st.sampled_from(["female", "male"]))
    return face(left, top, left + width, top + height, landmarks=landmarks, score=draw(NUMBERS) / 6, gender=gender)


@given(
    st.data(), st.lists(any_face(), max_size=9), st.sampled_from(ORDERS), st.sampled_from(GENDERS), st.integers(0, 4)
)
def test_detector_order_never_matters(data, faces, order, gender, limit):
    shuffled = data.draw(st.permutations(faces))
    one, other = ordered(faces, order, gender, limit), ordered(shuffled, order, gender, limit)
    for side in (0, 1):
        assert list(map(facts, one[side].flat())) == list(map(facts, other[side].flat()))


@given(st.lists(any_face(), max_size=9), st.sampled_from(ORDERS), st.sampled_from(GENDERS), st.integers(0, 4))
def test_no_face_is_lost_and_no_number_shared(faces, order, gender, limit):
    result = ordered(faces, order, gender, limit)
    everyone = [*result.faces.flat(), *result.rest.flat()]
    assert [one.index for one in everyone] == list(range(len(faces)))
    assert sorted(facts(one)[1:] for one in everyone) == sorted(facts(one)[1:] for one in faces)
    assert all(gender in ("no", one.gender) for one in result.faces.flat())
    wanted = sum(gender in ("no", one.gender) for one in faces)
    assert result.faces.count == (min(limit, wanted) if limit else wanted)


def test_gender_is_filtered_before_numbering():
    faces = [face(*A, gender="female"), face(*B, gender="male"), face(*C, gender="female"), face(*D, gender="male")]
    result = ordered(faces, "large-small", "female")
    assert [(boxes([one])[0], one.index) for one in result.faces.flat()] == [(A, 0), (C, 1)]
    assert [(boxes([one])[0], one.index) for one in result.rest.flat()] == [(D, 2), (B, 3)]


def test_limit_leaves_the_rest_in_the_same_order():
    faces = [face(*A, gender="female"), face(*B, gender="male"), face(*C, gender="female"), face(*D, gender="male")]
    result = ordered(faces, "small-large", "female", limit=1)
    assert boxes(result.faces.flat()) == [C]
    assert [(boxes([one])[0], one.index) for one in result.rest.flat()] == [(A, 1), (B, 2), (D, 3)]


def test_gender_that_was_not_detected_is_refused():
    with pytest.raises(SettingsError, match="switch on gender in face detection"):
        ordered([face(*A, gender="male"), face(*B)], "large-small", "female")
    assert ordered([face(*A), face(*B)], "large-small", "no").faces.count == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"order": "biggest"}, "detection_face_order: expected one of large-small, .*, reading, got 'biggest'"),
        ({"gender": "F"}, "detect_gender: expected one of no, female, male, got 'F'"),
        ({"limit": -1}, "limit: expected 0 .* got -1"),
    ],
)
def test_unknown_settings_are_refused_even_without_faces(settings, message):
    with pytest.raises(SettingsError, match=message):
        order_faces(FaceSet((), SIZE), **settings)


def test_inputs_stay_as_they_are():
    one = face(*A, index=7, gender="male", embedding=Embedding(np.ones(128), "dlib128"))
    result = ordered([one]).faces.frames[0][0]
    assert one.index == 7 and result.index == 0
    assert result.gender == "male" and result.embedding is one.embedding


def square(left, middle, side=100):
    return (left, middle - side / 2, left + side, middle + side / 2)


def reading(faces):
    return boxes(ordered([face(*box) for box in faces], "reading").faces.flat())


@pytest.mark.parametrize("tilt", [0.11, -0.11])
def test_reading_goes_row_by_row_though_a_row_is_tilted(tilt):
    upper = [square(left, 200 + left * tilt) for left in (0, 200, 400, 600)]
    lower = [square(left, 400 + left * tilt) for left in (100, 300, 500)]
    assert reading([*reversed(lower), *upper]) == upper + lower


def test_reading_keeps_staggered_rows_apart():
    back = [square(left, 100 + nudge) for left, nudge in ((50, 8), (250, 0), (450, 15))]
    front = [square(left, 185 + nudge) for left, nudge in ((150, 0), (350, 12), (550, 5))]
    assert reading([*front, *back]) == back + front


def test_reading_does_not_chain_a_rising_line_into_one_row():
    # Each face overlaps the next by 60 %; as one row this would read from bottom left to top right.
    line = [square(100 * step, 1000 - 40 * step) for step in range(10)]
    result = reading(line)
    assert result != line
    assert result.index(line[9]) < 3 and result.index(line[0]) > 6


def test_reading_keeps_neighbours_of_unequal_size_in_one_row():
    adult, child = square(0, 100, 200), square(300, 150, 100)
    assert reading([child, adult]) == [adult, child]


def test_reading_does_not_let_a_large_face_join_the_rows_behind_it():
    large = square(0, 200, 400)
    upper, lower = [square(x, 80, 60) for x in (500, 600)], [square(x, 320, 60) for x in (500, 600)]
    assert reading([*lower, large, *upper]) == [*upper, large, *lower]


def test_what_is_left_out_goes_along_as_others():
    faces = FaceSet(((face(*A), face(*B), face(*C)), (face(*D),)), SIZE, others=((), (face(*B),)))
    kept, rest = order_faces(faces, "left-right", limit=1)
    assert [boxes(frame) for frame in kept] == [[B], [D]] and [boxes(frame) for frame in rest] == [[C, A], []]
    assert [boxes(frame) for frame in kept.others] == [[C, A], [B]]
    assert [boxes(frame) for frame in rest.others] == [[B], [D, B]]
