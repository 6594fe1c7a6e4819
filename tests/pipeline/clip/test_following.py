"""Faces that are followed are those that a search of every frame finds, at a fraction of the looks."""

from __future__ import annotations

import json
from itertools import pairwise

import cv2
import numpy as np
import pytest
from multifaceswap.models.detectors.blazeface import BlazeFace
from multifaceswap.models.detectors.builtin import BuiltinDetector
from multifaceswap.models.detectors.cadence import CADENCE, turns_of
from multifaceswap.models.detectors.facemesh import FaceMesh
from multifaceswap.models.detectors.scan import Detections, Letterbox, ScanningDetector
from multifaceswap.pipeline.boxes import iou
from multifaceswap.pipeline.clip.following import Finder
from multifaceswap.pipeline.protocols import Watched
from multifaceswap.pipeline.types import Face, Size

RATE = 25
SIZE = Size(960, 540)


@pytest.fixture(scope="module")
def heads(session, astronaut, hopper):
    cut = []
    for picture in (astronaut, hopper):
        box = session.detect([picture]).flat()[0].box
        middle, side = (box[:2] + box[2:]) / 2, 0.85 * float((box[2:] - box[:2]).max())
        left, top, right, bottom = np.rint([*(middle - side), *(middle + side)]).astype(int)
        cut.append(picture[max(top, 0) : bottom, max(left, 0) : right])
    return cut


def scene(heads, places, pole=None):
    """A frame with heads (number, x, y, side) and something upright before them."""
    frame = cv2.resize(np.random.default_rng(5).integers(70, 150, (9, 16, 3), np.uint8), SIZE)
    for number, x, y, side in places:
        head = cv2.resize(heads[number], (side, side), interpolation=cv2.INTER_AREA)
        left, top = max(x, 0), max(y, 0)
        part = head[top - y : SIZE.height - y, left - x : SIZE.width - x]
        frame[top : top + part.shape[0], left : left + part.shape[1]] = part
    if pole is not None:
        frame[:, pole : pole + 60] = (40, 60, 80)
    return frame


def walk(heads):
    """Two seconds: one crosses the frame, one stands and is hidden for a while, one comes in; a cut in the middle."""
    for number in range(50):
        step = number % 25
        places = [(0, 40 + 22 * step, 60, 190), (1, 700 - 4 * step, 250, 210)]
        if step > 8:
            places.append((1, 960 - 25 * (step - 8), 20, 150))
        yield number, scene(heads, places[::-1] if number >= 25 else places, pole=620 + 9 * step)


def detector(session, **options):
    return session.models.detector("builtin", **{"turns": False, "tiles": True, "min_size": 0, **options})


def matched(some, others):
    return [face for face in some if others and iou(face.box, np.stack([o.box for o in others])).max() > 0.5]


@pytest.mark.slow
def test_what_is_followed_is_what_a_search_of_every_frame_finds(session, heads):
    model = detector(session)
    every, following = Finder(model), Finder(model, model)
    found = lost = extra = 0
    off = []
    for number, frame in walk(heads):
        if number == 25:
            following.reset()
        searched, followed = every.find(frame, number / RATE), following.find(frame, number / RATE)
        found += len(searched)
        lost += len(searched) - len(matched(searched, followed))
        extra += len(followed) - len(matched(followed, searched))
        for face in searched:
            same = matched(followed, [face])
            off += [np.abs(one.landmarks - face.landmarks).max() / (face.box[2] - face.box[0]) for one in same]
    assert found > 90
    assert lost <= 0.03 * found  # whoever comes in is found a few frames later
    assert extra <= 0.03 * found
    assert np.median(off) < 0.02
    assert np.percentile(off, 95) < 0.06


class Counted:
    """A session that counts its runs."""

    def __init__(self, session):
        self.session, self.runs = session, 0

    def run(self, *given, **more):
        self.runs += 1
        return self.session.run(*given, **more)


