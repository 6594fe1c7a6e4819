"""Whatever ends a clip's work, its files are closed and its threads have ended, even while the error is kept."""

from __future__ import annotations

import numpy as np
import pytest
from clipmaking import write_clip
from clipmodels import Blank, BrokenError, FailsLater, Finder, engine, watcher, workers
from multifaceswap.media.clips import Clip, encoding, mux, reading, swap_file
from multifaceswap.pipeline.clip.flow import ClipSettings
from multifaceswap.pipeline.errors import ImageError

av = pytest.importorskip("av")

FRAMES, AT = 24, 13


class Recorded:
    """A container of PyAV's that keeps account of whether it is open."""

    def __init__(self, container, still_open):
        self._container, self._still_open = container, still_open
        still_open.append(self)

    def __getattr__(self, name):
        return getattr(self._container, name)

    def close(self):
        if self in self._still_open:
            self._still_open.remove(self)
        self._container.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@pytest.fixture
def still_open(monkeypatch):
    """The containers that were opened and not closed."""
    found, opened = [], av.open
    monkeypatch.setattr(av, "open", lambda *args, **options: Recorded(opened(*args, **options), found))
    return found


@pytest.fixture
def target(tmp_path):
    frames = [np.full((64, 64, 3), 90 + number, np.uint8) for number in range(FRAMES)]
    return write_clip(tmp_path / "in.mp4", frames, sound=True)


def failing(monkeypatch, owner, name):
    """`owner.name` fails at its AT-th call."""
    work, fails = getattr(owner, name), FailsLater(AT)
    monkeypatch.setattr(owner, name, lambda *args: (fails(), work(*args))[1])


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("step", ["reader", "detector", "swap", "writer", "progress", "mux"])
def test_an_error_in_any_step_leaves_nothing_open(step, resume, target, still_open, tmp_path, monkeypatch):
    if step in ("reader", "writer", "mux"):
        owner, name = {
            "reader": (reading, "picture_of"),
            "writer": (encoding, "frame_of"),
            "mux": (mux, "_time"),
        }[step]
        failing(monkeypatch, owner, name)
    finder = Finder(FailsLater(AT)) if step == "detector" else None
    swapper = Blank(on_swap=FailsLater(3)) if step == "swap" else None
    with pytest.raises(BrokenError) as kept:
        swap_file(
            Clip(target),
            tmp_path / "out.mp4",
            watcher(finder),
            engine(swapper),
            ClipSettings(),
            hardware=False,
            resume=resume,
            progress=FailsLater(AT) if step == "progress" else None,
            frames_a_part=10,
        )
    assert (workers(), still_open) == ([], [])
    assert kept.value.__traceback__ is not None and not (tmp_path / "out.mp4").exists()
    left = {path.name for path in tmp_path.iterdir()}
    assert left - {".out.mp4.parts"} == {"in.mp4"} and (resume or len(left) == 1)


def test_frames_that_are_no_longer_wanted_close_the_file(target, still_open):
    clip = Clip(target)
    frames = clip.frames(clip.info())
    next(frames)
    assert len(still_open) == 1
    frames.close()
    assert still_open == []


def test_a_frame_that_cannot_be_turned_to_rgb_closes_the_file(target, still_open, monkeypatch):
    clip = Clip(target)
    info = clip.info()
    failing(monkeypatch, reading, "picture_of")
    with pytest.raises(BrokenError) as kept:
        list(clip.frames(info))
    assert still_open == [] and kept.value.__traceback__ is not None


def test_a_damaged_file_is_closed(target, still_open, tmp_path):
    (tmp_path / "cut.mp4").write_bytes(target.read_bytes()[:600])
    with pytest.raises(ImageError, match="can't be read as a clip"):
        Clip(tmp_path / "cut.mp4").info()
    assert still_open == []
