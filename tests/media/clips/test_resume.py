"""A clip that was cut off and went on is reported like one that was made in one go."""

from __future__ import annotations

import numpy as np
import pytest
from clipmaking import write_clip
from clipmodels import Blank, engine, watcher
from multifaceswap.media.clips import Clip, checkpoint, swap_file, transcode
from multifaceswap.pipeline.clip.assignment import AssignmentRules
from multifaceswap.pipeline.clip.flow import ClipSettings
from multifaceswap.pipeline.errors import CancelledError

FRAMES, A_PART = 36, 10
CUT = 17
"""The frame that starts the second scene."""


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    """Two scenes that get brighter, frame by frame, without looking like a cut."""
    random = np.random.default_rng(1)
    scenes = random.integers(0, 120, (2, 64, 64, 3))
    frames = [(scenes[int(number >= CUT)] + 2 * (number % CUT)).astype(np.uint8) for number in range(FRAMES)]
    return write_clip(tmp_path_factory.mktemp("clip") / "in.mp4", frames, sound=True)


def notes_of(crop):
    return ("bright",) if crop.mean() > 0.29 else ("dark", "very dark")[: 1 + (crop.mean() < 0.25)]


def swap(target, folder, track=True, stop=None):
    def progress(done, _total):
        if done == stop:
            raise CancelledError("stopped")

    folder.mkdir(exist_ok=True)
    result = swap_file(
        Clip(target),
        folder / "out.mp4",
        watcher(track=track, rules=AssignmentRules("0,1", "0,0")),
        engine(Blank(notes=notes_of)),
        ClipSettings(track),
        hardware=False,
        progress=progress,
        frames_a_part=A_PART,
    )
    assert result.output == folder / "out.mp4"
    return result._replace(output=None)


@pytest.fixture(scope="module", params=[True, False], ids=["tracked", "untracked"])
def whole(request, target, tmp_path_factory):
    """Whether people are followed, and the result in one go."""
    return request.param, swap(target, tmp_path_factory.mktemp("whole"), request.param)


def test_what_the_whole_clip_is_reported_as(whole):
    track, result = whole
    assert (result.frames, result.swapped, result.encoder) == (36, 36, "libx264")
    if track:
        assert result.report == (
            f"2 scenes: numbers start over at frame {CUT}",
            "frames 0-35: target 1 not found (1 face)",
            "scene 0, person 0; scene 1, person 0: dark",
            "scene 0, person 0; scene 1, person 0: very dark",
            "scene 0, person 0; scene 1, person 0: bright",
        )
    else:
        assert result.report[0] == "numbers start over at every frame"
        lines = [line.rpartition(": ") for line in result.report[1:]]
        assert [text for _, _, text in lines] == ["target 1 not found (1 face)", "dark", "very dark", "bright"]
        assert all(where.startswith("frames ") and "scene" not in where for where, _, _ in lines)


@pytest.mark.parametrize("stops", [(1,), (10,), (11,), (20,), (25,), (31,), (36,), (5, 12, 23, 34)])
def test_cut_off_anywhere_it_is_reported_the_same(whole, target, tmp_path, stops):
    track, result = whole
    for stop in stops:
        with pytest.raises(CancelledError):
            swap(target, tmp_path, track, stop)
    assert swap(target, tmp_path, track) == result


def test_so_it_is_when_the_parts_could_not_be_joined(whole, target, tmp_path, monkeypatch):
    track, result = whole

    def full(*_):
        raise OSError("the disk is full")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="full"):
        patched.setattr(transcode, "mux_parts", full)
        swap(target, tmp_path, track)
    assert len(list((tmp_path / ".out.mp4.parts").glob("0*.mp4"))) == 4
    assert swap(target, tmp_path, track, stop=1) == result  # no frame is made again: progress isn't called


def test_so_it_is_when_a_part_was_finished_but_not_its_record(whole, target, tmp_path, monkeypatch):
    track, result = whole
    write = checkpoint.write_file

    def fails_at_the_third(path, data):
        if path.name == "000002.json":
            raise OSError("the machine is off")
        write(path, data)

    with monkeypatch.context() as patched, pytest.raises(OSError, match="off"):
        patched.setattr(checkpoint, "write_file", fails_at_the_third)
        swap(target, tmp_path, track)
    assert swap(target, tmp_path, track) == result


def test_of_all_parts_the_latest_state_is_kept(tmp_path):
    def finished(parts, number):
        parts.unfinished.write_bytes(b"part")
        parts.finish(
            {"first_pts": number, "frames": 10, "swapped": 3}, {"next": None, "notes": [], "report": [f"{number}"]}
        )

    first = checkpoint.Checkpoint(tmp_path / "out.mp4", "these settings")
    first.open()
    assert not first.is_complete
    for number in range(3):
        finished(first, number)
    second = checkpoint.Checkpoint(tmp_path / "out.mp4", "these settings")
    second.open()
    for parts in (first, second):
        assert parts.finished == [{"first_pts": number, "frames": 10, "swapped": 3} for number in range(3)]
        assert parts.run == {"next": None, "notes": [], "report": ["2"]} and parts.is_complete
    other = checkpoint.Checkpoint(tmp_path / "out.mp4", "other settings")
    other.open()
    assert other.finished == [] and not other.is_complete
