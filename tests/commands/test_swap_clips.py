from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from clipmaking import EXAMPLES, Read, moving, shot, sides_changed, write_clip
from clipmaking import MAN as HIM
from clipmaking import WOMAN as HER
from clipworld import frames, write
from multifaceswap import Session, cli
from multifaceswap.commands import console
from multifaceswap.media.clips import FrameDone, checkpoint_folder
from multifaceswap.media.pictures import read_picture

WOMAN, MAN = EXAMPLES / "astronaut.png", EXAMPLES / "grace_hopper.jpg"


def _swap(target: Path, output: Path, *words: object) -> int:
    arguments = ["swap", "--source", WOMAN, "--target", target, "--output", output, "--no-hardware", *words]
    return cli.main([str(word) for word in arguments])


@pytest.fixture
def clip(tmp_path) -> Path:
    return write_clip(tmp_path / "clip.mp4", moving("grace_hopper.jpg", 6), sound=True)


def test_a_clip_in_a_clip_out(tmp_path, clip, capsys):
    assert _swap(clip, tmp_path / "out.mkv", "--report", tmp_path / "r.json") == 0
    given, made = Read(clip), Read(tmp_path / "out.mkv")
    # Matroska starts at 0, where this sound begins before the pictures do: all is moved by as much.
    moved = made.times[0]
    assert [time - moved for time in made.times] == pytest.approx(given.times, abs=0.0011)
    assert [time - moved for time, _ in made.sound] == pytest.approx([time for time, _ in given.sound], abs=0.0011)
    assert np.abs(given.luma[3] - made.luma[3]).max() > 60
    done = f"{clip} -> {tmp_path / 'out.mkv'}: 6 face(s) swapped in 6 frames, libx264, marked: tags\n"
    assert capsys.readouterr().out == done
    (entry,) = json.loads((tmp_path / "r.json").read_text())["targets"]
    assert (entry["target"], entry["frames"], entry["swapped"], entry["error"]) == (str(clip), 6, 6, None)


def test_what_the_output_cannot_hold_is_said_once_and_first(tmp_path, capsys, monkeypatch):
    target = write(tmp_path / "in.mkv", frames(3), prepare=lambda out, _: out.metadata.update({"MOOD": "calm"}))
    said = []
    monkeypatch.setattr(console, "note", said.append)
    assert _swap(target, tmp_path / "out.mp4", "--no-tiles") == 0
    line = "tags left out: MOOD: .mp4 can't hold them"
    assert said[0] == f"{target}: {line}" and sum(line in one for one in said) == 1
    order = []
    with Session() as session:
        result = session.swap_clip(
            target,
            tmp_path / "again.mp4",
            [read_picture(WOMAN)],
            tiles=False,
            hardware=False,
            notice=order.append,
            progress=lambda done, _total: order.append(done),
        )
    assert order == [line, 1, 2, 3] and line in result.report


@pytest.mark.parametrize(("switch", "is_told"), [([], True), (["--turns"], False)])
def test_turns_are_what_to_try_where_nothing_was_swapped(tmp_path, capsys, switch, is_told):
    target = write(tmp_path / "in.mp4", frames(2))
    assert _swap(target, tmp_path / "out.mp4", "--no-tiles", *switch) == 0
    assert ("are only found with turns" in capsys.readouterr().err) == is_told


def test_clips_and_pictures_go_into_a_folder_by_their_names(tmp_path, clip):
    other = write_clip(tmp_path / "clip.avi", moving("grace_hopper.jpg", 2), codec="mpeg4")
    assert _swap(clip, tmp_path / "out", "--target", MAN, "--target", other) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["clip-2.mp4", "clip.mp4", "grace_hopper.jpg"]


def test_the_bar_of_a_clip_shows_its_name_on_one_line(capsys):
    with console.frames("a\nb\x1b[31m.mp4", shown=True):
        pass
    assert r"a\nb\x1b[31m.mp4" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "value"), [("--mask", "m.png"), ("--preview", "p.png"), ("--limit-mask", "l.png")])
