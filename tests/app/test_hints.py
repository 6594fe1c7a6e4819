"""Faces that nothing but a turn of the picture would show: found with `turns`, hinted at without."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from multifaceswap.app.hints import SEEN_TURNED, TURNS
from multifaceswap.models.detectors.builtin import BuiltinDetector
from multifaceswap.pipeline.errors import FaceNotFoundError

NOISE = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)


@pytest.fixture(scope="module")
def upside_down(astronaut):
    return np.ascontiguousarray(np.rot90(astronaut, 2))


def test_a_target_upside_down(session, upside_down, hopper):
    donors = session.donors([hopper])
    done = session.swap_picture(upside_down, donors)
    assert donors.notes == () and done.notes == (SEEN_TURNED, "target 0 not found (no faces)")
    np.testing.assert_array_equal(done.result.images[0], upside_down)
    assert session.swap_picture(upside_down, donors, turns=True).notes == ()


def test_a_donor_upside_down(session, upside_down, hopper):
    told = f"no source face found: nothing can be swapped; sources: {SEEN_TURNED}"
    for work in (
        lambda: session.donors([upside_down]),
        lambda: session.swap_clip("unread.mp4", "out.mp4", [upside_down]),
        lambda: session.swap_clip("unread.mp4", "out.mp4", [upside_down], session.detect([upside_down])),
    ):
        with pytest.raises(FaceNotFoundError) as raised:
            work()
        assert str(raised.value) == told
    assert session.donors([upside_down], turns=True).notes == ()
    assert session.donors([hopper, upside_down]).notes == (f"sources: picture 1: {SEEN_TURNED}",)


def test_somebody_to_recognise_upside_down(session, upside_down, hopper, astronaut):
    told = f"no reference face found: nobody can be recognised; references: {SEEN_TURNED}"
    for work in (
        lambda: session.donors([hopper], [upside_down]),
        lambda: session.swap_clip("unread.mp4", "out.mp4", [hopper], references=[upside_down]),
    ):
        with pytest.raises(FaceNotFoundError) as raised:
            work()
        assert str(raised.value) == told
    donors = session.donors([hopper], [astronaut, upside_down])
    assert donors.notes == (f"references: picture 1: {SEEN_TURNED}",)
    assert donors.notes[0] in session.swap_picture(hopper, donors).notes


def test_step_by_step_in_order_and_in_the_map(session, upside_down, hopper):
    turned, upright = (session.order(session.detect([picture])) for picture in (upside_down, hopper))
    as_source = session.map(upright, turned)
    assert as_source.report == ("no source face found: nothing is swapped", f"sources: {SEEN_TURNED}")
    assert session.map(turned, upright).report == ("frame 0: target 0 not found (no faces)", SEEN_TURNED)
    assert session.map(upright, upright).report == ()


def test_without_a_face_nothing_is_promised(session, hopper):
    assert session.detect([NOISE]).notes == (TURNS,)
    assert session.detect([NOISE], turns=True).notes == ()
    assert session.detect([NOISE, hopper]).notes == ()


def test_a_batch_names_the_pictures_and_looks_at_few_again(session, upside_down, hopper, monkeypatch):
    assert session.detect([hopper, upside_down]).notes == (f"picture 1: {SEEN_TURNED}",)
    looks = []
    detect = BuiltinDetector.detect
    monkeypatch.setattr(BuiltinDetector, "detect", lambda self, frame: looks.append(frame) or detect(self, frame))
    assert session.detect([NOISE[:100, :100]] * 20).notes == (TURNS,)
    assert len(looks) == 20 + 8


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_turned_on_a_turned_picture_the_swap_is_the_upright_one(session, astronaut, hopper, quarter):
    upright = session.swap_picture(hopper, session.donors([astronaut])).result
    target, source = (np.ascontiguousarray(np.rot90(picture, quarter)) for picture in (hopper, astronaut))
    done = session.swap_picture(target, session.donors([source], turns=True), turns=True).result
    back, mask = np.rot90(done.images[0], -quarter), np.rot90(done.masks[0], -quarter)
    changed = upright.masks[0] > 0.5
    assert np.abs(mask - upright.masks[0]).mean() < 0.005
    # Without their noise, which is another in another picture.
    smooth = [cv2.GaussianBlur(one.astype(np.float32), (0, 0), 3) for one in (back, upright.images[0])]
    assert np.abs(smooth[0] - smooth[1])[changed].mean() < 2
    assert np.abs(back.astype(float) - hopper)[changed].mean() > 10


def test_a_box_outside_of_its_picture_is_noted(session, hopper):
    height, width = hopper.shape[:2]
    beyond, across = np.array([width, 0, width + 50, 50.0]), np.array([-50, -50, 1.0, 1.0])
    found = session.locate([hopper], [[beyond, across]])
    assert found.count == 0 and found.notes == (f"box 0 lies outside of the picture ({width}×{height})",)
    both = session.locate([hopper, NOISE], [[], [np.array([0, -9, 400, 0.0])]])
    assert both.notes == ("picture 1: box 0 lies outside of the picture (400×300)",)
