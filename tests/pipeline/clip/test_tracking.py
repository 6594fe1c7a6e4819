from __future__ import annotations

import json

import numpy as np
import pytest
from multifaceswap.pipeline.clip import people, tracking
from multifaceswap.pipeline.clip.people import quality
from multifaceswap.pipeline.clip.tracking import REMEMBERED, Tracker
from multifaceswap.pipeline.types import Embedding, Face


def face(x: float, y: float = 50, side: float = 40, embedding=None) -> Face:
    """A face whose middle is (x, y)."""
    box = np.array([x - side / 2, y - side / 2, x + side / 2, y + side / 2], np.float32)
    landmarks = box[:2] + side * np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.35, 0.8], [0.65, 0.8]])
    carried = None if embedding is None else Embedding(embedding, "test")
    return Face(box, landmarks, 0.9, embedding=carried)


def numbers(tracker: Tracker, *frames: list[Face], embed=None) -> list[list[int]]:
    return [[one.index for one in tracker.update(faces, embed)] for faces in frames]


ANNA, BERT = np.array([1.0, 0.0], np.float32), np.array([0.0, 1.0], np.float32)


def test_nobody_is_nobody():
    tracker = Tracker()
    assert numbers(tracker, [], []) == [[], []] and tracker.count == 0 and not tracker.people


def test_people_keep_their_numbers_whatever_the_detectors_order():
    frames = [[face(40 + 2 * t), face(160 - 3 * t)][:: 1 if t % 2 else -1] for t in range(10)]
    found = numbers(Tracker(), *frames)
    assert found == [[0, 1] if t % 2 == 0 else [1, 0] for t in range(10)]


def test_a_newcomer_gets_the_next_number():
    assert numbers(Tracker(), [face(50)], [face(150), face(52)], [face(148), face(54), face(250)]) == [
        [0],
        [1, 0],
        [1, 0, 2],
    ]


def test_faces_are_given_back_as_they_were_found():
    one = face(50)
    (back,) = Tracker().update([one])
    assert (back.box == one.box).all() and (back.landmarks == one.landmarks).all()


def test_a_fast_mover_is_followed_by_its_speed():
    # 18 pixels a frame, of a face of 40: by overlap with the last place alone it would be lost in a gap of two.
    tracker = Tracker()
    frames = [[face(18 * t)] if t not in (5, 6) else [] for t in range(10)]
    assert numbers(tracker, *frames) == [[0]] * 5 + [[], []] + [[0]] * 3


@pytest.mark.parametrize("hidden", [0, 5])
def test_two_who_cross_are_told_apart_by_their_motion(hidden):
    tracker = Tracker()
    found = []
    for t in range(31):
        left, right = face(60 + 4 * t, 50), face(180 - 4 * t, 62)
        # In the middle the one behind isn't seen.
        faces = [left] if abs(t - 15) * 2 < hidden else [left, right]
        found.append([one.index for one in tracker.update(faces)])
    assert found[0] == found[-1] == [0, 1]
    assert all(row in ([0, 1], [0]) for row in found)


def test_two_who_meet_and_turn_back_are_told_apart_by_identity():
    # They approach, one is hidden for a while, and both go back to where they came from: motion says they crossed.
    anna = [60, 66, 72, 78, 84, 88, 90, 88, 84, 78, 72, 66, 60]
    tracker, found = Tracker(), []
    for t, x in enumerate(anna):
        faces = [face(x, embedding=ANNA)] + ([] if 4 <= t <= 8 else [face(180 - x, embedding=BERT)])
        found.append([one.index for one in tracker.update(faces)])
    assert found[-1] == [0, 1] and [0, 1] in found[9:10]


def test_identities_are_asked_for_only_where_the_place_does_not_tell():
    asked = []

    def embed(faces):
        asked.append(len(faces))
        return [ANNA if one.box[0] < 100 else BERT for one in faces]

    tracker = Tracker()
    numbers(tracker, *[[face(50 + t), face(160 - t)] for t in range(20)], embed=embed)
    assert asked == [2]