def test_options_for_pictures_are_refused(tmp_path, clip, capsys, option, value):
    assert _swap(clip, tmp_path / "out.mp4", option, tmp_path / value) == 2
    assert f"error: {option} works for pictures; {clip} is a clip" in capsys.readouterr().err
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.slow
def test_a_reference_is_followed_through_a_cut(tmp_path, capsys):
    frames = [*shot(4, (HIM, 5), (HER, 170)), *shot(4, (HER, 10), grey=200), *shot(4, (HER, 5), (HIM, 170), grey=40)]
    target, output = write_clip(tmp_path / "in.mp4", frames), tmp_path / "out.mp4"
    assert _swap(target, output, "--reference", MAN, "--report", tmp_path / "r.json") == 0
    assert sides_changed(Read(target).pictures, Read(output).pictures) == ["L"] * 4 + [""] * 4 + ["R"] * 4
    (entry,) = json.loads((tmp_path / "r.json").read_text())["targets"]
    assert entry["swapped"] == 8
    assert any(line.startswith("reference 0 → source 0: frames 0-3, 8-11, distance 0.") for line in entry["report"])
    assert _swap(target, tmp_path / "b.mp4") == 0
    assert f"note: {target}: 3 scenes: numbers start over at frames 4 and 8\n" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["swap", "batch"])
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--source", "blank.png"], "no source face found: nothing can be swapped"),
        (["--source", WOMAN, "--source-faces-index", "5"], "source_faces_index 5: source 5 not found (1 source face)"),
        (["--source", WOMAN, "--reference", "blank.png"], "no reference face found: nobody can be recognised"),
        (["--source", WOMAN, "--reference", MAN, "--input-faces-index", "2"], "reference 2 not found (1 face)"),
    ],
)
def test_that_nobody_can_be_swapped_is_told_before_any_target_is_read(
    tmp_path, blank, monkeypatch, capsys, command, words, told
):
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "clip.mp4"
    target.write_bytes(b"never read")
    line = [command, *words, "--target", target, MAN, "--output", tmp_path / "out"]
    assert cli.main([str(word) for word in line]) == 2
    captured = capsys.readouterr()
    assert f"error: {told}" in captured.err and captured.err.count("error:") == 1 and not captured.out
    assert not (tmp_path / "out").exists()


def test_pictures_without_a_face_among_others_are_told_first(tmp_path, clip, blank, capsys):
    assert _swap(clip, tmp_path / "out.mp4", "--source", blank, "--reference", MAN, blank) == 0
    lines = capsys.readouterr().err.splitlines()
    told = [f"multifaceswap: note: {blank}: no {what} face found" for what in ("source", "reference")]
    assert lines[:2] == told


def test_an_output_that_is_no_clip_is_refused_before_work(tmp_path, clip, capsys):
    assert _swap(clip, tmp_path / "out.png") == 2
    assert "end a clip's name in .mp4" in capsys.readouterr().err


def test_a_damaged_clip_stops_nothing_else(tmp_path, clip, capsys):
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"no clip at all")
    assert _swap(bad, tmp_path / "out", "--target", clip) == 1
    assert "bad.mp4: can't be read as a clip" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["clip.mp4"]


def test_a_cancel_leaves_no_clip_and_says_what_it_keeps(tmp_path, clip, capsys, monkeypatch):
    def stopped(_session, _target, output, *_arguments, **_options):
        checkpoint_folder(output).mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(Session, "swap_clip", stopped)
    assert _swap(clip, tmp_path / "out.mp4") == 130
    assert ".out.mp4.parts keeps what is finished: the same command goes on from there" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["clip", "picture"])
def test_what_a_source_file_leaves_out_is_in_the_report_of_every_target(tmp_path, clip, target, capsys):
    """A source of several pictures gives its first one only."""
    several = EXAMPLES / "clip.webp"
    given, output = (clip, tmp_path / "out.mp4") if target == "clip" else (MAN, tmp_path / "out.png")
    words = ["swap", "--source", several, "--target", given, "--output", output, "--report", tmp_path / "r.json"]
    assert cli.main([str(word) for word in words]) == 0
    (entry,) = json.loads((tmp_path / "r.json").read_text())["targets"]
    line = f"{several}: 12 frames: only the first is used"
    assert line in entry["report"]
    assert capsys.readouterr().err.count(line) == 1


def test_settings_of_pictures_say_that_clips_have_no_use_for_them(tmp_path, clip, capsys):
    assert _swap(clip, tmp_path / "out.mp4", "--image-quality", "40") == 0
    assert f"note: {clip}: image_quality 40 has no effect on clips" in capsys.readouterr().err
    assert (
        cli.main(
            ["swap", "--source", str(WOMAN), "--target", str(MAN), "--output", str(tmp_path / "a.png"), "--bridge", "9"]
        )
        == 0
    )
    assert f"note: {MAN}: max_gap 9 has no effect on pictures" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["film.m3u8", "LIST.MPD", "a.ffconcat"])
@pytest.mark.parametrize("output", ["out.mp4", "out.png", "folder/"])
def test_a_playlist_is_called_one(tmp_path, capsys, name, output):
    (tmp_path / name).write_text("#EXTM3U\nhttp://host/x.ts\n")
    words = ["swap", "--source", WOMAN, "--target", tmp_path / name, "--output", f"{tmp_path}/{output}"]
    assert cli.main([str(word) for word in words]) == 2
    text = f"{tmp_path / name}: is a playlist, and what it leads to isn't read: give the picture or clip itself"
    assert capsys.readouterr().err == f"multifaceswap: error: {text}\n"


def finished(done, total=9, faces=1):
    picture = np.zeros((4, 4, 3), np.uint8)
    return FrameDone(done, total, faces, picture, lambda: picture)


def test_a_warning_has_a_line_of_its_own_beside_the_bar(capsys):
    handler = console.Warnings()
    with console.frames("clip.mp4", shown=True) as tell:
        tell(finished(1))
        handler.emit(logging.makeLogRecord({"msg": "this part is damaged"}))
        tell(finished(2))
    assert "this part is damaged" in capsys.readouterr().err.replace("\r", "\n").splitlines()
