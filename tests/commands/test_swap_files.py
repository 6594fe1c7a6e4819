from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from multifaceswap import Session, cli
from multifaceswap.media.pictures import read_metadata, read_picture, write_picture
from multifaceswap.pipeline.errors import CancelledError, MissingModelError, MissingPackageError
from PIL import Image, ImageCms, PngImagePlugin

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


def test_a_folder_of_targets_with_a_bad_one(tmp_path, blank, text, capsys):
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
    assert f"multifaceswap: error: {folder / 'text.png'}: not a picture" in errors
    assert "3/3" in errors
    entries = json.loads(report.read_text())["targets"]
    assert [entry["error"] is None for entry in entries] == [True, True, False]


@pytest.mark.parametrize("content", [b"", b"<html>", b"\x89PNG\r\n\x1a\n", WOMAN.read_bytes()[:5000]])
@pytest.mark.parametrize("side", ["source", "target"])
def test_an_unreadable_picture_is_one_line(tmp_path, blank, capsys, content, side):
    bad = tmp_path / "bad.png"
    bad.write_bytes(content)
    files = {"source": WOMAN, "target": blank, side: bad}
    code = _main("swap", "--source", files["source"], "--target", files["target"], "--output", tmp_path / "a.png")
    errors = _errors(capsys)
    assert code == 2 and errors.startswith(f"multifaceswap: error: {bad}: ") and errors.count("\n") == 1
    assert not (tmp_path / "a.png").exists()


def test_files_and_folders_that_do_not_exist(tmp_path, capsys):
    assert _swap(tmp_path / "none.png", tmp_path / "a.png") == 2
    assert f"error: {tmp_path / 'none.png'}: can't be read: No such file" in _errors(capsys)
    (tmp_path / "empty").mkdir()
    assert _swap(tmp_path / "empty", tmp_path / "out") == 2
    assert "there is no picture here" in _errors(capsys)


@pytest.mark.parametrize("option", ["--output", "--mask", "--preview"])
def test_an_input_is_not_overwritten(tmp_path, blank, capsys, option):
    before = blank.read_bytes()
    assert _swap(blank, tmp_path / "a.png", option, blank) == 2
    assert f"{blank} is an input and would be overwritten" in _errors(capsys)
    assert blank.read_bytes() == before and not (tmp_path / "a.png").exists()


def test_overwrite_lets_the_output_replace_an_input_and_nothing_else_do_so(tmp_path, capsys):
    target = tmp_path / "a.png"
    shutil.copy(WOMAN, target)
    assert _swap(target, tmp_path / "b.png", "--mask", target, "--overwrite") == 2
    assert _swap(target, target, "--overwrite") == 0
    assert (read_picture(target) != read_picture(WOMAN)).any()


def test_a_folder_over_itself_is_refused(tmp_path, blank, capsys):
    assert _swap(tmp_path, tmp_path) == 2
    assert "--overwrite" in _errors(capsys)


def _name_of(length: int, extension: str) -> str:
    return "n" * (length - len(extension)) + extension


@pytest.mark.parametrize("command", ["swap", "restore", "batch", "detect"])
@pytest.mark.parametrize("place", ["long folder", "file as folder", "no folder made"])
def test_what_cannot_be_written_is_known_before_any_work(tmp_path, blank, capsys, monkeypatch, command, place):
    """Two targets whose results have no place."""
    for step in ("detect", "swap", "restore"):
        monkeypatch.setattr(Session, step, lambda *_, step=step, **__: pytest.fail(f"{step} was called"))
    targets, out = [blank, blank], tmp_path / "out"
    if place == "long folder":
        out = tmp_path / ("x" * 256)
    elif place == "file as folder":
        out = blank / "out"
    elif place == "no folder made":
        if not Path("/proc/self").is_dir():
            pytest.skip("needs a place where nobody can make folders")
        out = Path("/proc/self/out")
    before = sorted(tmp_path.rglob("*"))
    words = ["--source", WOMAN, "--target"] if command in ("swap", "batch") else []
    assert _main(command, *words, *targets, "--preview" if command == "detect" else "--output", out) == 2
    assert "can't be written: " in _errors(capsys)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("command", ["swap", "restore", "batch", "detect"])