def test_following_takes_a_fraction_of_the_looks(session, heads):
    model = detector(session)
    blaze, mesh = Counted(model._blazeface._session), Counted(model._facemesh._session)
    counted = BuiltinDetector(BlazeFace(blaze), FaceMesh(mesh), tiles=True)
    frame = scene(heads, [(0, 100, 100, 190), (1, 600, 200, 210)])
    assert len(counted.detect(frame)) == 2
    whole, blaze.runs, mesh.runs = blaze.runs, 0, 0
    finder = Finder(counted, counted)
    finder.find(frame, 0)
    first, mesh.runs = blaze.runs, 0
    assert first == whole
    for number in range(1, 26):
        assert len(finder.find(frame, number / RATE)) == 2
    assert (blaze.runs - first) / 25 < whole / 3
    assert mesh.runs <= 25 * 2 * 1.2  # one fit a face, and what looked like one


def test_a_newcomer_is_found_within_half_a_second_wherever_it_is(session, heads):
    model = detector(session)
    for x, y, side in ((10, 10, 60), (850, 400, 60), (450, 250, 60), (300, 200, 200)):
        finder = Finder(model, model)
        assert finder.find(scene(heads, []), 0) == []
        frame = scene(heads, [(0, x, y, side)])
        assert model.detect(frame)
        seen = next(n for n in range(1, 60) if finder.find(frame, n / RATE))
        assert seen / RATE <= CADENCE + 1 / RATE


def test_a_face_that_is_hidden_and_comes_back_is_there_at_once(session, heads):
    model = detector(session)
    finder = Finder(model, model)
    shown, hidden = scene(heads, [(1, 400, 150, 210)]), scene(heads, [(1, 400, 150, 210)])
    hidden[150:360, 400:610] = 90
    assert len(finder.find(shown, 0)) == 1
    assert [len(finder.find(hidden, n / RATE)) for n in range(1, 6)] == [0] * 5
    assert len(finder.find(shown, 6 / RATE)) == 1


def test_what_looks_like_a_face_to_the_mesh_alone_is_let_go(session, heads, monkeypatch):
    """A face that the detector no longer sees doesn't stay for longer than half a second."""
    model = detector(session)
    finder = Finder(model, model)
    frame = scene(heads, [(0, 400, 150, 200)])
    assert len(finder.find(frame, 0)) == 1
    blind = np.zeros((0, 8), np.float32), np.zeros(0, np.float32)
    monkeypatch.setattr(BlazeFace, "_look", lambda *_: blind)
    counts = [len(finder.find(frame, n / RATE)) for n in range(1, 40)]
    assert counts[0] == 1
    assert counts[-1] == 0
    assert counts.index(0) / RATE <= CADENCE


def test_a_finder_goes_on_where_it_was(session, heads):
    model = detector(session)
    frames = [frame for _, frame in walk(heads)][:20]
    finder, later = Finder(model, model), Finder(model, model)
    for number, frame in enumerate(frames[:10]):
        finder.find(frame, number / RATE)
    later.restore(json.loads(json.dumps(finder.as_json())))
    for number, frame in enumerate(frames[10:], 10):
        one, other = finder.find(frame, number / RATE), later.find(frame, number / RATE)
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a.mesh, b.mesh)
            assert a.score == b.score


class Script:
    """A follower that says what it is told to."""

    def __init__(self, *answers):
        self.answers, self.asked = [*answers], []

    def detect(self, frame):
        return [face_at(0), face_at(200)]

    def watch(self, frame, known, before, time):
        self.asked.append([float(face.box[0]) for face in known])
        return self.answers.pop(0)


def face_at(x):
    return Face(np.float32([x, 0, x + 100, 100]), np.zeros((5, 2), np.float32), 0.9)


def test_two_that_end_up_on_one_face_are_one():
    script = Script(Watched([face_at(10), face_at(20)], [face_at(15), face_at(500)]))
    finder = Finder(script, script)
    finder.find(np.zeros((1, 1, 3)), 0)
    assert [face.box[0] for face in finder.find(np.zeros((1, 1, 3)), 0.04)] == [10, 500]


def test_lost_faces_are_asked_for_until_patience_ends():
    missed = [Watched([face_at(0), None], [])] * 20
    script = Script(*missed[:12], *[Watched([face_at(0)], [])] * 7)
    finder = Finder(script, script)
    for number in range(20):
        finder.find(np.zeros((1, 1, 3)), number / RATE)
    assert [len(asked) for asked in script.asked] == [2] * 12 + [1] * 7


