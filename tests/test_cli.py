from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from multifaceswap import __version__, cli
from multifaceswap.commands import detect, options, swap
from multifaceswap.commands import doctor as doctor_command
from multifaceswap.commands.files import Targets, find_targets, require_free, results
from multifaceswap.models import doctor
from multifaceswap.models.pool import ModelPool
from multifaceswap.pictures import read_picture, read_profile, write_picture
from multifaceswap.pipeline.errors import CancelledError, MissingModelError, SettingsError
from PIL import Image, ImageCms

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
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


@pytest.fixture(autouse=True)
def _models_opened_once(monkeypatch):
    monkeypatch.setattr(swap, "ModelPool", _pool)
    monkeypatch.setattr(detect, "ModelPool", _pool)


@cache
def _pool(device: str) -> ModelPool:
    return ModelPool(device=device)


@pytest.fixture
def blank(tmp_path) -> Path:
    """A picture without a face."""
    path = tmp_path / "blank.png"
    write_picture(path, np.full((64, 80, 3), 90, np.uint8))
    return path


@pytest.fixture
def text(tmp_path) -> Path:
    path = tmp_path / "text.png"
    path.write_text("I am a picture, honestly.")
    return path


class TestSwap:
    def test_the_shipped_pictures(self, tmp_path, capsys):
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

        assert capsys.readouterr().out == f"{MAN} -> {files['output']}: 1 of 1 face(s) swapped\n"
        assert (WOMAN.read_bytes(), MAN.read_bytes()) == before

    @pytest.mark.parametrize("indexes", ["-1", "*", "0", " 0", "-1,0"])
    def test_index_lists_that_start_with_a_dash_are_values(self, tmp_path, indexes):
        words = ["--input-faces-index", indexes, "--source-faces-index", "-1", "--report", tmp_path / "r.json"]
        assert _swap(MAN, tmp_path / "a.png", *words) == 0
        (entry,) = json.loads((tmp_path / "r.json").read_text())["targets"]
        assert [pair["input_face"] for pair in entry["pairs"]] == [0]

    def test_an_index_list_that_cannot_be_read_is_told_once(self, tmp_path, blank, capsys):
        shutil.copy(blank, tmp_path / "other.png")
        code = _swap(blank, tmp_path / "out", "--target", tmp_path / "other.png", "--input-faces-index", "0,x")
        errors = _errors(capsys)
        assert code == 2 and errors.count("error: index list '0,x', character 3") == 1
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(("asked", "swapped"), [("female", 1), ("male", 0), ("no", 1)])
    def test_faces_of_the_other_gender_are_not_counted(self, tmp_path, asked, swapped):
        words = ["--detect-gender-input", asked, "--report", tmp_path / "r.json"]
        assert _swap(WOMAN, tmp_path / "a.png", *words) == 0
        (entry,) = json.loads((tmp_path / "r.json").read_text())["targets"]
        assert len(entry["pairs"]) == swapped
        assert (read_picture(tmp_path / "a.png") == read_picture(WOMAN)).all() == (not swapped)

    def test_a_picture_without_faces_passes_through_with_a_note(self, tmp_path, blank, capsys):
        assert _swap(blank, tmp_path / "a.png") == 0
        assert (read_picture(tmp_path / "a.png") == read_picture(blank)).all()
        assert f"multifaceswap: note: {blank}: target 0 not found" in _errors(capsys)

    def test_a_face_that_must_be_there_and_is_not(self, tmp_path, blank, capsys):
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
    def test_a_choice_that_is_none_lists_the_choices(self, tmp_path, blank, capsys, words):
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
            ("--strength", "-0.5"),
            ("--strength", "nan"),
            ("--mask-feather", "0.6"),
            ("--image-quality", "9"),
            ("--image-quality", "95.5"),
            ("--min-size", "-3"),
        ],
    )
    def test_a_number_out_of_range_is_told(self, tmp_path, blank, capsys, option, value):
        assert _swap(blank, tmp_path / "a.png", option, value) == 2
        errors = _errors(capsys)
        assert f"argument {option}: expected " in errors and errors.rstrip().endswith("(see multifaceswap swap --help)")
        assert f"got '{value}'" in errors and not (tmp_path / "a.png").exists()

    def test_every_option_reaches_the_work(self, tmp_path, blank, monkeypatch):
        given = {}

        def record(*arguments, **options):
            given.update(options, positional=arguments[3:])
            raise CancelledError

        monkeypatch.setattr(swap, "swap_faces", record)
        words = "--swap-model mesh --interpolation Lanczos --strength 0.5 --mask-feather 0.25 --colour-match mean"
        assert _swap(blank, tmp_path / "a.png", *words.split(), "--no-mirror") == 130
        del given["pool"]
        assert given == {
            "positional": ("mesh", "Lanczos"),
            "strength": 0.5,
            "mask_feather": 0.25,
            "colour_match": "mean",
            "mirror": False,
        }


