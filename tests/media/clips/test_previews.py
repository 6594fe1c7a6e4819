"""Frames for whoever watches: when they come, what they show, and that they never keep the work from going on."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from clipcounting import number_of, write_counting
from multifaceswap.media.clips import FrameDone, Paced, PreviewFile, previews
from multifaceswap.media.clips.previews import beside, fitted
from PIL import Image


def frame(done=1, before=None, after=None):
    before = np.full((48, 64, 3), 40, np.uint8) if before is None else before
    return FrameDone(done, 9, 2, np.full((48, 64, 3), 200, np.uint8) if after is None else after, lambda: before)


def test_the_first_frame_is_shown_and_then_one_a_second():
    now, seen = [0.0], []
    paced = Paced(lambda one: seen.append(one.done), 1.0, lambda: now[0])
    for number in range(1, 13):
        paced(frame(number))
        now[0] += 0.25
    assert seen == [1, 5, 9]


def test_the_pause_counts_from_the_end_of_the_showing():
    now, seen = [0.0], []

    def slow(one):
        seen.append(one.done)
        now[0] += 3

    paced = Paced(slow, 1.0, lambda: now[0])
    for number in range(1, 13):
        paced(frame(number))
        now[0] += 0.25
    assert seen == [1, 5, 9]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((48, 64), (48, 128)), ((720, 1280), (720, 2560)), ((1440, 2560), (720, 2560)), ((1920, 1080), (720, 810))],
)
def test_before_and_after_are_side_by_side_at_most_720_pixels_high(shape, expected):
    before, after = (np.full((*shape, 3), grey, np.uint8) for grey in (40, 200))
    made = beside(before, after)
    assert made.shape == (*expected, 3) and made.dtype == np.uint8
    left, right = np.split(made, 2, axis=1)
    assert (left == 40).all() and (right == 200).all()


@pytest.mark.parametrize(
    ("shape", "expected"), [((48, 64), (48, 64)), ((1080, 1920), (288, 512)), ((3, 2000), (1, 512))]
)
def test_a_frame_fits_within_a_size(shape, expected):
    assert fitted(np.zeros((*shape, 3), np.uint8), 512).shape == (*expected, 3)


def test_sixteen_bits_become_eight():
    picture = np.full((8, 8, 3), 65535, np.uint16)
    assert (beside(picture // 2, picture)[0, [0, -1]] == [[127] * 3, [255] * 3]).all()


@pytest.mark.parametrize(("name", "kind"), [("now.jpg", "JPEG"), ("NOW.JPEG", "JPEG"), ("now.png", "PNG")])
def test_the_name_says_the_format(tmp_path, name, kind):
    said = []
    PreviewFile(tmp_path / name, said.append)(frame())
    with Image.open(tmp_path / name) as made:
        assert (made.format, made.size) == (kind, (128, 48))
    assert [path.name for path in tmp_path.iterdir()] == [name] and said == []


def test_a_reader_always_finds_a_whole_picture(tmp_path, monkeypatch):
    """At every moment of the writing the file is the last picture or the new one."""
    path, real = tmp_path / "now.png", previews.write_atomic
    show = PreviewFile(path, pytest.fail)
    show(frame(after=np.full((48, 64, 3), 100, np.uint8)))
    first = path.read_bytes()

    def watched(where, data):
        Image.open(BytesIO(data)).load()
        assert path.read_bytes() == first
        real(where, data)
        assert path.read_bytes() == data

    monkeypatch.setattr(previews, "write_atomic", watched)
    show(frame())
    assert path.read_bytes() != first


def test_what_keeps_it_from_being_written_is_said_once_and_it_goes_on(tmp_path):
    said = []
    (tmp_path / "now.jpg").mkdir()
    show = PreviewFile(tmp_path / "now.jpg", said.append)
    show(frame())
    show(frame())
    assert len(said) == 1 and said[0].startswith(f"{tmp_path / 'now.jpg'}: the preview can't be written: ")
    (tmp_path / "now.jpg").rmdir()
    show(frame())
    assert (tmp_path / "now.jpg").is_file() and len(said) == 1


def test_every_frame_is_told_with_what_it_was_and_is(swap_blank, tmp_path):
    target, seen = write_counting(tmp_path / "in.mp4", 30), []

    def look(one):
        before, after = one.before, one.after
        white = np.abs(after.astype(int) - before).max(2) > 40
        seen.append((one.done, one.total, one.faces, number_of(before), bool(white[12:48, 12:48].all())))

    swap_blank(target, on_frame=look)
    assert seen == [(number + 1, 30, 1, number, True) for number in range(30)]


def test_of_a_part_its_own_frames_are_counted(swap_blank, tmp_path):
    target, seen = write_counting(tmp_path / "in.mp4", 60), []
    swap_blank(target, start=1.0, duration=0.4, on_frame=lambda one: seen.append((one.done, one.total)))
    assert seen == [(number, 10) for number in range(1, 11)]
