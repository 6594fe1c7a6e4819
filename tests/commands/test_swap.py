from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from multifaceswap import __version__, cli
from multifaceswap.media.pictures import read_picture

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
WOMAN, MAN = EXAMPLES / "astronaut.png", EXAMPLES / "grace_hopper.jpg"


def _main(*words: object) -> int:
    return cli.main([str(word) for word in words])


def _swap(target: Path, output: Path, *words: object) -> int:
    return _main("swap", "--source", WOMAN, "--target", target, "--output", output, *words)


def _errors(capsys) -> str:
    """What went to stderr, which is never a traceback."""
    text = capsys.readouterr().err
    assert "Traceback" not in text
    return text


def test_the_shipped_pictures(tmp_path, capsys):
    before = WOMAN.read_bytes(), MAN.read_bytes()
    files = {name: tmp_path / f"{name}.png" for name in ("output", "mask", "preview")}
    report_file = tmp_path / "report.json"
    extras = ["--mask", files["mask"], "--preview", files["preview"], "--report", report_file]
    assert _swap(MAN, files["output"], *extras) == 0

    target, output, mask = read_picture(MAN), read_picture(files["output"]), read_picture(files["mask"])[..., 0]
    assert output.shape == target.shape and mask.shape == target.shape[:2]
    assert (output[mask == 0] == target[mask == 0]).all()
    assert 0.01 < (mask > 0).mean() < 0.3
    assert np.abs(output.astype(int) - target)[mask > 200].mean() > 5
    assert read_picture(files["preview"]).shape[2] == 3

    report = json.loads(report_file.read_text())
    (entry,) = report["targets"]
    (pair,) = entry["pairs"]
    assert report["multifaceswap"] == __version__ and report["settings"]["interpolation"] == "Bilinear"
    assert (entry["target"], entry["output"], entry["error"]) == (str(MAN), str(files["output"]), None)
    assert (pair["input_face"], pair["source_face"], pair["source"]) == (0, 0, str(WOMAN))
    left, top, right, bottom = pair["box"]
    ys, xs = np.nonzero(mask)
    assert left < xs.mean() < right and top < ys.mean() < bottom

    assert capsys.readouterr().out == f"{MAN} -> {files['output']}: 1 of 1 face(s) swapped, marked: XMP\n"
    assert (WOMAN.read_bytes(), MAN.read_bytes()) == before


@pytest.mark.parametrize("indexes", ["-1", "*", "0", " 0", "-1,0"])
def test_index_lists_that_start_with_a_dash_are_values(tmp_path, indexes):
    words = ["--input-faces-index", indexes, "--source-faces-index", "-1", "--report", tmp_path / "r.json"]
    assert _swap(MAN, tmp_path / "a.png", *words) == 0
    (entry,) = json.loads((tmp_path / "r.json").read_text())["targets"]
    assert [pair["input_face"] for pair in entry["pairs"]] == [0]


def test_an_index_list_that_cannot_be_read_is_told_once(tmp_path, blank, capsys):
    shutil.copy(blank, tmp_path / "other.png")
    code = _swap(blank, tmp_path / "out", "--target", tmp_path / "other.png", "--input-faces-index", "0,x")
    errors = _errors(capsys)
    assert code == 2 and errors.count("error: index list '0,x', character 3") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("asked", "swapped"), [("female", 1), ("male", 0), ("no", 1)])
def test_faces_of_the_other_gender_are_not_counted(tmp_path, asked, swapped):
    words = ["--detect-gender-input", asked, "--report", tmp_path / "r.json"]
    assert _swap(WOMAN, tmp_path / "a.png", *words) == 0
    (entry,) = json.loads((tmp_path / "r.json").read_text())["targets"]
    assert len(entry["pairs"]) == swapped
    assert (read_picture(tmp_path / "a.png") == read_picture(WOMAN)).all() == (not swapped)


def test_a_picture_without_faces_passes_through_with_a_note(tmp_path, blank, capsys):
    assert _swap(blank, tmp_path / "a.png") == 0
    assert (read_picture(tmp_path / "a.png") == read_picture(blank)).all()
    assert f"multifaceswap: note: {blank}: target 0 not found" in _errors(capsys)


def test_a_face_that_must_be_there_and_is_not(tmp_path, blank, capsys):
    assert _swap(blank, tmp_path / "a.png", "--missing", "error") == 2
    assert f"multifaceswap: error: {blank}: " in _errors(capsys)
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["--swap-model", "x"],
        ["--facedetection", "x"],
        ["--interpolation", "bilinear"],
        ["--pairing", "x"],
        ["--missing", "x"],
        ["--detection-face-order", "x"],
        ["--detect-gender-input", "x"],
        ["--detect-gender-source", "x"],
        ["--image-format", "gif"],
        ["--colour-match", "x"],
        ["--device", "toaster"],
    ],
)
def test_a_choice_that_is_none_lists_the_choices(tmp_path, blank, capsys, words):
    assert _swap(blank, tmp_path / "a.png", *words) == 2
    errors = _errors(capsys)
    known = {
        "--swap-model": "mesh",
        "--facedetection": "builtin",
        "--interpolation": "Lanczos",
        "--pairing": "round-robin",
        "--missing": "skip",
        "--detection-face-order": "reading",
        "--image-format": "webp",
        "--colour-match": "lighting",
        "--device": "cuda",
    }.get(words[0], "female")
    assert errors.startswith("multifaceswap: error: ") and errors.count("\n") == 1
    assert known in errors and words[1] in errors


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--confidence", "1.1"),
        ("--strength", "-1.5"),
        ("--strength", "nan"),
        ("--mask-feather", "0.6"),
        ("--image-quality", "9"),
        ("--image-quality", "95.5"),
        ("--min-size", "-3"),
    ],
)
def test_a_number_out_of_range_is_told(tmp_path, blank, capsys, option, value):
    assert _swap(blank, tmp_path / "a.png", option, value) == 2
    errors = _errors(capsys)
    assert f"argument {option}: expected " in errors and errors.rstrip().endswith("(see multifaceswap swap --help)")
    assert f"got '{value}'" in errors and not (tmp_path / "a.png").exists()