class TestFiles:
    def test_a_folder_of_targets_with_a_bad_one(self, tmp_path, blank, text, capsys):
        folder = tmp_path / "in"
        folder.mkdir()
        shutil.copy(MAN, folder)
        shutil.move(blank, folder)
        shutil.move(text, folder)
        report = tmp_path / "report.json"
        assert _swap(folder, tmp_path / "out", "--report", report, "--mask", tmp_path / "masks") == 1

        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["blank.png", "grace_hopper.jpg"]
        assert sorted(path.name for path in (tmp_path / "masks").iterdir()) == ["blank.png", "grace_hopper.png"]
        errors = _errors(capsys)
        assert errors.count("multifaceswap: error: ") == 1
        assert f"multifaceswap: error: {folder / 'text.png'}: is no picture" in errors
        assert "3/3" in errors
        entries = json.loads(report.read_text())["targets"]
        assert [entry["error"] is None for entry in entries] == [True, True, False]

    @pytest.mark.parametrize("content", [b"", b"<html>", b"\x89PNG\r\n\x1a\n", WOMAN.read_bytes()[:5000]])
    @pytest.mark.parametrize("side", ["source", "target"])
    def test_an_unreadable_picture_is_one_line(self, tmp_path, blank, capsys, content, side):
        bad = tmp_path / "bad.png"
        bad.write_bytes(content)
        files = {"source": WOMAN, "target": blank, side: bad}
        code = _main("swap", "--source", files["source"], "--target", files["target"], "--output", tmp_path / "a.png")
        errors = _errors(capsys)
        assert code == 2 and errors.startswith(f"multifaceswap: error: {bad}: ") and errors.count("\n") == 1
        assert not (tmp_path / "a.png").exists()

    def test_files_and_folders_that_do_not_exist(self, tmp_path, capsys):
        assert _swap(tmp_path / "none.png", tmp_path / "a.png") == 2
        assert f"error: {tmp_path / 'none.png'}: can't be read: No such file" in _errors(capsys)
        (tmp_path / "empty").mkdir()
        assert _swap(tmp_path / "empty", tmp_path / "out") == 2
        assert "there is no picture here" in _errors(capsys)

    @pytest.mark.parametrize("option", ["--output", "--mask", "--preview"])
    def test_an_input_is_not_overwritten(self, tmp_path, blank, capsys, option):
        before = blank.read_bytes()
        assert _swap(blank, tmp_path / "a.png", option, blank) == 2
        assert f"{blank} is an input and would be overwritten" in _errors(capsys)
        assert blank.read_bytes() == before and not (tmp_path / "a.png").exists()

    def test_overwrite_lets_the_output_replace_an_input_and_nothing_else_do_so(self, tmp_path, capsys):
        target = tmp_path / "a.png"
        shutil.copy(WOMAN, target)
        assert _swap(target, tmp_path / "b.png", "--mask", target, "--overwrite") == 2
        assert _swap(target, target, "--overwrite") == 0
        assert (read_picture(target) != read_picture(WOMAN)).any()

    def test_a_folder_over_itself_is_refused(self, tmp_path, blank, capsys):
        assert _swap(tmp_path, tmp_path) == 2
        assert "--overwrite" in _errors(capsys)

    def test_a_cut_off_report_leaves_the_pictures(self, tmp_path, blank, capsys):
        assert _swap(blank, tmp_path / "a.png", "--report", tmp_path) == 2
        assert "can't be replaced" in _errors(capsys)
        assert (tmp_path / "a.png").exists()

    def test_one_model_error_stops_all(self, tmp_path, blank, monkeypatch, capsys):
        def missing(*_, **__):
            raise MissingModelError("inswapper_128.onnx is nowhere")

        monkeypatch.setattr(swap, "swap_faces", missing)
        assert _swap(blank, tmp_path / "out", "--target", WOMAN) == 2
        assert _errors(capsys).count("inswapper_128.onnx is nowhere") == 1

    @pytest.mark.parametrize("stop", [KeyboardInterrupt, CancelledError])
    def test_cancelling_keeps_what_is_written(self, tmp_path, blank, monkeypatch, capsys, stop):
        real, calls = swap.swap_faces, []

        def second_time(*arguments, **options):
            calls.append(1)
            if len(calls) == 2:
                raise stop
            return real(*arguments, **options)

        monkeypatch.setattr(swap, "swap_faces", second_time)
        assert _swap(blank, tmp_path / "out", "--target", WOMAN) == 130
        assert _errors(capsys).rstrip().endswith("multifaceswap: error: cancelled")
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["blank.png"]

    def test_too_little_memory_is_one_pictures_error(self, tmp_path, blank, monkeypatch, capsys):
        def full(*_, **__):
            raise MemoryError

        monkeypatch.setattr(swap, "swap_faces", full)
        assert _swap(blank, tmp_path / "a.png") == 2
        assert f"error: {blank}: there is not enough memory" in _errors(capsys)