def test_who_comes_back_after_a_while_is_known_by_identity_and_else_is_new():
    def embed_as(identity):
        return lambda faces: [identity] * len(faces)

    tracker = Tracker()
    assert numbers(tracker, [face(50)], embed=embed_as(ANNA)) == [[0]]
    assert numbers(tracker, *[[]] * 60, embed=embed_as(ANNA)) == [[]] * 60
    assert numbers(tracker, [face(200)], embed=embed_as(BERT)) == [[1]]
    assert numbers(tracker, [face(120)], embed=embed_as(ANNA)) == [[0]]
    assert numbers(Tracker(), [face(50)], *[[]] * 60, [face(50)])[-1] == [1]


def test_people_are_compared_by_the_metric_of_their_network():
    """By direction alone Anna is the same at any length."""
    for metric, wanted in (("cosine", [[0]]), ("euclidean", [[1]])):
        tracker = Tracker(0.6, metric)
        numbers(tracker, [face(50)], *[[]] * 60, embed=lambda faces: [ANNA] * len(faces))
        again = Tracker.from_json(json.loads(json.dumps(tracker.as_json())), 0.6, metric)
        for one in (tracker, again):
            assert numbers(one, [face(200)], embed=lambda faces: [ANNA * 3] * len(faces)) == wanted


def test_another_person_in_a_lost_ones_place_is_new():
    tracker = Tracker()
    assert numbers(tracker, [face(50)], embed=lambda faces: [ANNA]) == [[0]]
    assert numbers(tracker, [], [face(52)], embed=lambda faces: [BERT]) == [[], [1]]


def test_a_reset_forgets_everybody():
    tracker = Tracker()
    numbers(tracker, [face(50), face(150)])
    tracker.reset()
    assert numbers(tracker, [face(150)]) == [[0]]


def test_a_tracker_goes_on_from_its_state_in_a_file():
    frames = [[face(18 * t, embedding=ANNA), face(300 - 7 * t)] for t in range(6)]
    first = Tracker()
    numbers(first, *frames)
    second = Tracker.from_json(json.loads(json.dumps(first.as_json())))
    rest = [[face(300 - 7 * t), face(18 * t, embedding=ANNA)] for t in range(6, 9)]
    assert numbers(second, *rest) == numbers(first, *rest) == [[1, 0]] * 3
    assert second.as_json() == first.as_json()


def passers_by(count: int) -> np.ndarray:
    """Embeddings of people who are all different."""
    some = np.random.default_rng(3).normal(size=(count, 64)).astype(np.float32)
    return some / np.linalg.norm(some, axis=1, keepdims=True)


@pytest.fixture
def compared(monkeypatch):
    """How many boxes and embeddings were compared since it was cleared."""
    compared = {"boxes": 0, "embeddings": 0}
    iou, apart = people.iou, tracking.apart

    def counted_iou(box, boxes):
        compared["boxes"] += len(boxes)
        return iou(box, boxes)

    def counted_apart(some, others, metric):
        compared["embeddings"] += len(some) * len(others)
        return apart(some, others, metric)

    monkeypatch.setattr(people, "iou", counted_iou)
    monkeypatch.setattr(tracking, "apart", counted_apart)
    return compared


@pytest.mark.parametrize("known", [False, True])
def test_a_face_is_compared_with_those_who_were_there_lately_and_with_no_more(known, compared):
    tracker, given, costs, sizes = Tracker(), [], [], []
    for number, identity in enumerate(passers_by(700)):
        compared.update(boxes=0, embeddings=0)
        here = face(50 + 60 * (number % 40))
        given += [one.index for one in tracker.update([here], (lambda faces: [identity]) if known else None)]  # noqa: B023
        costs.append(dict(compared))
        if number >= 400 and number % 50 == 0:
            sizes.append(len(json.dumps(tracker.as_json())))
    assert given == list(range(700)) and tracker.count == 700
    present = 26  # somebody a frame, for as long as their place tells who they are
    assert costs[-1] == costs[400] == {"boxes": 25, "embeddings": (REMEMBERED + 25) * known}
    assert len(tracker.people) == present + REMEMBERED * known
    assert len(sizes) == 6 and max(sizes) < 1.01 * sizes[0]


