from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest
from multifaceswap import cli
from multifaceswap.hosted.segmind.errors import InsufficientCreditsError
from multifaceswap.hosted.segmind.settings import SETTINGS
from multifaceswap.media.atomic import write_atomic
from multifaceswap.media.pictures import read_picture, write_picture
from PIL import Image
from segmind_api import KEY, MODEL, Faults, serving


@pytest.fixture
def api(monkeypatch, tmp_path):
    with serving() as api:
        api.polls = []
        monkeypatch.setenv("SEGMIND_API_KEY", KEY)
        monkeypatch.setenv("SEGMIND_BASE_URL", api.base_url)
        monkeypatch.setenv("MULTIFACESWAP_STATE", str(tmp_path / "state"))
        yield api


@pytest.fixture
def source(tmp_path) -> Path:
    path = tmp_path / "source.png"
    write_picture(path, np.zeros((4, 4, 3), np.uint8))
    return path


@pytest.fixture
def targets(tmp_path) -> Path:
    """A folder of three grey pictures: 10, 20, 30."""
    for grey in (10, 20, 30):
        write_picture(tmp_path / "targets" / f"{grey}.png", np.full((6, 8, 3), grey, np.uint8))
    return tmp_path / "targets"


def _remote(source, target, output, *words) -> int:
    return cli.main(
        ["remote", "--source", str(source), "--target", str(target), "--output", str(output), *map(str, words)]
    )


def _payload(api) -> dict:
    return json.loads(next(call.body for call in api.calls if call.path.endswith(MODEL)))


def test_one_picture_and_its_report(api, source, targets, tmp_path, capsys):
    before = (targets / "10.png").read_bytes()
    output, report = tmp_path / "out.png", tmp_path / "report.json"
    assert _remote(source, targets / "10.png", output, "--report", report) == 0
    assert (read_picture(output) == 245).all()
    assert (targets / "10.png").read_bytes() == before
    shown = capsys.readouterr()
    assert shown.out == f"{targets / '10.png'} -> {output}: swapped, marked: XMP\n"
    assert "request req-0" in shown.err
    (entry,) = json.loads(report.read_text())["targets"]
    assert (entry["request_id"], entry["inference_seconds"], entry["error"]) == ("req-0", 1.25, None)
    assert (entry["target"], entry["output"]) == (str(targets / "10.png"), str(output))
    assert KEY not in shown.out + shown.err + report.read_text()
    assert [json.loads(path.read_text())["state"] for path in (tmp_path / "state").rglob("*.json")] == ["delivered"]


@pytest.mark.parametrize("name", ["notes.png", "notes.txt", "gone.png"])
def test_a_source_that_is_no_picture_is_named_and_nothing_is_sent(api, targets, tmp_path, capsys, name):
    path = tmp_path / name
    if not name.startswith("gone"):
        path.write_text("no picture")
    assert _remote(path, targets, tmp_path / "out") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"multifaceswap: error: {path}: ") and "Errno" not in line and "BytesIO" not in line
    assert not api.calls and not (tmp_path / "out").exists()


def test_defaults_are_those_of_the_api(api, source, targets, tmp_path):
    assert _remote(source, targets / "10.png", tmp_path / "out.jpg") == 0
    payload = _payload(api)
    assert {name: payload[name] for name in SETTINGS} == {name: setting.default for name, setting in SETTINGS.items()}


def test_every_setting_has_an_option(api, source, targets, tmp_path):
    values = {
        "input_faces_index": "0,2", "source_faces_index": "1", "detection_face_order": "top-bottom",
        "facedetection": "YOLOv5l", "detect_gender_input": "female", "detect_gender_source": "male",
        "face_restore": "GFPGANv1.4.pth", "face_restore_weight": 0.25, "interpolation": "Nearest",
        "image_format": "webp", "image_quality": 50,
    }  # fmt: skip
    words = [word for name, value in values.items() for word in (f"--{name.replace('_', '-')}", value)]
    assert _remote(source, targets / "10.png", tmp_path / "out", *words, "--base64", "--mode", "synchronous") == 2
    assert _remote(source, targets / "10.png", tmp_path / "out.webp", *words, "--base64", "--mode", "synchronous") == 0
    payload = _payload(api)
    assert {name: payload[name] for name in SETTINGS} == {**values, "base64": True}
    assert api.count("sync") == 1


