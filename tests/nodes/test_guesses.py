"""Ages and landmarks by networks, as artists wire them."""

from __future__ import annotations

import numpy as np
import pytest
import standins_points

torch = pytest.importorskip("torch")


@pytest.fixture
def nodes(comfy, monkeypatch, tmp_path):
    """Detect Faces and Order Faces over stand-ins of FairFace and 2DFAN4."""
    standins_points.fairface(tmp_path / "fairface.onnx")
    standins_points.fan4(tmp_path / "2dfan4.onnx")
    session = comfy.module("app.session").Session([tmp_path], "cpu")
    for name in ("face_detect", "face_order"):
        monkeypatch.setattr(comfy.module(f"nodes.{name}"), "session", lambda: session)
    return comfy.nodes["MFS_FaceDetect"], comfy.nodes["MFS_FaceOrder"]


@pytest.fixture
def image(pair):
    return torch.from_numpy(np.ascontiguousarray(pair))


def test_ages_are_guessed_told_as_guesses_and_filtered_by(nodes, image):
    detect, order = nodes
    faces, *_, report = detect.execute(image=image, facedetection="builtin", confidence=0, age=True).args
    lines = report.splitlines()
    assert "ages are guesses of fairface, often years off" in lines
    assert "attributes fairface: licence CC BY 4.0" in lines
    ages = [face.age for face in faces.flat()]
    kept, rest, _, count = order.execute(
        faces=faces, detection_face_order="large-small", detect_gender="no", detect_age=str(ages[0])
    ).args
    assert count == sum(age.meets(ages[0]) for age in ages) == kept.count
    assert count + rest.count == len(ages)


def test_a_filter_without_ages_says_what_to_switch_on(comfy, nodes, image):
    detect, order = nodes
    faces = detect.execute(image=image, facedetection="builtin", confidence=0).args[0]
    with pytest.raises(comfy.module("pipeline.errors").SettingsError, match="detected without age: switch on age"):
        order.execute(faces=faces, detection_face_order="large-small", detect_gender="no", detect_age="20-39")


def test_unsure_landmarks_are_in_the_report(nodes, image):
    """The stand-in knows spots of colour and no faces."""
    detect, _ = nodes
    *_, report = detect.execute(image=image, facedetection="builtin", confidence=0, landmarks="2dfan4").args
    assert "2dfan4 is unsure of the faces at " in report and "the detector's landmarks stay" in report
    assert "landmarks 2dfan4: licence BSD-3-Clause" in report


def test_menus_mark_what_is_not_installed_and_refuse_what_is_unknown(comfy):
    known = {given.id: given for given in comfy.schemas()["MFS_FaceDetect"].inputs}
    assert [option.removesuffix(" (not installed)") for option in known["landmarks"].options] == [
        "detector",
        "hrffa_vitt",
        "hrffa_hg0",
        "2dfan4",
    ]
    detect = comfy.nodes["MFS_FaceDetect"]
    assert detect.validate_inputs(landmarks="2dfan4 (not installed)", attributes="fairface") is True
    assert detect.validate_inputs(landmarks="dlib68").startswith("landmarks: expected one of detector, hrffa_vitt")