@pytest.mark.parametrize("place", ["long name", "folder there"])
def test_a_result_without_a_place_is_said_first_and_the_others_are_done(
    tmp_path, blank, capsys, monkeypatch, command, place
):
    said: list[str] = []
    step, real = ("restore", Session.restore) if command == "restore" else ("detect", Session.detect)
    monkeypatch.setattr(
        Session, step, lambda *given, **named: said.append(capsys.readouterr().err) or real(*given, **named)
    )
    out = tmp_path / "out"
    if place == "long name":
        bad = tmp_path / _name_of(255, ".png")
        shutil.copy(blank, bad)
        targets, result = [bad, bad], out / bad.name  # the second would become …-2.png, of 257 bytes
    else:
        (out / blank.name).mkdir(parents=True)
        targets, result = [blank, blank], out / "blank-2.png"
    words = ["--source", WOMAN, "--target"] if command in ("swap", "batch") else []
    words = [command, *words, *targets, "--preview" if command == "detect" else "--output", out]
    assert _main(*words, *(["--face-restore", "disable"] if command == "restore" else [])) == 1
    assert "can't be written: " in said[0] and "can't be written: " not in _errors(capsys)
    assert sorted(path for path in out.rglob("*") if path.is_file() and path.suffix == ".png") == [result]


def test_a_report_that_cannot_be_written_is_known_before_any_work(tmp_path, blank, capsys):
    assert _swap(blank, tmp_path / "a.png", "--report", tmp_path) == 2
    assert "it exists and is not a regular file" in _errors(capsys)
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize("kind", [MissingModelError, MissingPackageError])
def test_what_all_pictures_lack_is_told_once(tmp_path, blank, monkeypatch, capsys, kind):
    def missing(*_, **__):
        raise kind("inswapper_128.onnx is nowhere")

    monkeypatch.setattr(Session, "swap", missing)
    assert _swap(blank, tmp_path / "out", "--target", WOMAN) == 2
    assert _errors(capsys).count("inswapper_128.onnx is nowhere") == 1


