"""Landmarks measured anew: whose points count, and what becomes of the mesh."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from multifaceswap.pipeline.clip.assignment import Assignment, AssignmentRules
from multifaceswap.pipeline.clip.watching import ClipFrame, Models, Watcher
from multifaceswap.pipeline.faces.detect import detect_batch, locate_batch
from multifaceswap.pipeline.faces.landmarks import Refiner, five_of_68, refined
from multifaceswap.pipeline.types import Face, FaceSet, Size

POINTS = np.array([(20, 20), (40, 20), (30, 30), (24, 40), (36, 40)], float)
TURNED = 60 - POINTS
MESH = np.full((468, 3), 7.0)
BLANK = np.zeros((60, 60, 3), np.uint8)
FACE = Face(np.array([10, 10, 50, 50]), POINTS, 0.9)


class Points:
    """Gives what it was told, one answer a face, and counts its calls."""

    name = "points"

    def __init__(self, *answers):
        self.answers, self.calls = answers, 0

    def measure(self, frame, faces):
        self.calls += 1
        return [self.answers[number % len(self.answers)] for number in range(len(faces))]


class Mesher:
    """Fits a mesh of ones, or none, and remembers what it was asked for."""

    def __init__(self, fits=True):
        self.fits, self.asked = fits, []

    def fit(self, frame, faces):
        self.asked += faces
        return [replace(face, mesh=np.ones((468, 3))) if self.fits else None for face in faces]


class Finder:
    confidence = 0.5

    def __init__(self, *faces):
        self.faces = faces

    def detect(self, frame):
        return list(self.faces)

    def locate(self, frame, boxes):
        return list(self.faces)


def test_the_five_are_the_middles_of_the_eyes_the_nose_and_the_mouths_corners():
    points = np.random.RandomState(5).uniform(0, 100, (68, 2))
    wanted = [points[36:42].mean(0), points[42:48].mean(0), points[30], points[48], points[54]]
    np.testing.assert_allclose(five_of_68(points), wanted, atol=1e-5)


def test_no_faces_nothing_to_measure():
    landmarker = Points(TURNED)
    assert refined(BLANK, [], Refiner(landmarker, Mesher())) == ([], []) and not landmarker.calls


def test_measured_points_replace_the_detectors():
    faces, unsure = refined(BLANK, [FACE, FACE], Refiner(Points(POINTS + 1, None), Mesher()))
    np.testing.assert_allclose(faces[0].landmarks, POINTS + 1)
    assert faces[1] is FACE and unsure == [FACE]
    assert faces[0].box.tolist() == FACE.box.tolist() and faces[0].score == FACE.score


def test_points_on_somebody_beside_are_not_taken():
    one, other = replace(FACE), replace(FACE)
    beside, inside = POINTS + np.array([21, 0]), POINTS + np.array([19, 0])
    _, unsure = refined(BLANK, [one, other], Refiner(Points(beside, inside), Mesher()))
    assert unsure == [one]


@pytest.mark.parametrize(("points", "again"), [(POINTS + 1, False), (TURNED, True)])
def test_a_mesh_is_fitted_anew_by_eyes_that_lie_otherwise(points, again):
    mesher = Mesher()
    ((face,), _) = refined(BLANK, [replace(FACE, mesh=MESH)], Refiner(Points(points), mesher))
    assert face.mesh[0, 0] == (1 if again else 7)
    assert len(mesher.asked) == again
    if again:
        assert mesher.asked[0].mesh is None
        np.testing.assert_allclose(mesher.asked[0].landmarks, TURNED)


def test_a_mesh_that_fits_nowhere_anew_stays():
    ((face,), _) = refined(BLANK, [replace(FACE, mesh=MESH)], Refiner(Points(TURNED), Mesher(fits=False)))
    assert face.mesh[0, 0] == 7 and face.landmarks[0, 0] == 40


def test_a_face_without_a_mesh_gets_none():
    mesher = Mesher()
    ((face,), _) = refined(BLANK, [FACE], Refiner(Points(TURNED), mesher))
    assert face.mesh is None and not mesher.asked


def test_batches_say_of_which_faces_the_network_is_unsure():
    refiner = Refiner(Points(POINTS + 1, None, None), Mesher())
    found = detect_batch([BLANK, BLANK], Finder(FACE, FACE, FACE), refiner=refiner)
    line = "points is unsure of the faces at 10,10 and 10,10: the detector's landmarks stay"
    assert found.remarks == (f"frame 0: {line}", f"frame 1: {line}")
    assert [float(face.landmarks[0, 0]) for face in found.flat()] == [21, 20, 20] * 2


def test_faces_in_boxes_are_measured_too():
    boxes = [[np.array([10, 10, 50, 50])]]
    found = locate_batch([BLANK], boxes, Finder(FACE), refiner=Refiner(Points(POINTS + 1), Mesher()))
    assert found.flat()[0].landmarks[0, 0] == 21 and found.remarks == ()


def test_without_a_landmarker_all_is_as_before():
    found = detect_batch([BLANK], Finder(FACE))
    assert found.remarks == () and found.flat()[0].landmarks[0, 0] == 20


# Clips


def watch(watcher, count, first=0):
    return [watcher.observe(ClipFrame(number, number / 25, BLANK.copy())) for number in range(first, first + count)]


def watcher(*answers):
    donors = FaceSet(((FACE,),), Size(60, 60))
    refiner = Refiner(Points(*answers), Mesher())
    return Watcher(Models(Finder(FACE), refiner=refiner), Assignment(AssignmentRules(), donors))


def test_clips_measure_every_frame():
    seen = watch(watcher(POINTS + 1), 3)
    assert [float(frame.people[0].landmarks[0, 0]) for frame in seen] == [21] * 3


def test_a_clips_report_says_in_which_frames_a_face_was_unsure():
    watching = watcher(None)
    watch(watching, 3)
    watching.assignment.end_scene(3)
    assert watching.report() == ("frames 0-2: points is unsure of a face: the detector's landmarks stay",)


def test_what_was_unsure_goes_on_where_a_clip_was_cut_off():
    first = watcher(None)
    watch(first, 3)
    second = watcher(None)
    second.restore(first.as_json())
    watch(second, 2, first=3)
    assert second.report() == ("frames 0-4: points is unsure of a face: the detector's landmarks stay",)


def test_following_goes_on_from_what_the_detector_saw():
    """Else what a network measures would steer where the detector looks next."""

    class Follower:
        def watch(self, frame, known, before, time):
            from multifaceswap.pipeline.protocols import Watched

            self.known = known
            return Watched(list(known), [])

    follower = Follower()
    donors = FaceSet(((FACE,),), Size(60, 60))
    models = Models(Finder(FACE), follower=follower, refiner=Refiner(Points(POINTS + 1), Mesher()))
    watch(Watcher(models, Assignment(AssignmentRules(), donors)), 2)
    np.testing.assert_allclose(follower.known[0].landmarks, POINTS)