def test_times_that_go_back_begin_with_a_search():
    script = Script(Watched([face_at(0), face_at(200)], []))
    finder = Finder(script, script)
    for time in (5.0, 5.04, 1.0):
        assert len(finder.find(np.zeros((1, 1, 3)), time)) == 2
    assert len(script.asked) == 1


@pytest.mark.parametrize("rate", [5, 24, 25, 29.97, 60, 240])
@pytest.mark.parametrize("count", [1, 2, 7, 60])
@pytest.mark.parametrize("phase", [0, 0.3, 0.99])
def test_each_has_its_turn_once_a_period(rate, count, phase):
    times = [n / rate for n in range(round(2 * rate) + 1)]
    turns = [list(turns_of(count, phase, *two)) for two in pairwise(times)]
    assert max(map(len, turns)) <= count
    everything = [number % count for due in turns for number in due]
    if rate * CADENCE >= 1:
        assert abs(len(everything) - count * times[-1] / CADENCE) <= count + 1
    for start in range(count):
        places = [n for n, due in enumerate(turns) if start in {number % count for number in due}]
        assert max(np.diff([0, *places, len(turns)])) / rate <= CADENCE + 1 / rate + 1e-9


class Blobs:
    """A network of 128 pixels that sees white squares of 8 to 64 pixels."""

    padding, overlap, border, sessions, side = 0.0, 0.4, 0.0, (), 128

    def __init__(self):
        self.looks = 0

    def fit(self, size):
        scale = self.side / max(size)
        return Letterbox(Size(round(size.width * scale), round(size.height * scale)), Size(128, 128), 0, 0, scale)

    def look(self, images, confidence):
        self.looks += len(images)
        return [self._seen(image) for image in images]

    def _seen(self, image):
        _, _, stats, _ = cv2.connectedComponentsWithStats((image[..., 0] > 0.5).astype(np.uint8))
        boxes = [(x, y, x + w, y + h) for x, y, w, h, _ in stats[1:] if 8 <= max(w, h) <= 64]
        boxes = np.float32(boxes).reshape(-1, 4)
        return Detections(boxes, np.repeat(boxes[:, None, :2], 5, 1), np.ones(len(boxes), np.float32))


def squares(*places):
    frame = np.zeros((540, 960, 3), np.uint8)
    for x, y, side in places:
        frame[y : y + side, x : x + side] = 255
    return frame


def test_other_detectors_look_around_small_faces_and_at_tiles_in_turn():
    network = Blobs()
    model = ScanningDetector(network, confidence=0.5, tiles=True, min_size=10)
    finder = Finder(model, model)
    assert len(finder.find(squares((100, 100, 20), (500, 200, 120)), 0)) == 2
    searched, network.looks = network.looks, 0
    for number in range(1, 13):
        found = finder.find(squares((100 + 4 * number, 100, 20), (500, 200, 120)), number / RATE)
        assert [round(float(face.box[0])) for face in found][:2] == pytest.approx([100 + 4 * number, 500], abs=3) or [
            round(float(face.box[0])) for face in found
        ][:2] == pytest.approx([500, 100 + 4 * number], abs=3)
    assert network.looks / 12 < searched / 4
    newcomer = [
        len(finder.find(squares((152, 100, 20), (500, 200, 120), (800, 480, 18)), n / RATE)) for n in range(13, 27)
    ]
    assert newcomer[-1] == 3


@pytest.mark.slow
@pytest.mark.parametrize("speed", [6, 18, 30])
def test_a_face_that_moves_fast_is_followed_by_no_other(session, heads, speed):
    """Nothing is left behind on hair or hats: never more faces than a search of the frame finds."""
    model = detector(session)
    finder = Finder(model, model)
    for number in range(24):
        place = 40 + speed * (number if number < 12 else 24 - number)
        frame = scene(heads, [(number // 100, place, 150, 130)])
        found, searched = finder.find(frame, number / RATE), model.detect(frame)
        assert len(found) <= len(searched) == 1
        assert matched(found, searched) == found


def test_a_detector_may_give_all_landmarks_in_one_place(session, astronaut):
    (face,) = session.detect([astronaut]).flat()
    odd = Face(face.box, np.full((5, 2), face.landmarks.mean(), np.float32), 0.9)
    (fitted,) = session.models.mesher().fit(astronaut, [odd])
    assert fitted is None or np.isfinite(fitted.mesh).all()