class TestFormats:
    def test_16_bits_and_alpha_come_back(self, tmp_path):
        deep = np.dstack([read_picture(MAN).astype(np.uint16) * 257 + 3, np.full(read_picture(MAN).shape[:2], 777)])
        write_picture(tmp_path / "deep.png", deep.astype(np.uint16))
        assert _swap(tmp_path / "deep.png", tmp_path / "a.png", "--mask", tmp_path / "mask.png") == 0
        output, mask = read_picture(tmp_path / "a.png"), read_picture(tmp_path / "mask.png")[..., 0]
        assert output.dtype == np.uint16 and (output[..., 3] == 777).all()
        assert (output[mask == 0] == deep[mask == 0]).all() and (output[mask > 200] != deep[mask > 200]).any()

    def test_grey_stays_grey(self, tmp_path):
        Image.open(MAN).convert("L").save(tmp_path / "grey.png")
        assert _swap(tmp_path / "grey.png", tmp_path / "a.png") == 0
        output = read_picture(tmp_path / "a.png")
        assert output.shape[2] == 1 and (output != read_picture(tmp_path / "grey.png")).any()

    def test_cmyk_and_turned_pictures_are_swapped_upright(self, tmp_path):
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.open(MAN).rotate(90, expand=True).convert("CMYK").save(tmp_path / "turned.jpg", exif=exif, quality=95)
        report = tmp_path / "r.json"
        assert _swap(tmp_path / "turned.jpg", tmp_path / "a.png", "--report", report) == 0
        output = read_picture(tmp_path / "a.png")
        assert output.shape == read_picture(MAN).shape
        assert np.abs(output.astype(int) - read_picture(MAN))[:50].mean() < 6
        assert len(json.loads(report.read_text())["targets"][0]["pairs"]) == 1

    def test_what_jpeg_cannot_hold_is_in_notes_and_report(self, tmp_path, capsys):
        Image.open(WOMAN).convert("RGBA").save(tmp_path / "alpha.png")
        assert _swap(tmp_path / "alpha.png", tmp_path / "a.jpg", "--report", tmp_path / "r.json") == 0
        assert "note: " in (errors := _errors(capsys)) and "a.jpg: jpeg can't hold transparency" in errors
        report = json.loads((tmp_path / "r.json").read_text())["targets"][0]["report"]
        assert any("jpeg can't hold transparency" in line for line in report)

    def test_format_and_quality_are_obeyed(self, tmp_path, blank):
        low, high = tmp_path / "low", tmp_path / "high"
        assert _swap(WOMAN, low, "--target", blank, "--image-format", "webp", "--image-quality", 20) == 0
        assert _swap(WOMAN, high, "--target", blank, "--image-format", "webp") == 0
        assert sorted(path.name for path in low.iterdir()) == ["astronaut.webp", "blank.webp"]
        assert Image.open(low / "astronaut.webp").format == "WEBP"
        assert (low / "astronaut.webp").stat().st_size < (high / "astronaut.webp").stat().st_size

    def test_an_output_of_no_known_format_is_refused_before_work(self, tmp_path, capsys):
        assert _swap(WOMAN, tmp_path / "a.tiff") == 2
        assert "can't tell the format" in _errors(capsys)

    def test_the_colour_profile_is_kept(self, tmp_path):
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        Image.open(MAN).save(tmp_path / "p.png", icc_profile=profile)
        assert _swap(tmp_path / "p.png", tmp_path / "a.jpg") == 0
        assert read_profile(tmp_path / "a.jpg") == profile


