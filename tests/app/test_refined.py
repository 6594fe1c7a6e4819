"""Landmarks measured anew, through whole pieces of work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import standins
import standins_points
from clipmaking import moving, write_clip
from multifaceswap import MissingModelError, Session, detect_faces, map_indexes, swap_faces
from multifaceswap.models.detectors.facemesh import landmarks_of
from multifaceswap.models.swappers.mesh.engine import MeshSwapper
from multifaceswap.pipeline.geometry import transform_points
from multifaceswap.pipeline.types import Face

HRFFA = "hrffa_vitt_ibug68_1x3x256x256.onnx"


class Upside:
    """A detector that takes an upside-down face for an upright one: right is the box alone."""

    confidence = 0.5
    sessions = ()

    def __init__(self, box, landmarks):
        self.face = Face(box, landmarks, 0.9)

    def detect(self, frame):
        return [self.face]


class Truth:
    """A landmarker that knows, or isn't sure."""

    name = "2dfan4"
    sessions = ()

    def __init__(self, points):
        self.points = points

    def measure(self, frame, faces):
        return [self.points for _ in faces]


def unsure(face):
    left, top = (round(float(edge)) for edge in face.box[:2])
    return f"2dfan4 is unsure of the face at {left},{top}: the detector's landmarks stay"


@pytest.fixture
def turned(astronaut, session):
    """A picture upside down, where its face is, and what a detector makes of it that knows upright faces alone."""
    (face,) = session.detect([astronaut]).flat()
    size = np.array([512, 512])
    truth = size - face.landmarks
    box = np.concatenate([size - face.box[2:], size - face.box[:2]])
    low, high = box[:2], box[2:]
    wrong = low + (high - low) * np.array([(0.3, 0.35), (0.7, 0.35), (0.5, 0.55), (0.35, 0.8), (0.65, 0.8)])
    return np.ascontiguousarray(np.rot90(astronaut, 2)), truth, box, wrong


@pytest.fixture
def session_of(monkeypatch, turned):
    """A session whose detector is wrong and whose landmarker gives these points."""
    _, _, box, wrong = turned

    def made(points):
        session = Session(device="cpu")
        monkeypatch.setattr(session.models, "detector", lambda name, **options: Upside(box, wrong))
        monkeypatch.setattr(session.models, "landmarker", lambda name: Truth(points))
        monkeypatch.setattr(session.models, "require", lambda models: None)
        for module in ("session", "pictures"):
            monkeypatch.setattr(f"multifaceswap.app.{module}.model_lines", lambda models, choices: [])
        return session

    return made


def test_the_mesh_of_an_upside_down_face_is_fitted_upright(turned, session_of):
    """By the detector's eyes it fits nowhere near; by the right ones its landmarks are those of the upright face."""
    picture, truth, box, _ = turned
    side = float((box[2:] - box[:2]).max())
    (face,) = session_of(truth).detect([picture], landmarks="2dfan4", identity=True).flat()
    np.testing.assert_allclose(face.landmarks, truth, atol=1e-3)
    assert np.abs(landmarks_of(face.mesh) - truth).max() < 0.05 * side
    (plain,) = session_of(truth).detect([picture], identity=True).flat()
    assert plain.mesh is None or np.abs(landmarks_of(plain.mesh) - truth).max() > 0.2 * side


def test_the_built_in_engine_swaps_an_upside_down_face_as_it_swaps_an_upright_one(
    turned, session_of, hopper, astronaut, session
):
    picture, truth, _, _ = turned
    ours = session_of(truth)
    source = session.detect([hopper])
    found = ours.detect([picture], landmarks="2dfan4")
    done = swap_faces([picture], [hopper], map_indexes(found, source), session=ours)
    assert done.faces.count == 1
    upright = swap_faces([astronaut], [hopper], map_indexes(session.detect([astronaut]), source), session=session)
    theirs = np.rot90(upright.images[0].astype(float), 2)
    changed = np.rot90(upright.masks[0], 2) > 0.9
    ours_changed = done.masks[0] > 0.9
    assert (changed & ours_changed).sum() > 0.9 * (changed | ours_changed).sum()
    both = changed & ours_changed
    assert np.abs(done.images[0].astype(float) - theirs)[both].mean() < 6


def test_unsure_landmarks_are_told_once_and_the_detectors_stay(turned, session_of):
    picture, _, _, wrong = turned
    found = session_of(None).detect([picture], landmarks="2dfan4")
    np.testing.assert_allclose(found.flat()[0].landmarks, wrong, atol=1e-3)
    assert found.remarks == (unsure(found.flat()[0]),)


def test_many_pictures_are_summed_up(turned, session_of):
    picture, _, _, _ = turned
    found = session_of(None).detect([picture] * 11, landmarks="2dfan4")
    assert found.remarks[0] == f"frame 0: {unsure(found.flat()[0])}"
    assert len(found.remarks) == 9 and found.remarks[-1] == "and so in 3 further pictures"


