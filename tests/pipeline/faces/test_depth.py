"""Who is in front, told by values that are known."""

from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.pipeline.faces.depth import MARGIN, from_behind, in_front, lead_of, overlapping
from multifaceswap.pipeline.faces.outlines import neighbours, outline, shared_area
from multifaceswap.pipeline.types import Face, Placement, Size

BLANK = np.full((200, 300, 3), 90, np.uint8)
LANDMARKS = np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.35, 0.8], [0.65, 0.8]])


def face(left, top, side, score=0.9, index=0):
    return Face(np.array([left, top, left + side, top + side]), [left, top] + side * LANDMARKS, score, index=index)


LEFT, RIGHT, FAR = face(20, 50, 100), face(80, 50, 100), face(240, 20, 30)


def leads(value):
    return lambda first, second: value


def kept(changed, others, value):
    """Which faces stay for each changed one, by their outlines."""
    faces = [*changed, *others]
    stay = in_front(BLANK, changed, others, lead=leads(value))
    return [
        [next(n for n, one in enumerate(faces) if np.array_equal(outline(one), points)) for points in some]
        for some in stay
    ]


def test_faces_by_themselves_have_nothing_in_front():
    assert in_front(BLANK, [], []) == []
    assert in_front(BLANK, [LEFT], []) == [[]]
    assert in_front(BLANK, [LEFT], [FAR]) == [[]]


@pytest.mark.parametrize(
    ("value", "alone", "both"),
    [
        (MARGIN + 0.1, [[]], [[], [0]]),
        (MARGIN - 0.1, [[1]], [[], [0]]),
        (0.0, [[1]], [[], []]),
        (-0.1, [[1]], [[1], []]),
        (-MARGIN - 0.1, [[1]], [[1], []]),
    ],
)
def test_where_it_is_not_certain_faces_that_are_not_changed_stay(value, alone, both):
    assert kept([LEFT], [RIGHT], value) == alone
    assert kept([LEFT, RIGHT], [], value) == both


def test_what_may_be_a_part_of_a_face_must_be_in_front_for_certain():
    eye = face(50, 70, 30, 0.5)
    assert kept([LEFT], [eye], -MARGIN + 0.1) == [[]]
    assert kept([LEFT], [eye], -MARGIN - 0.1) == [[1]]


def test_faces_beside_each_other_keep_their_own_without_a_look():
    beside = face(130, 50, 100)
    assert shared_area(outline(LEFT), outline(beside)) == 0

    def never(first, second):
        raise AssertionError("asked")

    for changed, others in (([LEFT], [beside]), ([LEFT, beside], [])):
        stay = in_front(BLANK, changed, others, lead=never)
        assert [len(some) for some in stay] == [1] * len(changed)


def test_a_face_that_was_found_twice_has_no_neighbour_in_itself():
    assert neighbours([LEFT, face(22, 51, 100)]) == []
    assert overlapping([LEFT, RIGHT, FAR]) == [(0, 1)]


def test_the_better_seen_face_leads_by_as_much_as_the_other_one_trails():
    sure, unsure = face(20, 50, 100, 0.9), face(80, 50, 100, 0.6)
    lead = lead_of(BLANK, sure, unsure)
    assert lead == pytest.approx(8.3 * 0.3, abs=0.05)
    assert lead_of(BLANK, unsure, sure) == pytest.approx(-lead)


def test_the_shared_part_belongs_to_the_face_of_its_colours():
    picture = BLANK.copy()
    picture[:, 80:] = (200, 120, 90)
    assert lead_of(picture, RIGHT, LEFT) > MARGIN


class Agrees:
    """Agrees with crops as it is told, and keeps them."""

    def __init__(self, *agreements):
        self.left, self.seen = list(agreements), []

    def fit(self, frame, faces):
        raise AssertionError("asked")

    def place(self, one):
        scale = 96 / float(one.box[2] - one.box[0])
        return Placement(scale * np.array([[1, 0, -one.box[0]], [0, 1, -one.box[1]]]), Size(96, 96))

    def agreement(self, crops):
        self.seen.append(crops)
        return self.left.pop(0)


def test_a_face_that_agrees_better_once_the_other_is_painted_over_is_behind():
    picture = BLANK.copy()
    picture[:, 80:] = (200, 120, 90)
    mesher = Agrees([2.0, 6.0], [8.0, 3.0])
    without = lead_of(picture, LEFT, RIGHT, Agrees([5.0, 5.0], [5.0, 5.0]))
    lead = lead_of(picture, LEFT, RIGHT, mesher)
    assert lead - without == pytest.approx(3.35 * (np.tanh(-4 / 8) - np.tanh(5 / 8)), abs=1e-6)
    (whole, painted), _ = mesher.seen
    # The left face's own part is grey; the right one's colour is painted over with it.
    np.testing.assert_allclose(whole[48, 90], np.array([200, 120, 90]) / 255, atol=1e-6)
    np.testing.assert_allclose(painted[48, 90], 90 / 255, atol=1e-6)
    np.testing.assert_array_equal(painted[:, :40], whole[:, :40])


def test_from_behind():
    small = face(0, 0, 10)
    assert from_behind([LEFT, small, RIGHT], [[], [], [outline(LEFT)]]) == [2, 1, 0]