class TestPlanning:
    def test_several_or_a_folder_go_into_a_folder(self, tmp_path, blank):
        assert find_targets([str(blank)], "a.png") == Targets([blank], False)
        assert find_targets([str(blank), str(blank)], "a").to_folder
        assert find_targets([str(tmp_path)], "a") == Targets([blank], True)
        assert find_targets([str(blank)], str(tmp_path)).to_folder
        assert find_targets([str(blank)], "new/").to_folder

    def test_results_are_named_like_their_targets_each_once(self):
        files = [Path(name) for name in ("a/x.jpg", "b/X.JPG", "c/x.jpeg", "d/y.tif", "e/x-2.jpg")]
        names = [path.name for path in results(Targets(files, True), "out", None, "--output")]
        assert names == ["x.jpg", "X-2.JPG", "x.jpeg", "y.png", "x-2-2.jpg"]
        names = [path.name for path in results(Targets(files, True), "out", "webp", "--output")]
        assert names == ["x.webp", "X-2.webp", "x-3.webp", "y.webp", "x-2-2.webp"]

    @pytest.mark.parametrize("output", ["a.png", "a.TIFF"])
    def test_several_targets_need_a_folder(self, output):
        with pytest.raises(SettingsError, match="expected a folder, because there are several targets"):
            results(Targets([Path("x.png"), Path("y.png")], True), output, None, "--output")

    def test_one_file_is_not_written_twice_by_any_name(self, tmp_path):
        with pytest.raises(SettingsError, match="would be written twice"):
            require_free([tmp_path / "a.png", tmp_path / "b" / ".." / "a.png"], [])

    def test_an_input_is_known_by_any_name(self, tmp_path, blank):
        (tmp_path / "b").mkdir()
        with pytest.raises(SettingsError, match="is an input"):
            require_free([tmp_path / "b" / ".." / blank.name], [blank])
        require_free([tmp_path / "new.png"], [blank, tmp_path / "missing.png"])


class TestDetect:
    def test_faces_are_listed(self, capsys):
        assert _main("detect", WOMAN, "--gender") == 0
        first, face = capsys.readouterr().out.splitlines()
        assert first == f"{WOMAN}: 1 face(s) in 512x512"
        assert face.startswith("  0: ") and face.endswith(" female")

    def test_json_holds_boxes_landmarks_and_scores(self, capsys):
        assert _main("detect", WOMAN, "--json") == 0
        (picture,) = json.loads(capsys.readouterr().out)["pictures"]
        (face,) = picture["faces"]
        left, top, right, bottom = face["box"]
        assert (picture["file"], picture["width"], picture["height"]) == (str(WOMAN), 512, 512)
        assert face["index"] == 0 and 0.5 < face["score"] <= 1 and face["gender"] is None
        assert len(face["landmarks"]) == 5
        assert all(left < x < right and top < y < bottom for x, y in face["landmarks"])

    def test_the_gender_filter_and_the_confidence_are_obeyed(self, capsys):
        assert _main("detect", WOMAN, "--detect-gender", "male") == 0
        assert _main("detect", WOMAN, "--confidence", 1) == 0
        assert capsys.readouterr().out.count("0 face(s)") == 2

    def test_several_files_with_a_bad_one(self, tmp_path, blank, text, capsys):
        assert _main("detect", WOMAN, text, blank, "--json", "--preview", tmp_path / "previews") == 1
        captured = capsys.readouterr()
        pictures = json.loads(captured.out)["pictures"]
        assert [len(picture.get("faces", "bad")) for picture in pictures] == [1, 3, 0]
        assert f"multifaceswap: error: {text}: is no picture" in captured.err and "Traceback" not in captured.err
        assert (read_picture(tmp_path / "previews" / "astronaut.png") != read_picture(WOMAN)[..., :3]).any()

    def test_nothing_readable_is_2(self, text, capsys):
        assert _main("detect", text) == 2

    def test_the_preview_is_never_an_input(self, blank, capsys):
        before = blank.read_bytes()
        assert _main("detect", blank, "--preview", blank) == 2
        assert blank.read_bytes() == before and "is an input" in _errors(capsys)

    def test_every_option_reaches_detection(self, monkeypatch):
        given = {}

        def record(pictures, facedetection, **options):
            given.update(options, facedetection=facedetection)
            raise CancelledError

        monkeypatch.setattr(options, "detect_faces", record)
        words = "--facedetection builtin --confidence 0.3 --turns --no-tiles --min-size 40 --device cpu --gender"
        assert _main("detect", WOMAN, *words.split()) == 130
        assert given.pop("pool").device == "cpu"
        assert given == {
            "facedetection": "builtin",
            "confidence": 0.3,
            "gender": True,
            "turns": True,
            "tiles": False,
            "min_size": 40,
        }


