"""Ages and genders that networks guess, through whole pieces of work."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import standins
import standins_points
from multifaceswap import MissingModelError, Session, SettingsError, cli, detect_faces, order_faces
from multifaceswap.media.pictures import read_picture, write_picture

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PAIR = EXAMPLES / "pair.jpg"
GUESS = "ages are guesses of fairface, often years off"


@pytest.fixture
def folder(tmp_path):
    """A stand-in of FairFace, which takes green faces for old ones."""
    standins_points.fairface(tmp_path / "models/facefusion/fairface.onnx")
    standins.pooled(
        tmp_path / "models/genderage.onnx", size=96, numbers=3, name="data", scale=0, bias=(0, 1, 0.33), rows=1
    )
    return tmp_path / "models"


@pytest.fixture
def green(tmp_path):
    """The two of the shipped picture, the one at the right greener."""
    picture = read_picture(PAIR).astype(float)
    half = picture.shape[1] // 2
    picture[:, :half, 1] *= 0.3
    picture[:, half:, 1] = 255 - (255 - picture[:, half:, 1]) * 0.3
    path = tmp_path / "pair.png"
    write_picture(path, picture.round().astype(np.uint8))
    return path


@pytest.fixture
def ages(folder, green):
    """What is guessed of the two, from left to right."""
    found = detect_faces([read_picture(green)], age=True, session=Session([folder], "cpu"))
    left, right = order_faces(found, "left-right").flat()
    assert left.age.high < right.age.low
    return str(left.age), str(right.age)


def run(capsys, folder, monkeypatch, *words):
    monkeypatch.setenv("MULTIFACESWAP_MODELS", str(folder))
    code = cli.main([str(word) for word in words])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err


def test_ages_are_guessed_where_they_are_asked_for_and_the_faces_say_so(folder, green):
    session = Session([folder], "cpu")
    found = detect_faces([read_picture(green)], age=True, session=session)
    assert found.remarks == (GUESS,) and all(face.age and face.gender for face in found.flat())
    plain = detect_faces([read_picture(green)], session=session)
    assert plain.remarks == () and not any(face.age or face.gender for face in plain.flat())
    genders = detect_faces([read_picture(green)], gender=True, session=session)
    assert genders.remarks == () and all(face.gender and face.age is None for face in genders.flat())


def test_insightfaces_network_gives_years(folder, green):
    found = detect_faces([read_picture(green)], age=True, attributes="genderage", session=Session([folder], "cpu"))
    assert [(face.gender, str(face.age)) for face in found.flat()] == [("male", "33")] * 2
    assert found.remarks == ("ages are guesses of genderage, often years off",)


def test_a_network_that_guesses_no_ages_is_refused(green):
    with pytest.raises(
        SettingsError, match="attributes: dlib_gender guesses no age, expected auto or genderage or fairf"
    ):
        detect_faces([read_picture(green)], age=True, attributes="dlib_gender", session=Session(device="cpu"))


def test_the_file_that_is_missing_is_named(tmp_path, green):
    with pytest.raises(MissingModelError, match=r"(?s)fairface\.onnx.*10d79769.*CC BY 4\.0"):
        detect_faces([read_picture(green)], age=True, session=Session([tmp_path], "cpu"))


@pytest.mark.parametrize("scope", ["picture", "clip"])
@pytest.mark.parametrize("name", ["detect_age_input", "detect_age_source"])
def test_work_that_filters_by_age_asks_for_the_file_before_it_starts(tmp_path, scope, name):
    session = Session([tmp_path], "cpu")
    with pytest.raises(MissingModelError, match="fairface"):
        session.plan(scope, {name: "20-39"})
    assert session.plan(scope, {"detect_gender_input": "female"}).attributes.name == "dlib_gender"


def test_attributes_without_anything_to_guess_have_no_effect(folder):
    notes = Session([folder], "cpu").plan("detect", {"attributes": "fairface"}).notes
    assert notes == ("attributes fairface has no effect: no gender or age is asked for",)


def test_the_command_lists_ages_and_filters_by_them(capsys, monkeypatch, folder, green, ages):
    young, old = ages
    code, out, err = run(capsys, folder, monkeypatch, "detect", green, "--detect-age", old, "--json")
    (face,) = json.loads(out)["pictures"][0]["faces"]
    assert code == 0 and face["age"] == old and face["index"] == 0
    assert f"2 faces found, 1 guessed {old}" in err and GUESS in err
    code, out, err = run(capsys, folder, monkeypatch, "detect", green, "--age", "--detection-face-order", "left-right")
    assert [line.split()[-1] for line in out.splitlines()[1:]] == [young, old] and GUESS in err


def test_the_command_refuses_what_it_cannot_read(capsys, folder, green):
    assert cli.main(["detect", str(green), "--detect-age", "grown-up"]) == 2
    assert "expected years such as 20-39, 25 or 70+" in capsys.readouterr().err


@pytest.mark.parametrize("side", ["input", "source"])
def test_swaps_number_only_faces_of_that_age(capsys, monkeypatch, tmp_path, folder, green, ages, side):
    report = tmp_path / "report.json"
    option = f"--detect-age-{side}={ages[1]}"
    line = ["swap", "--source", green, "--target", green, "--output", tmp_path / "o.png", "--report", report, option]
    order = ["--detection-face-order", "left-right"]
    code, _, err = run(capsys, folder, monkeypatch, *line, *order)
    (entry,) = json.loads(report.read_text())["targets"]
    assert code == 0 and len(entry["pairs"]) == 1
    assert any(GUESS in told for told in entry["report"]) and GUESS in err
    if side == "input":  # the one at the right is the only one that is numbered
        assert entry["faces"] == 1 and entry["pairs"][0]["box"][0] > read_picture(green).shape[1] / 2


def test_a_filter_that_leaves_nobody_says_whom_it_left_out(capsys, monkeypatch, tmp_path, folder, green):
    line = ["swap", "--source", green, "--target", green, "--output", tmp_path / "o.png", "--detect-age-source=110"]
    code, _, err = run(capsys, folder, monkeypatch, *line)
    assert code == 2 and re.search("2 faces found, none guessed 110", err)
