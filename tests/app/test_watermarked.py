"""The setting `watermark`, from file to file: what was swapped carries the mark, and what was not doesn't."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from multifaceswap import cli
from multifaceswap.app.plan import Plan
from multifaceswap.app.watermarked import FoundWatermark, look_for_watermark, with_watermark
from multifaceswap.media.pictures import write_picture
from multifaceswap.pipeline.compose.crops import SwapSettings

LINE = "watermark: swapped faces carry it"


@pytest.fixture(scope="module")
def files(tmp_path_factory, astronaut, hopper):
    """Donor and target; the target's face is 280 pixels high."""
    folder = tmp_path_factory.mktemp("files")
    write_picture(folder / "donor.png", astronaut)
    write_picture(folder / "target.png", cv2.resize(hopper, None, fx=1.4, fy=1.4, interpolation=cv2.INTER_CUBIC))
    return folder


def swap(files, output, *options):
    arguments = ["swap", "--source", str(files / "donor.png"), "--target", str(files / "target.png")]
    assert cli.main([*arguments, "--output", str(output), *options]) == 0


def test_a_picture_from_the_command_line(session, files, tmp_path, capsys):
    marked, plain = tmp_path / "marked.jpg", tmp_path / "plain.jpg"
    swap(files, marked, "--watermark", "--image-quality", "75")
    assert LINE in "".join(capsys.readouterr())
    swap(files, plain)
    assert "watermark" not in "".join(capsys.readouterr())
    found = look_for_watermark(session, marked)
    assert (found.faces, found.marked) == (1, 1) and found.score > 9 and str(found) == "in 1 of 1 face"
    none = look_for_watermark(session, plain)
    assert (none.faces, none.marked) == (1, 0) and none.score < 6.8 and str(none) == "none"


def test_a_swap_differs_within_its_mask_alone(session, files, astronaut, hopper):
    faces, donor = session.order(session.detect([hopper])), session.order(session.detect([astronaut]))
    work = ([hopper], [astronaut], session.map(faces, donor))
    marked, plain = session.swap(*work, watermark=True), session.swap(*work)
    assert np.array_equal(marked.masks[0], plain.masks[0])
    changed = (marked.images[0] != plain.images[0]).any(2)
    assert changed.mean() > 0.02 and not changed[plain.masks[0] == 0].any()
    assert LINE in marked.report and not any("watermark" in line for line in plain.report)


def test_small_faces_are_told(session, astronaut, hopper):
    donor, small = session.order(session.detect([hopper])), session.order(session.detect([astronaut]))
    result = session.swap([astronaut], [hopper], session.map(small, donor), watermark=True)
    assert "frame 0, face 0: smaller than 128 pixels: copies may lose its watermark" in result.report


@pytest.mark.slow
def test_a_clip(session, files, tmp_path):
    pytest.importorskip("av")
    from clipmaking import write_clip

    target = cv2.imread(str(files / "target.png"))[..., ::-1]
    frames = [np.ascontiguousarray(np.roll(target, 2 * step, axis=1)[:840, :716]) for step in range(4)]
    write_clip(tmp_path / "target.mp4", frames)
    donor = cv2.imread(str(files / "donor.png"))[..., ::-1]
    done = session.swap_clip(tmp_path / "target.mp4", tmp_path / "marked.mp4", [donor], watermark=True)
    assert LINE in done.report
    session.swap_clip(tmp_path / "target.mp4", tmp_path / "plain.mp4", [donor])
    found = look_for_watermark(session, tmp_path / "marked.mp4")
    assert found.faces >= 3 and found.marked == found.faces
    assert look_for_watermark(session, tmp_path / "plain.mp4").marked == 0


def test_nothing_is_found_where_there_is_no_face(session, tmp_path):
    write_picture(tmp_path / "sky.png", np.full((90, 120, 3), 128, np.uint8))
    found = look_for_watermark(session, tmp_path / "sky.png")
    assert found == FoundWatermark(0, 0, 0.0) and str(found) == "no face to look at"


def test_it_is_off_unless_asked_for():
    assert Plan.of("swap", {}).swap == SwapSettings()
    marker = Plan.of("clip", {"watermark": True}).swap.marker
    assert marker is not None and replace(Plan.of("clip", {"watermark": True}).swap, marker=None) == SwapSettings()


def test_no_watermark_is_told_where_nobody_was_swapped(session, files, tmp_path, capsys):
    swap(files, tmp_path / "a.png", "--watermark", "--input-faces-index", "7")
    assert LINE not in "".join(capsys.readouterr())


@pytest.mark.parametrize(("share", "told"), [(0, "0 faces"), (0.5, "1 face"), (1, "1 face")])
def test_faces_are_counted_that_got_it(session, astronaut, share, told):
    """By a mask that leaves out all that a face has, half of it, or nothing."""
    picture = astronaut[:300].astype(np.float32) / 255
    left, right = session.detect([picture]).flat()[0].box[[0, 2]]
    mask = np.zeros(picture.shape[:2], np.float32)
    mask[:, : round(left + share * (right - left))] = share > 0
    if not share:
        mask[:, : round(left) - 150] = 1
    marked, (line, *_) = with_watermark(session, picture, mask)
    assert line == f"watermark in {told}" and np.array_equal(marked[mask == 0], picture[mask == 0])
    assert (marked != picture).any() == (share > 0)


def test_faces_that_have_it_already_count_and_stay(session, astronaut):
    picture = astronaut[:300].astype(np.float32) / 255
    once, _ = with_watermark(session, picture, None)
    again, lines = with_watermark(session, once, None)
    assert lines == ("watermark in 1 face",) and np.array_equal(again, once)