class TestDoctor:
    @pytest.mark.parametrize(("cure", "code"), [("", 0), ("do this\nthen that", 1)])
    def test_what_is_wrong_decides_the_exit_code(self, monkeypatch, capsys, cure, code):
        findings = [doctor.Finding("Python", "3"), doctor.Finding("In use", "nothing", cure)]
        monkeypatch.setattr(doctor_command, "examine", lambda device: iter(findings))
        assert _main("doctor") == code
        lines = capsys.readouterr().out.splitlines()
        assert lines[0] == "  Python: 3" and lines[1].endswith(" In use: nothing")
        assert lines[2:] == (["    do this", "    then that", "1 to cure"] if cure else ["all is well"])

    def test_this_machine_without_showing_the_key(self, monkeypatch, capsys):
        monkeypatch.setenv("SEGMIND_API_KEY", "SG_secret")
        monkeypatch.setattr(doctor, "find_spec", lambda name: None)
        assert _main("doctor", "--device", "cpu") in (0, 1)
        out = capsys.readouterr().out
        assert "SEGMIND_API_KEY: found in the environment" in out and "SG_secret" not in out
        assert "In use: CPUExecutionProvider" in out

    def test_an_unknown_device_is_2(self, monkeypatch, capsys):
        monkeypatch.setattr(doctor, "find_spec", lambda name: None)
        assert _main("doctor", "--device", "toaster") == 2
        assert "device: expected one of auto" in _errors(capsys)


class TestProgram:
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ([], "required: COMMAND (see multifaceswap --help)"),
            (["dance"], "choose from "),
            (["swap"], "required: --source, --target, --output (see multifaceswap swap --help)"),
            (["detect", WOMAN, "--preview"], "expected one argument"),
            (["detect", WOMAN, "--gend"], "unrecognized arguments: --gend"),
        ],
    )
    def test_a_line_that_cannot_be_understood_is_2_and_one_line(self, capsys, words, message):
        assert _main(*words) == 2
        errors = _errors(capsys)
        assert errors.startswith("multifaceswap: error: ") and message in errors and errors.count("\n") == 1

    def test_help_names_every_command_and_every_command_has_help(self, capsys):
        assert _main("--help") == 0
        text = capsys.readouterr().out
        assert all(f" {name} " in text for name in ("swap", "detect", "doctor"))
        for name in ("swap", "detect", "doctor"):
            assert _main(name, "--help") == 0
            assert f"usage: multifaceswap {name}" in capsys.readouterr().out

    def test_version(self, capsys):
        assert _main("--version") == 0
        assert capsys.readouterr().out == f"multifaceswap {__version__}\n"

    def test_a_module_that_cannot_be_imported_is_told(self, monkeypatch, capsys):
        def broken(*_):
            raise ImportError("libGL.so.1: cannot open shared object file")

        monkeypatch.setattr(cli, "import_module", broken)
        assert _main("doctor") == 2
        assert "error: libGL.so.1: cannot open" in _errors(capsys)

    def test_a_defect_is_not_hidden(self, monkeypatch):
        def defect(*_):
            raise ZeroDivisionError

        monkeypatch.setattr(cli, "import_module", defect)
        with pytest.raises(ZeroDivisionError):
            _main("doctor")

    def test_a_reader_that_leaves_early_gets_no_traceback(self):
        program = (
            f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import conftest; "
            "from multifaceswap.cli import run; run()"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", program, "detect", str(WOMAN)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        process.stdout.close()
        errors = process.stderr.read()
        process.stderr.close()
        assert process.wait(60) == 1 and errors == b""