def test_the_latest_to_leave_are_recognised_and_numbers_are_never_given_twice():
    tracker, identities = Tracker(), passers_by(REMEMBERED + 101)

    def number_of(who):
        ((number,),) = numbers(tracker, [face(50)], embed=lambda faces: [identities[who]])
        numbers(tracker, *[[]] * 30)
        return number

    assert [number_of(who) for who in range(REMEMBERED + 100)] == list(range(REMEMBERED + 100))
    assert number_of(100) == 100
    assert number_of(99) == REMEMBERED + 100
    assert number_of(REMEMBERED + 100) == REMEMBERED + 101


# Closely: where it matters who people are


FRONT, OTHER = np.eye(2, 4, dtype=np.float32)
"""Two looks that have nothing in common."""


class Watched:
    """A tracker that follows closely, and the frames in which it measured somebody."""

    def __init__(self):
        self.tracker, self.measured, self._frame = Tracker(closely=True), [], -1

    def see(self, *people) -> list[int]:
        """People are places, identities and looks."""
        self._frame += 1
        faces = [face(x) for x, _, _ in people]
        identities = {float(one.box[0]): identity for one, (_, identity, _) in zip(faces, people, strict=True)}

        def embed(some):
            self.measured.append(self._frame)
            return [identities[float(one.box[0])] for one in some]

        return [one.index for one in self.tracker.update(faces, embed, [look for _, _, look in people])]


def test_a_newcomer_is_measured_several_times_and_then_now_and_then():
    watched = Watched()
    for t in range(100):
        assert watched.see((50 + t, ANNA, FRONT)) == [0]
    assert watched.measured == [0, 1, 3, 7, 15, 31, 56, 81]


def test_somebody_else_in_the_same_place_is_noticed_in_that_very_frame():
    """As in a cut that isn't seen as one."""
    watched = Watched()
    first = [watched.see((50, ANNA, FRONT)) for _ in range(20)]
    second = [watched.see((50, BERT, OTHER)) for _ in range(10)]
    back = [watched.see((52, ANNA, FRONT)) for _ in range(3)]
    assert first == [[0]] * 20 and second == [[1]] * 10 and back == [[0]] * 3
    plain = Tracker()
    assert numbers(plain, *[[face(50)]] * 20, embed=lambda faces: [ANNA]) == [[0]] * 20
    assert numbers(plain, [face(50)], embed=lambda faces: [BERT]) == [[0]]


def test_a_changed_look_alone_makes_nobody_a_stranger():
    watched = Watched()
    seen = [watched.see((50, ANNA, FRONT if t < 30 else OTHER)) for t in range(40)]
    assert seen == [[0]] * 40
    assert [t for t in watched.measured if t >= 30] == [30, 31, 33, 37]  # measured as a newcomer is


def test_who_is_somebody_else_slowly_is_found_out():
    """One picture that dissolves into another: no frame differs much from the one before."""
    watched, found = Watched(), []
    for t in range(40):
        share = min(max((t - 10) / 10, 0), 1)
        look = FRONT * (1 - share) + OTHER * share
        identity = ANNA * (1 - share) + BERT * share
        found += watched.see((50, identity.astype(np.float32), look / np.linalg.norm(look)))
    assert found[:13] == [0] * 13 and set(found[24:]) == {1}


def test_a_good_view_counts_more_than_a_bad_one():
    good, small = face(50, side=100), face(50, side=20)
    aside = face(50, side=100)
    turned = aside.landmarks.copy()
    turned[2, 0] = turned[0, 0]
    profile = Face(aside.box, turned, 0.9)
    assert quality(good) == pytest.approx(0.9) and quality(small) < 0.3 and 0 < quality(profile) < 0.1
    person = people.Person.at(0, good, 0).seen_again(small, BERT, 1).seen_again(good, ANNA, 2)
    assert np.linalg.norm(person.embedding - ANNA) < 0.3 < np.linalg.norm(person.embedding - BERT)


def test_a_close_tracker_goes_on_from_its_state_in_a_file():
    first = Watched()
    for t in range(5):
        first.see((50 + t, ANNA, FRONT), (150, BERT, OTHER))
    second = Watched()
    second.tracker = Tracker.from_json(json.loads(json.dumps(first.tracker.as_json())), closely=True)
    for watched in (first, second):
        watched.measured.clear()
        watched._frame = 4
        for _ in range(12):
            assert watched.see((58, ANNA, FRONT), (150, BERT, OTHER)) == [0, 1]
    assert first.measured == second.measured != []
    assert first.tracker.as_json() == second.tracker.as_json()
