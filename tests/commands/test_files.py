from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from multifaceswap import cli
from multifaceswap.commands import files
from multifaceswap.commands.files import Targets, find_targets, require_free, results
from multifaceswap.pipeline.errors import SettingsError
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HOPPER = EXAMPLES / "grace_hopper.jpg"
WOMAN = str(EXAMPLES / "astronaut.png")


def test_several_or_a_folder_go_into_a_folder(tmp_path, blank):
    assert find_targets([str(blank)], "a.png") == Targets([blank], False)
    assert find_targets([str(blank), str(blank)], "a").to_folder
    assert find_targets([str(tmp_path)], "a") == Targets([blank], True)
    assert find_targets([str(blank)], str(tmp_path)).to_folder
    assert find_targets([str(blank)], "new/").to_folder


def test_results_are_named_like_their_targets_each_once():
    files = [Path(name) for name in ("a/x.jpg", "b/X.JPG", "c/x.jpeg", "d/y.tif", "e/x-2.jpg")]
    names = [path.name for path in results(Targets(files, True), "out", None, "--output")]
    assert names == ["x.jpg", "X-2.JPG", "x.jpeg", "y.png", "x-2-2.jpg"]
    names = [path.name for path in results(Targets(files, True), "out", "webp", "--output")]
    assert names == ["x.webp", "X-2.webp", "x-3.webp", "y.webp", "x-2-2.webp"]


@pytest.mark.parametrize("output", ["a.png", "a.TIFF"])
def test_several_targets_need_a_folder(output):
    with pytest.raises(SettingsError, match="expected a folder, because there are several targets"):
        results(Targets([Path("x.png"), Path("y.png")], True), output, None, "--output")


def test_one_file_is_not_written_twice_by_any_name(tmp_path):
    with pytest.raises(SettingsError, match="would be written twice"):
        require_free([tmp_path / "a.png", tmp_path / "b" / ".." / "a.png"], [])


@pytest.mark.parametrize(("system", "is_one"), [("darwin", True), ("linux", False)])
def test_on_systems_that_tell_no_case_two_outputs_are_one(tmp_path, monkeypatch, system, is_one):
    monkeypatch.setattr(files.sys, "platform", system)
    monkeypatch.setattr(files.os.path, "normcase", str)
    outputs = [tmp_path / "a" / "stra\u00dfe.png", tmp_path / "a" / "STRASSE.png"]
    if is_one:
        with pytest.raises(SettingsError, match="written twice"):
            require_free(outputs, [])
    else:
        require_free(outputs, [])


def test_an_input_is_known_by_any_name(tmp_path, blank):
    (tmp_path / "b").mkdir()
    with pytest.raises(SettingsError, match="is an input"):
        require_free([tmp_path / "b" / ".." / blank.name], [blank])
    require_free([tmp_path / "new.png"], [blank, tmp_path / "missing.png"])


@pytest.mark.parametrize("command", ["detect", "restore", "swap", "batch"])
def test_an_empty_name_is_an_error(tmp_path, monkeypatch, capsys, blank, command):
    monkeypatch.chdir(tmp_path)
    words = ["", *(["--output", "out"] if command != "detect" else [])]
    if command in ("swap", "batch"):
        words = ["--source", str(blank), "--target", *words]
    assert cli.main([command, *words]) == 2
    assert "name is empty: expected a picture" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [blank]


@pytest.mark.parametrize("command", ["detect", "restore", "swap", "batch"])
def test_what_a_folder_passes_over_is_named_in_one_line(tmp_path, capsys, blank, command):
    folder = tmp_path / "in"
    folder.mkdir()
    blank.rename(folder / "a.png")
    for name in ("9", "b.psd", "c.txt", ".DS_Store", "Thumbs.db"):
        (folder / name).write_bytes(b"-")
    words = [str(folder), *(["--output", str(tmp_path / "out")] if command != "detect" else [])]
    if command in ("swap", "batch"):
        shutil.copy(HOPPER, folder / "donor.jpg")
        words = ["--source", str(folder), "--target", *words]
    words += ["--face-restore", "disable"] if command == "restore" else []
    assert cli.main([command, *words]) == 0
    said = [line for line in capsys.readouterr().err.splitlines() if "passed over" in line]
    line = "multifaceswap: note: 3 files passed over: 9, b.psd, c.txt"
    assert said == [line] * (2 if command in ("swap", "batch") else 1)  # the source folder's and the target folder's


def test_clips_in_a_folder_are_named_by_swap_and_done_by_batch(tmp_path, capsys, blank):
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(blank, folder / "a.png")
    (folder / "clip.mp4").write_bytes(b"no clip")
    line = ["--source", str(HOPPER), "--target", str(folder), "--output", str(tmp_path / "out")]
    assert cli.main(["swap", *line]) == 0
    assert "note: 1 file passed over: clip.mp4\n" in capsys.readouterr().err
    assert cli.main(["batch", *line, "--retries", "0"]) == 1
    said = capsys.readouterr().err
    assert "passed over" not in said and "clip.mp4: " in said


@pytest.mark.parametrize("command", ["restore", "swap", "batch"])
def test_a_side_too_long_for_the_format_is_said_first_and_the_others_are_done(tmp_path, capsys, blank, command):
    for name in ("wide.png", "wider.png"):
        Image.new("L", (16384, 2)).save(tmp_path / name)
    reason = f"{tmp_path / 'wide.png'}: 16384×2: webp holds 16383 pixels a side: choose png"
    out, words = (
        tmp_path / "out",
        ["--source", WOMAN, "--target"] if command in ("swap", "batch") else [],
    )
    more = ["--output", str(out), "--image-format", "webp"]
    more += ["--face-restore", "disable"] if command == "restore" else []
    none_fits = [command, *words, *(str(tmp_path / name) for name in ("wide.png", "wider.png")), *more]
    assert cli.main(none_fits) == 2 and not out.exists()
    assert capsys.readouterr().err.count(reason) == 1
    assert cli.main([command, *words, str(tmp_path / "wide.png"), str(blank), *more]) == 1
    assert capsys.readouterr().err.count(reason) == 1
    assert [path.name for path in out.iterdir() if path.suffix == ".webp"] == ["blank.webp"]


def test_a_preview_that_does_not_fit_is_known_before_any_work(tmp_path, capsys):
    Image.new("L", (16384, 2)).save(tmp_path / "wide.png")
    assert cli.main(["detect", str(tmp_path / "wide.png"), "--preview", str(tmp_path / "a.webp")]) == 2
    assert "16384×2: webp holds 16383 pixels a side" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["detect", "restore", "swap"])
def test_what_is_no_picture_is_said_first_and_the_others_are_done(tmp_path, capsys, blank, command):
    (tmp_path / "a.png").write_bytes(b"no picture")
    (tmp_path / "b.jpg").write_bytes(b"")
    out, words = (
        tmp_path / "out",
        ["--source", WOMAN, "--target"] if command == "swap" else [],
    )
    words += [str(tmp_path / name) for name in (blank.name, "a.png", "b.jpg", "c.png")]
    words += ["--face-restore", "disable"] if command == "restore" else []
    assert cli.main([command, *words, "--preview" if command == "detect" else "--output", str(out)]) == 1
    errors = [line for line in capsys.readouterr().err.splitlines() if "error: " in line]
    reasons = ("a.png: not a picture", "b.jpg: the file is empty", "c.png: can't be read: No such file")
    assert len(errors) == 3 and all(reason in error for reason, error in zip(reasons, errors, strict=True))
    assert [path.name for path in out.iterdir()] == [blank.name]
