"""A part of a clip, a look at it while it is swapped, and how far it is, on the command line."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from clipcounting import heard, shown, write_counting
from clipmaking import EXAMPLES, Read, moving, write_clip
from multifaceswap import Session, cli
from multifaceswap.app import jobs
from multifaceswap.app.functions import swap_clip
from multifaceswap.commands import console
from multifaceswap.media.clips import FrameDone
from multifaceswap.media.pictures import read_picture
from multifaceswap.pipeline.errors import SettingsError
from PIL import Image

WOMAN, MAN = EXAMPLES / "astronaut.png", EXAMPLES / "grace_hopper.jpg"


def swap(*words, command="swap"):
    return cli.main([command, "--source", str(WOMAN), "--no-hardware", *(str(word) for word in words)])


@pytest.fixture
def clip(tmp_path):
    return write_clip(tmp_path / "clip.mp4", moving("grace_hopper.jpg", 12), sound=True)


@pytest.fixture
def counting(tmp_path):
    return write_counting(tmp_path / "in.mp4", 60, click=30)


def test_only_the_part_is_swapped_and_written(tmp_path, counting, capsys):
    output = tmp_path / "out.mp4"
    assert swap("--target", counting, "--output", output, "--start", "0:01", "--end", "35f") == 0
    made = shown(output)
    assert [number for _, number in made] == list(range(25, 35)) and made[0][0] == 0
    assert heard(output) == pytest.approx(5 * 0.04, abs=0.04)
    assert "in 10 frames" in capsys.readouterr().out


def test_a_part_s_faces_are_swapped(tmp_path, clip):
    output = tmp_path / "out.mp4"
    assert swap("--target", clip, "--output", output, "--start", "4f", "--end", "0.28") == 0
    given, made = Read(clip), Read(output)
    assert len(made.luma) == 3
    assert min(np.abs(a - b).max() for a, b in zip(given.luma[4:7], made.luma, strict=True)) > 60


@pytest.mark.parametrize("command", ["swap", "batch"])
def test_every_clip_of_a_folder_is_cut(tmp_path, command, capsys):
    folder = tmp_path / "clips"
    folder.mkdir()
    for name in ("a.mp4", "b.mp4"):
        write_counting(folder / name, 30)
    # A folder gives `swap` its pictures alone.
    targets = [folder] if command == "batch" else list(folder.iterdir())
    words = ("--target", *targets, "--output", tmp_path / "out", "--start", "3f", "--end", "8f")
    assert swap(*words, command=command) == 0
    for name in ("a.mp4", "b.mp4"):
        assert [number for _, number in shown(tmp_path / "out" / name)] == [3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--start", "9"], "error: start 9: {} has no frame from there on, the last one is at 2.36 s"),
        (["--start", "60f"], "error: start 60f: {} has 60 frames"),
        (["--start", "1", "--end", "25f"], "error: start 1, end 25f: no frame of {} is from the one to the other"),
        (["--start", "2", "--end", "1:00", "--duration", "3"], "error: end, duration: both say where the part ends"),
        (["--start", "2", "--end", "2"], "error: end 2: expected a place behind the start, 2"),
        (["--end", "0"], "error: end 0: expected a place behind the start, 0"),
        (["--start", "1;2"], "error: argument --start: expected a time such as 12.5, 1:02.5 or 0:01:02, or a frame"),
        (["--end", "1:75"], "error: argument --end: expected a time such as 12.5, 1:02.5 or 0:01:02, or a frame"),
    ],
)
def test_a_part_that_cannot_be_is_refused_in_a_line_before_the_work(
    tmp_path, counting, capsys, monkeypatch, words, told
):
    for name in ("donors", "swap_clip"):
        monkeypatch.setattr(Session, name, lambda *_a, **_k: pytest.fail("worked"))
    assert _code(lambda: swap("--target", counting, "--output", tmp_path / "out.mp4", *words)) == 2
    said = capsys.readouterr()
    errors = [line for line in said.err.splitlines() if "error:" in line]
    assert len(errors) == 1 and told.format(counting) in errors[0] and not said.out
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def _code(work):
    try:
        return work()
    except SystemExit as stop:  # argparse
        return stop.code


def test_a_clip_that_is_too_short_stops_no_other(tmp_path, counting, capsys):
    short = write_counting(tmp_path / "short.mp4", 5)
    words = ("--target", short, "--target", counting, "--output", tmp_path / "out", "--start", "50f")
    assert swap(*words) == 1
    assert capsys.readouterr().err.count(f"error: start 50f: {short} has 5 frames") == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["in.mp4"]


@pytest.mark.parametrize("command", ["swap", "batch"])
def test_pictures_say_that_they_have_no_part(tmp_path, command, capsys):
    words = ("--target", MAN, "--output", tmp_path / "out", "--start", "2", "--end", "1:00")
    words += ("--report", tmp_path / "r.json")
    (tmp_path / "out").mkdir()
    assert swap(*words, command=command) == 0
    (entry,) = json.loads((tmp_path / "r.json").read_text())["targets"]
    told = [line for line in entry["report"] if "no effect" in line and "hardware" not in line]
    assert told == ["start 2 has no effect on pictures", "end 1:00 has no effect on pictures"]


def test_the_frame_it_is_at_is_shown_before_and_after(tmp_path, clip, monkeypatch, capsys):
    """At a pace of nothing every frame is written: the last one stays."""
    monkeypatch.setattr(jobs, "_PACE", 0.0)
    now = tmp_path / "now.png"
    assert swap("--target", clip, "--output", tmp_path / "out.mp4", "--watch", now) == 0
    left, right = np.split(np.asarray(Image.open(now)).astype(int), 2, axis=1)
    given, made = Read(clip).pictures[-1], Read(tmp_path / "out.mp4").pictures[-1]
    assert np.abs(left - given).max() <= 3
    assert np.abs(right - made).mean() < 4 and np.abs(right - left).max() > 60


def test_a_second_is_between_two_pictures(tmp_path, clip, monkeypatch):
    shows, real = [], jobs.PreviewFile.__call__
    monkeypatch.setattr(jobs.PreviewFile, "__call__", lambda self, one: shows.append(one.done) or real(self, one))
    monkeypatch.setattr(jobs, "_PACE", 3600.0)
    assert swap("--target", clip, "--output", tmp_path / "out.mp4", "--watch", tmp_path / "now.jpg") == 0
    assert shows == [1]


def test_a_picture_that_cannot_be_written_is_said_once_and_stops_nothing(tmp_path, clip, monkeypatch, capsys):
    monkeypatch.setattr(jobs, "_PACE", 0.0)
    now = tmp_path / "now.jpg"
    real = jobs.swap_job

    def spoilt(*arguments, **options):
        now.mkdir()
        return real(*arguments, **options)

    monkeypatch.setattr("multifaceswap.commands.swap.swap_job", spoilt)
    words = ("--target", clip, "--output", tmp_path / "out.mp4", "--watch", now, "--report", tmp_path / "r.json")
    assert swap(*words) == 0
    line = f"{now}: the preview can't be written: "
    assert capsys.readouterr().err.count(line) == 1
    (entry,) = json.loads((tmp_path / "r.json").read_text())["targets"]
    assert sum(line in one for one in entry["report"]) == 1 and entry["frames"] == 12


@pytest.mark.parametrize(
    ("watch", "told"),
    [
        ("out.png/now.jpg", ""),
        ("clip.jpg", ""),
        ("now.gif", "--watch {}: expected one of .jpg, .jpeg, .png"),
        ("now", "--watch {}: expected one of .jpg, .jpeg, .png"),
        ("out.mp4", "--watch {}: expected one of .jpg, .jpeg, .png"),
        ("donor.png", "{} is an input and would be overwritten"),
        ("r.jpg", "{} would be written twice"),
        ("folder.jpg", "{}: can't be written: "),
    ],
)
def test_where_it_may_not_be_is_refused_before_the_work(tmp_path, clip, monkeypatch, capsys, watch, told):
    (tmp_path / "donor.png").write_bytes(WOMAN.read_bytes())
    (tmp_path / "folder.jpg").mkdir()
    monkeypatch.chdir(tmp_path)
    if told:
        monkeypatch.setattr(Session, "donors", lambda *_a, **_k: pytest.fail("worked"))
    words = ["--source", "donor.png", "--target", clip, "--output", tmp_path / "out.mp4", "--watch", tmp_path / watch]
    words += ["--report", tmp_path / "r.jpg"]
    code = cli.main(["swap", "--no-hardware", *map(str, words)])
    said = capsys.readouterr().err
    assert (code, told.format(tmp_path / watch) in said) == (2 if told else 0, True)
    assert (tmp_path / watch).is_file() != bool(told) or watch == "donor.png"


def test_it_shows_clips_alone(tmp_path, capsys):
    assert swap("--target", MAN, "--output", tmp_path / "out.png", "--watch", tmp_path / "now.jpg") == 2
    assert "error: --watch shows clips while they are swapped; no target is a clip" in capsys.readouterr().err


def finished(done, total=40, faces=2):
    picture = np.zeros((4, 4, 3), np.uint8)
    return FrameDone(done, total, faces, picture, lambda: picture)


def test_the_bar_tells_faces_and_the_speed_of_what_is_done_now(capsys, monkeypatch):
    bars, real = [], console.tqdm

    class Bar(real):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, mininterval=0, **options)
            bars.append(self)

    monkeypatch.setattr(console, "tqdm", Bar)
    with console.frames("clip.mp4", shown=True) as tell:
        # Work that goes on: thirty frames were done before.
        tell(finished(31, faces=1))
        tell(finished(32, faces=5))
        (bar,) = bars
        known = bar.format_dict
    assert (known["n"], known["initial"], known["total"], known["unit"]) == (32, 31, 40, " frames")
    lines = capsys.readouterr().err.split("\r")
    done = next(line for line in lines if "32/40" in line)
    assert re.search(r"^clip\.mp4: +80%\|.*\| 32/40 \[\d\d:\d\d<\d\d:\d\d, [ \d.]+ frames/s, 5 faces\]$", done)


def test_of_a_clip_that_does_not_say_how_long_it_is_no_time_is_left(capsys, monkeypatch):
    bars, real = [], console.tqdm
    monkeypatch.setattr(console, "tqdm", lambda **options: bars.append(real(mininterval=0, **options)) or bars[0])
    with console.frames("clip.webm", shown=True) as tell:
        tell(finished(1, total=1))
        tell(finished(2, total=2))
        assert bars[0].total is None
    assert re.search(r"clip\.webm: 2 frames \[00:00, [\d.]+ frames/s, 2 faces\]", capsys.readouterr().err)


def test_in_python_a_part_is_kept_and_every_frame_told(tmp_path, counting):
    given = {"start": 1.0, "end": "30f", "hardware": False, "detection_face_order": "left-right"}
    picture, told = read_picture(WOMAN), []
    with Session(device="cpu") as session:
        for swap_it in (session.swap_clip, lambda *a, **k: swap_clip(*a, session=session, **k)):
            told.clear()
            made = swap_it(counting, tmp_path / "a.mp4", [picture], on_frame=lambda one: told.append(one.done), **given)
            assert [number for _, number in shown(made.output)] == list(range(25, 30)) and made.frames == 5
            assert told == [1, 2, 3, 4, 5]
        for bad in (
            {"start": True},
            {"start": [1]},
            {"start": -1.0},
            {"start": 2, "end": 1.5},
            {"start": 2.4},
            {"end": 0},
        ):
            with pytest.raises(SettingsError, match=r"^(start|end)"):
                session.swap_clip(counting, tmp_path / "b.mp4", [picture], **bad)
    assert not (tmp_path / "b.mp4").exists()