def test_a_restorer_that_is_missing_is_told_before_any_work(tmp_path, blank, monkeypatch, capsys):
    monkeypatch.setenv("MULTIFACESWAP_MODELS", str(tmp_path / "models"))
    assert _swap(blank, tmp_path / "a.png", "--face-restore", "GFPGANv1.4.pth") == 2
    assert "GFPGANv1.4.pth is in none of these folders" in capsys.readouterr().err
    assert _swap(blank, tmp_path / "a.png", "--face-restore", "GFPGAN") == 2
    assert "expected one of codeformer-v0.1.0.pth" in capsys.readouterr().err
    assert not (tmp_path / "a.png").exists()


@pytest.mark.slow
def test_people_are_told_by_reference_pictures(tmp_path, capsys):
    """Both people are in the target; only the man is looked for, whatever the order of faces."""
    found = {}
    for order in ("left-right", "right-left"):
        output, report = tmp_path / f"{order}.png", tmp_path / f"{order}.json"
        words = ["--reference", MAN, "--detection-face-order", order, "--report", report]
        assert _swap(EXAMPLES / "pair.jpg", output, *words) == 0
        (entry,) = json.loads(report.read_text())["targets"]
        (pair,) = entry["pairs"]
        assert entry["faces"] == 2
        found[order] = pair["input_face"], pair["box"]
        assert any(line.startswith("reference 0 → source 0: target") for line in entry["report"])
    (first, place), (last, again) = found.values()
    assert {first, last} == {0, 1} and place == again
    assert "threshold 0.6" in _errors(capsys)


def test_a_strict_threshold_finds_nobody(tmp_path, capsys):
    words = ["--reference", WOMAN, "--identity-threshold", "0.01", "--missing", "error"]
    assert _swap(MAN, tmp_path / "a.png", *words) == 2
    assert "nobody looks like reference 0" in _errors(capsys) and not (tmp_path / "a.png").exists()


def test_people_can_be_told_by_arcface(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MULTIFACESWAP_MODELS", str(tmp_path))
    assert _swap(MAN, tmp_path / "a.png", "--reference", MAN, "--embedder", "w600k_r50") == 2
    assert "w600k_r50.onnx, which is in none of these folders" in _errors(capsys)


def test_a_reference_is_never_written_over(tmp_path, capsys):
    reference = tmp_path / "reference.png"
    shutil.copy(WOMAN, reference)
    assert _swap(MAN, reference, "--reference", reference) == 2
    assert reference.read_bytes() == WOMAN.read_bytes() and str(reference) in _errors(capsys)


def test_pixel_boost_is_for_engines_that_have_it(tmp_path, capsys):
    assert _swap(MAN, tmp_path / "a.png", "--pixel-boost", "512") == 0
    assert "pixel_boost 512 has no effect: mesh has no pixel boost" in _errors(capsys)
    assert _swap(MAN, tmp_path / "b.png", "--pixel-boost", "300") == 2


def test_faces_that_the_gender_filter_left_out_are_told(tmp_path, capsys):
    words = ["--detect-gender-input", "male", "--report", tmp_path / "r.json"]
    assert _swap(WOMAN, tmp_path / "a.png", *words) == 0
    line = "1 face found, none guessed male"
    assert f"note: {WOMAN}: {line}\n" in _errors(capsys)
    (entry,) = json.loads((tmp_path / "r.json").read_text())["targets"]
    assert line in entry["report"]
    assert _swap(WOMAN, tmp_path / "b.png", *words, "--missing", "error") == 2
    error = _errors(capsys)
    assert f"error: {WOMAN}: {line}; " in error and "frame 0" not in error


def test_sources_that_the_gender_filter_left_out_are_told_before_any_work(tmp_path, capsys):
    words = ["--detect-gender-source", "male", "--report", tmp_path / "r.json"]
    assert _swap(WOMAN, tmp_path / "a.png", *words) == 2
    line = "no source face found: nothing can be swapped; sources: 1 face found, none guessed male"
    assert _errors(capsys) == f"multifaceswap: error: {line}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("missing", ["skip", "error"])
def test_without_a_source_face_no_target_is_written(tmp_path, blank, capsys, missing):
    words = ["--target", MAN, WOMAN, "--output", tmp_path / "out", "--missing", missing]
    assert _main("swap", "--source", blank, *words) == 2
    errors = _errors(capsys)
    assert errors.startswith("multifaceswap: error: no source face found: nothing can be swapped; sources: ")
    assert errors.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_nothing_is_told_of_the_gender_filter_where_all_is_well(tmp_path, capsys):
    assert _swap(EXAMPLES / "pair.jpg", tmp_path / "a.png", "--detect-gender-input", "female") == 0
    assert "guessed" not in _errors(capsys)