def test_folder_becomes_a_folder(api, source, targets, tmp_path, capsys):
    assert _remote(source, targets, tmp_path / "out") == 0
    assert [int(read_picture(tmp_path / "out" / f"{grey}.png")[0, 0, 0]) for grey in (10, 20, 30)] == [245, 235, 225]
    assert api.count("upload-asset") == 4


def test_one_that_fails_does_not_stop_the_others(api, source, targets, tmp_path, capsys):
    api.fault("submit", Faults.status(402, {"error": "no credits left"}))
    report = tmp_path / "report.json"
    assert _remote(source, targets, tmp_path / "out", "--concurrency", 1, "--report", report) == 1
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["20.png", "30.png"]
    entry = json.loads(report.read_text())["targets"][0]
    assert InsufficientCreditsError.advice in entry["error"] and "no credits left" in entry["error"]
    assert entry["error"] in capsys.readouterr().err


def test_all_failed_is_2(api, source, targets, tmp_path):
    api.fault("submit", Faults.status(500), always=True)
    assert _remote(source, targets, tmp_path / "out") == 2


def test_other_formats_are_sent_as_pixels_and_written_as_named(api, source, tmp_path):
    from PIL import Image

    Image.new("RGB", (8, 6), (10, 20, 30)).save(tmp_path / "target.bmp")
    api.fault("media", lambda handler, _: handler.reply(200, api.picture_of(_payload(api)["target_img"], "WEBP")))
    assert _remote(source, tmp_path / "target.bmp", tmp_path / "out.png", "--image-format", "png") == 0
    assert abs(read_picture(tmp_path / "out.png").astype(int) - [245, 235, 225]).max() <= 3


def test_urls_pass_through(api, source, targets, tmp_path):
    url = "https://pictures.example/target.png"
    api.assets[url] = (targets / "10.png").read_bytes()
    assert _remote(url, url, tmp_path / "out.png", "--transport", "url") == 0
    assert (_payload(api)["source_img"], _payload(api)["target_img"]) == (url, url)
    assert api.count("upload-asset") == 0


def test_run_again_pays_anew(api, source, targets, tmp_path):
    for words in [(), (), ("--run-again", 1)]:
        assert _remote(source, targets / "10.png", tmp_path / "out.png", *words) == 0
    assert api.paid() == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--input-faces-index", "0-3"], "the hosted API takes only face numbers separated by commas"),
        (["--input-faces-index", "-1"], "the hosted API takes only face numbers separated by commas"),
        (["--face-restore-weight", "2"], "expected 0 to 1, got '2'"),
        (["--interpolation", "Area"], "invalid choice: 'Area'"),
        (["--transport", "url"], "transport: url needs source and target as http(s) URLs"),
        (["--report", "{target}"], "is an input and would be overwritten"),
        (["--output", "{target}"], "is an input and would be overwritten"),
        (["--output", "out.gif"], "can't tell the format"),
        (["--target", "https://pictures.example/x.png"], "expected pictures, or one URL alone"),
    ],
)
def test_bad_settings_are_2_and_cost_nothing(api, source, targets, tmp_path, capsys, words, message):
    words = [word.format(target=targets / "10.png") for word in words]
    assert _remote(source, targets / "10.png", tmp_path / "out.png", *words) == 2
    shown = capsys.readouterr().err
    assert message in shown and "Traceback" not in shown
    assert api.calls == []


def test_no_key_is_2(api, source, targets, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("SEGMIND_API_KEY")
    assert _remote(source, targets / "10.png", tmp_path / "out.png") == 2
    assert "there is no Segmind API key" in capsys.readouterr().err
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "segmind_api_key.txt").write_text(KEY)
    assert _remote(source, targets / "10.png", tmp_path / "out.png") == 0


def test_unsafe_endpoint_is_2(source, targets, tmp_path, capsys, monkeypatch, api):
    monkeypatch.setenv("SEGMIND_BASE_URL", "http://api.example/v1")
    assert _remote(source, targets / "10.png", tmp_path / "out.png") == 2
    assert "SEGMIND_BASE_URL: expected https, because the API key travels there" in capsys.readouterr().err


def test_ctrl_c_is_130_and_what_was_paid_is_picked_up(api, source, targets, tmp_path, monkeypatch, capsys):
    from multifaceswap.commands import remote

    api.polls = ["QUEUED"] * 1000
    polled = threading.Event()
    api.fault("status", lambda handler, body: (polled.set(), handler.status(body)))

    def interrupted(*_, **__):
        assert polled.wait(20)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(remote, "wait", interrupted)
        assert _remote(source, targets / "10.png", tmp_path / "out.png") == 130
    said = capsys.readouterr().err
    assert "error: cancelled. Run the same again within the hour" in said and "picked up" in said
    assert not (tmp_path / "out.png").exists()
    api.jobs["req-0"].states.clear()
    assert _remote(source, targets / "10.png", tmp_path / "out.png") == 0
    assert api.paid() == 1


