"""Reports name every model that worked, and the licences of its files: at every door, those that ship too."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import standins
import standins_faces
from multifaceswap import Session, cli
from multifaceswap.app.effects import Case
from multifaceswap.pipeline.types import Embedding, Face, FaceSet, Size

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WOMAN, MAN = EXAMPLES / "astronaut.png", EXAMPLES / "grace_hopper.jpg"
BUILT_IN, MESH = "facedetection builtin: licence Apache-2.0", "mesh facemesh: licence Apache-2.0"
DLIB = "embedder dlib128: licence CC0-1.0"
GENDER = "attributes dlib_gender: licence CC0-1.0"
ENGINE = "swap_model mesh: licence Apache-2.0"


@pytest.fixture
def session(tmp_path):
    """One in whose folder there are a landmarker, a guesser and an occluder: it isn't looked at what they do."""
    for name in ("hrffa_hg0_ibug68_1x3x256x256", "fairface", "xseg_3", "w600k_r50", "scrfd_2.5g"):
        standins.restorer(tmp_path / f"{name}.onnx", size=128)
    with Session(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("scope", "settings", "references", "expected"),
    [
        ("detect", {}, False, {BUILT_IN}),
        ("detect", {"gender": True}, False, {BUILT_IN, MESH, GENDER}),
        ("detect", {"identity": True}, False, {BUILT_IN, MESH, DLIB}),
        ("detect", {"age": True}, False, {BUILT_IN, MESH, "attributes fairface: licence CC BY 4.0"}),
        ("detect", {"landmarks": "hrffa_hg0"}, False, {BUILT_IN, MESH, "landmarks hrffa_hg0: licence MIT"}),
        (
            "detect",
            {"facedetection": "scrfd_2.5g"},
            False,
            {"facedetection scrfd_2.5g: licence InsightFace, non-commercial research only"},
        ),
        ("map", {}, False, set()),
        ("map", {}, True, {DLIB}),
        ("swap", {}, False, {ENGINE, MESH}),
        (
            "swap",
            {"occluder": "xseg_3", "face_restore": "sharpen"},
            False,
            {
                ENGINE,
                MESH,
                "occluder xseg_3: licence GPL-3.0 (DeepFaceLab; origin not proven)",
                "face_restore sharpen: needs no model file",
            },
        ),
        ("picture", {"detect_gender_input": "female"}, False, {BUILT_IN, ENGINE, MESH, GENDER}),
        ("picture", {"detect_gender_source": "male"}, True, {BUILT_IN, ENGINE, MESH, GENDER, DLIB}),
        ("clip", {}, False, {BUILT_IN, ENGINE, MESH, DLIB}),
        ("clip", {"track": False}, False, {BUILT_IN, ENGINE, MESH}),
        (
            "clip",
            {"embedder": "w600k_r50"},
            True,
            {BUILT_IN, ENGINE, MESH, "embedder w600k_r50: licence InsightFace, non-commercial research only"},
        ),
        (
            "restore",
            {"face_restore": "sharpen"},
            False,
            {BUILT_IN, MESH, "face_restore sharpen: needs no model file"},
        ),
        ("restore", {"face_restore": "disable"}, False, set()),
    ],
)
def test_a_plans_models_are_all_named_once(session, scope, settings, references, expected):
    settings = {"occluder": "none"} | settings if scope in ("swap", "picture", "clip") else settings
    lines = session.told(session.plan(scope, settings, Case(references=references)))
    assert {*lines} == expected
    assert len(lines) == len({*lines})


def test_the_embedder_is_the_one_whose_identities_people_carry(session):
    vector = Embedding(np.ones(512, np.float32), "w600k_r50")
    face = Face(np.float32([0, 0, 9, 9]), np.ones((5, 2), np.float32), 1.0, embedding=vector)
    people = FaceSet(((face,),), (Size(10, 10),))
    lines = session.told(session.plan("map", {}, Case(references=True)), people)
    assert lines == ["embedder w600k_r50: licence InsightFace, non-commercial research only"]


def _names(models):
    return {(one["use"], one["name"], *one["licences"]) for one in models}


def test_report_files_of_swaps_and_batches_name_them(tmp_path, capsys):
    words = ["--source", WOMAN, "--target", MAN, "--detect-gender-input", "female", "--face-restore", "sharpen"]
    report = tmp_path / "swap.json"
    assert _main("swap", *words, "--output", tmp_path / "a.png", "--report", report) == 0
    assert _main("batch", *words, "--output", tmp_path / "all") == 0
    expected = {
        ("facedetection", "builtin", "Apache-2.0"),
        ("attributes", "dlib_gender", "CC0-1.0"),
        ("mesh", "facemesh", "Apache-2.0"),
        ("swap_model", "mesh", "Apache-2.0"),
        ("occluder", "builtin"),
        ("face_restore", "sharpen"),
    }
    for file in (report, tmp_path / "all" / "report.json"):
        (entry,) = json.loads(file.read_text())["targets"]
        assert _names(entry["models"]) == expected
    # People who only look at the screen aren't told the same of every target.
    assert "licence" not in capsys.readouterr().err


def test_detect_names_them_beside_the_pictures(capsys):
    assert _main("detect", MAN, "--json", "--gender") == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["pictures"]) == 1
    assert ("attributes", "dlib_gender", "CC0-1.0") in _names(found["models"])


def test_a_picture_tells_of_the_files_that_found_its_faces(tmp_path, astronaut):
    file = "face_detection_yunet_2026may.onnx"
    standins_faces.yunet(tmp_path / file)
    with Session(tmp_path) as session:
        donors = session.donors([astronaut])
        done = session.swap_picture(astronaut, donors, facedetection="yunet_2026")
    assert any(line.startswith(f"{file} is not the published file, but used") for line in done.notes)
    assert f"{file} runs on CPU" in done.notes


def _main(*words: object) -> int:
    return cli.main([str(word) for word in words])