def test_reports_of_whole_swaps_say_which_landmarks_are_unsure(turned, session_of, hopper):
    picture, _, _, _ = turned
    session = session_of(None)
    settings = {"landmarks": "2dfan4"}
    donors = session.donors([hopper], **settings)
    done = session.swap_picture(picture, donors, **settings)
    assert unsure(done.faces.flat()[0]) in done.notes
    assert f"sources: {unsure(donors.faces.flat()[0])}" in done.notes


def test_a_landmarker_without_its_file_is_missing_before_any_work(tmp_path, astronaut):
    with pytest.raises(MissingModelError, match=r"(?s)hrffa_vitt_ibug68_1x3x256x256\.onnx.*MIT"):
        detect_faces([astronaut], landmarks="hrffa_vitt", session=Session([tmp_path], "cpu"))


@pytest.mark.parametrize("scope", ["restore", "clip", "picture"])
def test_every_scope_that_finds_faces_asks_for_the_file(tmp_path, scope):
    more = {"face_restore": "codeformer-v0.1.0.pth"} if scope == "restore" else {}
    with pytest.raises(MissingModelError, match="2dfan4"):
        Session([tmp_path], "cpu").plan(scope, {"landmarks": "2dfan4", **more})


def test_faces_that_are_handed_over_keep_theirs(tmp_path, astronaut):
    standins.restorer(tmp_path / "GPEN-BFR-512.onnx")
    session = Session([tmp_path], "cpu")
    faces = session.detect([astronaut])
    report = session.restore([astronaut], faces, face_restore="GPEN-BFR-512.onnx", landmarks="2dfan4").report
    assert "landmarks 2dfan4 has no effect: the faces are handed over, none are looked for" in report


def test_every_neural_engine_aligns_by_the_measured_points(tmp_path):
    """The crop's points lie on the template: the graph measures spots that the detector didn't see there."""
    standins_points.hrffa(tmp_path / HRFFA)
    for name in ("inswapper_128", "hyperswap_1a_256"):
        size = int(name.rpartition("_")[2])
        standins.swapper(tmp_path / f"{name}.onnx", size=size, mean=0.5 * (size > 200), std=0.5 if size > 200 else 1)
    standins.pooled(tmp_path / "w600k_r50.onnx", scale=40)
    session = Session([tmp_path], "cpu")
    points = np.array([(265, 255), (335, 252), (302, 300), (272, 341), (330, 340)], float)
    picture = standins_points.draw(points, (600, 600))
    rough = Face(np.array([220, 210, 380, 390]), points + 9, 0.9)
    session.models.detector = lambda name, **options: Upside(rough.box, rough.landmarks)
    (face,) = session.detect([picture], landmarks="hrffa_vitt").flat()
    for name in ("inswapper_128", "hyperswap_1a_256"):
        engine = session.swapper(session.plan("swap", {"swap_model": name}))
        right, measured, detected = (
            transform_points(engine.place(one).matrix, points)
            for one in (replace(rough, landmarks=points), face, rough)
        )
        np.testing.assert_allclose(measured, right, atol=0.1)
        assert np.abs(detected - right).max() > 3


def test_clips_are_aligned_by_measured_points(tmp_path, monkeypatch):
    """What the engine is handed in every frame."""
    write_clip(tmp_path / "clip.mp4", moving("grace_hopper.jpg", 3))
    session, seen, real = Session(device="cpu"), [], MeshSwapper.swap

    class Shifted:
        name = "2dfan4"

        def measure(self, frame, faces):
            return [face.landmarks + 2 for face in faces]

    def swap(self, crops, donors, strength):
        seen.extend(crop.face for crop in crops)
        return real(self, crops, donors, strength)

    monkeypatch.setattr(session.models, "landmarker", lambda name: Shifted())
    monkeypatch.setattr(session.models, "require", lambda models: None)
    monkeypatch.setattr(Session, "model_lines", lambda self, plan: [])
    monkeypatch.setattr(MeshSwapper, "swap", swap)
    source = moving("grace_hopper.jpg", 1)[0]
    session.swap_clip(tmp_path / "clip.mp4", tmp_path / "out.mp4", [source], landmarks="2dfan4", smooth=False)
    assert len(seen) == 3
    for face in seen:
        np.testing.assert_allclose(face.landmarks - landmarks_of(face.mesh), 2, atol=0.1)


def test_a_clips_report_says_where_landmarks_are_unsure(tmp_path, monkeypatch):
    write_clip(tmp_path / "clip.mp4", moving("grace_hopper.jpg", 3))
    session = Session(device="cpu")
    monkeypatch.setattr(session.models, "landmarker", lambda name: Truth(None))
    monkeypatch.setattr(session.models, "require", lambda models: None)
    monkeypatch.setattr(Session, "model_lines", lambda self, plan: [])
    source = moving("grace_hopper.jpg", 1)[0]
    result = session.swap_clip(tmp_path / "clip.mp4", tmp_path / "out.mp4", [source], landmarks="2dfan4")
    assert "frames 0-2: 2dfan4 is unsure of a face: the detector's landmarks stay" in result.report
    (face,) = session.detect([source]).flat()
    assert f"sources: {unsure(face)}" in result.report
    assert result.swapped == 3