def test_other_kinds_of_pictures_are_sent_as_pixels_and_written_as_asked(api, source, targets, tmp_path, capsys):
    (targets / "20.png").rename(targets / "20.txt")
    Image.new("CMYK", (8, 6)).save(targets / "40.jpg")
    Image.new("RGB", (8, 6)).save(targets / "50.avif")
    assert _remote(source, targets, tmp_path / "out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["10.png", "30.png", "40.jpg", "50.avif"]
    assert Image.open(tmp_path / "out" / "50.avif").format == "AVIF"
    said = capsys.readouterr().err
    assert said.count("1 file passed over: 20.txt") == 1
    assert f"{targets / '40.jpg'}: CMYK became sRGB without a profile" in said
    sent = [json.loads(call.body) for call in api.calls if call.path.endswith(MODEL)]
    assert {payload["image_format"] for payload in sent} == {"png", "jpeg"}


def test_a_target_that_does_not_fit_is_said_and_the_others_are_sent(api, source, targets, tmp_path, capsys):
    Image.new("L", (16384, 2)).save(targets / "wide.png")
    (targets / "zero.png").write_bytes(b"")
    assert _remote(source, targets, tmp_path / "out", "--image-format", "webp") == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    assert len(errors) == 2 and "16384×2: webp holds 16383" in errors[0] and "zero.png: the file is empty" in errors[1]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["10.webp", "20.webp", "30.webp"]


def test_what_cannot_be_written_is_known_before_any_call(api, source, targets, tmp_path, capsys):
    wide = targets / "wide.png"
    Image.new("L", (16384, 2)).save(wide)
    assert _remote(source, wide, tmp_path / "a.webp") == 2
    assert "16384×2: webp holds 16383 pixels a side" in capsys.readouterr().err
    assert _remote(source, targets, source / "out") == 2
    assert "can't be written: " in capsys.readouterr().err
    assert api.calls == []


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), PermissionError(13, "Permission denied")])
def test_a_paid_picture_that_can_not_be_written_is_kept_and_the_message_says_where(
    api, source, targets, tmp_path, capsys, monkeypatch, mode, failure
):
    def refuse(path, *arguments, **options):
        raise failure

    words = (source, targets / "10.png", tmp_path / "out.png", "--mode", mode)
    with monkeypatch.context() as patch:
        patch.setattr("multifaceswap.media.pictures.writing.write_atomic", refuse)
        assert _remote(*words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    (kept,) = (tmp_path / "state").rglob("*.picture")
    assert f"out.png: can't be written: {failure.strerror}. What was paid for is kept in {kept}: run the same" in line
    assert _remote(source, targets / "10.png", tmp_path / "elsewhere.png", "--mode", mode) == 0
    assert (read_picture(tmp_path / "elsewhere.png") == 245).all() and api.paid() == 1


def test_a_result_that_is_kept_nowhere_here_is_picked_up(api, source, targets, tmp_path, capsys, monkeypatch):
    def refuse(path, data, **options):
        if not ((str(path).endswith(".json") and b"sending" in data) or b"submitted" in data):
            raise OSError(28, "No space left on device")
        write_atomic(path, data, **options)

    for module in ("media.pictures.writing", "hosted.segmind.journal_files"):
        monkeypatch.setattr(f"multifaceswap.{module}.write_atomic", refuse)
    assert _remote(source, targets / "10.png", tmp_path / "out.png") == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    assert "can't be written: No space left on device. Run the same again within the hour" in line
    assert line.endswith("To send it anyway, change --run-again.")


@pytest.mark.parametrize(
    ("route", "fault"), [("submit", Faults.status(500)), ("submit", Faults.reset), ("status", Faults.status(400)),
                         ("sync", Faults.status(200, {"a": 1}))],
)  # fmt: skip
def test_messages_name_the_option_as_it_is_typed(api, source, targets, tmp_path, capsys, route, fault):
    api.fault(route, fault, always=True)
    mode = "synchronous" if route == "sync" else "asynchronous"
    assert _remote(source, targets / "10.png", tmp_path / "out.png", "--mode", mode) == 2
    said = capsys.readouterr().err
    assert said.count("change --run-again.") == 1 and "run_again" not in said