@pytest.mark.parametrize("stop", [KeyboardInterrupt, CancelledError])
def test_cancelling_keeps_what_is_written(tmp_path, blank, monkeypatch, capsys, stop):
    real, calls = Session.swap, []

    def second_time(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise stop
        return real(*arguments, **options)

    monkeypatch.setattr(Session, "swap", second_time)
    assert _swap(blank, tmp_path / "out", "--target", WOMAN) == 130
    assert _errors(capsys).rstrip().endswith("multifaceswap: error: cancelled")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["blank.png"]


def test_too_little_memory_is_one_pictures_error(tmp_path, blank, monkeypatch, capsys):
    def full(*_, **__):
        raise MemoryError

    monkeypatch.setattr(Session, "swap", full)
    assert _swap(blank, tmp_path / "a.png") == 2
    assert f"error: {blank}: there is not enough memory" in _errors(capsys)


def test_16_bits_and_alpha_come_back(tmp_path):
    deep = np.dstack([read_picture(MAN).astype(np.uint16) * 257 + 3, np.full(read_picture(MAN).shape[:2], 777)])
    write_picture(tmp_path / "deep.png", deep.astype(np.uint16))
    assert _swap(tmp_path / "deep.png", tmp_path / "a.png", "--mask", tmp_path / "mask.png") == 0
    output, mask = read_picture(tmp_path / "a.png"), read_picture(tmp_path / "mask.png")[..., 0]
    assert output.dtype == np.uint16 and (output[..., 3] == 777).all()
    assert (output[mask == 0] == deep[mask == 0]).all() and (output[mask > 200] != deep[mask > 200]).any()


def test_grey_stays_grey(tmp_path):
    Image.open(MAN).convert("L").save(tmp_path / "grey.png")
    assert _swap(tmp_path / "grey.png", tmp_path / "a.png") == 0
    output = read_picture(tmp_path / "a.png")
    assert output.shape[2] == 1 and (output != read_picture(tmp_path / "grey.png")).any()


def test_cmyk_and_turned_pictures_are_swapped_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.open(MAN).rotate(90, expand=True).convert("CMYK").save(tmp_path / "turned.jpg", exif=exif, quality=95)
    report = tmp_path / "r.json"
    assert _swap(tmp_path / "turned.jpg", tmp_path / "a.png", "--report", report) == 0
    output = read_picture(tmp_path / "a.png")
    assert output.shape == read_picture(MAN).shape
    assert np.abs(output.astype(int) - read_picture(MAN))[:50].mean() < 6
    assert len(json.loads(report.read_text())["targets"][0]["pairs"]) == 1


def test_what_jpeg_cannot_hold_is_in_notes_and_report(tmp_path, capsys):
    Image.open(WOMAN).convert("RGBA").save(tmp_path / "alpha.png")
    assert _swap(tmp_path / "alpha.png", tmp_path / "a.jpg", "--report", tmp_path / "r.json") == 0
    assert "note: " in (errors := _errors(capsys)) and "a.jpg: jpeg can't hold transparency" in errors
    report = json.loads((tmp_path / "r.json").read_text())["targets"][0]["report"]
    assert any("jpeg can't hold transparency" in line for line in report)


def test_format_and_quality_are_obeyed(tmp_path, blank):
    low, high = tmp_path / "low", tmp_path / "high"
    assert _swap(WOMAN, low, "--target", blank, "--image-format", "webp", "--image-quality", 20) == 0
    assert _swap(WOMAN, high, "--target", blank, "--image-format", "webp") == 0
    assert sorted(path.name for path in low.iterdir()) == ["astronaut.webp", "blank.webp"]
    assert Image.open(low / "astronaut.webp").format == "WEBP"
    assert (low / "astronaut.webp").stat().st_size < (high / "astronaut.webp").stat().st_size


def test_an_output_of_no_known_format_is_refused_before_work(tmp_path, capsys):
    assert _swap(WOMAN, tmp_path / "a.tiff") == 2
    assert "can't tell the format" in _errors(capsys)


def test_the_colour_profile_is_kept(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.open(MAN).save(tmp_path / "p.png", icc_profile=profile)
    assert _swap(tmp_path / "p.png", tmp_path / "a.jpg") == 0
    assert read_metadata(tmp_path / "a.jpg").profile == profile


def test_texts_and_exif_of_the_target_are_kept(tmp_path):
    info, exif = PngImagePlugin.PngInfo(), Image.Exif()
    info.add_text("parameters", "a cat")
    exif[0x8298] = "me"
    Image.open(MAN).save(tmp_path / "p.png", pnginfo=info, exif=exif, dpi=(300, 300))
    assert _swap(tmp_path / "p.png", tmp_path / "a.png") == 0
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.text["parameters"] == "a cat" and image.getexif()[0x8298] == "me"
        assert round(image.info["dpi"][0]) == 300


@pytest.mark.parametrize("side", ["source", "target"])
def test_frames_that_are_left_out_are_told(tmp_path, blank, capsys, side):
    moving = tmp_path / "moving.webp"
    portrait = Image.open(WOMAN).convert("RGB")
    portrait.save(moving, save_all=True, append_images=[Image.new("RGB", portrait.size, "blue")])
    files = {"source": WOMAN, "target": blank, side: moving}
    assert _main("swap", "--source", files["source"], "--target", files["target"], "--output", tmp_path / "a.png") == 0
    assert _errors(capsys).count(f"note: {moving}: 2 frames: only the first is used") == 1
    assert _main("detect", moving) == 0
    assert "2 frames: only the first is used" in _errors(capsys)
