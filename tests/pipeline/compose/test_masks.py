from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.pipeline.compose.masks import (
    combined,
    fading,
    feathered,
    has_holes,
    outline_mask,
    oval_mask,
    rim_mask,
)
from multifaceswap.pipeline.templates import ARCFACE_128, TEMPLATES


def oval(side):
    return oval_mask(ARCFACE_128, side)


def _border(mask):
    return max(mask[0].max(), mask[-1].max(), mask[:, 0].max(), mask[:, -1].max())


@pytest.mark.parametrize("mask", [rim_mask, oval])
@pytest.mark.parametrize("side", [64, 128, 256, 1024])
def test_soft_masks_end_before_the_crop_does_and_have_no_corners_or_steps(mask, side):
    made = mask(side)
    assert made.shape == (side, side) and made.dtype == np.float32
    assert _border(made) == 0 and made[side // 2, side // 2] == 1
    corner = round(side * 0.06)
    assert made[corner, corner] < 0.05
    steps = max(np.abs(np.diff(made, axis=axis)).max() for axis in (0, 1))
    assert steps < 25 / side


def test_shared_masks_cannot_be_written_to():
    assert rim_mask(128) is rim_mask(128)
    with pytest.raises(ValueError, match="read-only"):
        rim_mask(128)[0, 0] = 1


@pytest.mark.parametrize("name", TEMPLATES)
@pytest.mark.parametrize("side", [128, 256, 512])
def test_the_oval_lies_on_the_face_in_every_alignment(name, side):
    template = TEMPLATES[name]
    mask = oval_mask(template, side)
    assert _border(mask) == 0
    for x, y in template:
        assert mask[round(y * side), round(x * side)] > 0.95

    # As wide as in ArcFace's alignment, in distances between the eyes.
    def width(mask, template):
        return (mask > 0.5).any(0).mean() / (template[1] - template[0])[0]

    assert width(mask, template) == pytest.approx(width(oval(side), ARCFACE_128), rel=0.2)


@pytest.mark.parametrize(
    ("change", "holes"),
    [
        (lambda mask: mask, False),
        (lambda mask: mask.fill(0), False),
        (lambda mask: mask[60:80, 60:80].fill(0), True),
        (lambda mask: mask[::2, ::2].fill(0), True),
        (lambda mask: mask[60:63, 60:63].fill(0), False),
        (lambda mask: mask[60:80, 60:80].fill(0.4), False),
        (lambda mask: mask[60:80, 60:].fill(0), False),
    ],
    ids=["whole", "empty", "a hole", "a grid", "a speck", "softer", "from beside the face"],
)
def test_holes_are_told_from_what_reaches_in_from_outside(change, holes):
    mask = oval(128).copy()
    change(mask)
    assert has_holes(mask) is holes


def test_an_outline_holds_its_points_softly_and_nothing_far_from_them():
    turn = np.linspace(0, 2 * np.pi, 100)
    points = 128 + 60 * np.stack([np.cos(turn), np.sin(turn)], 1)
    mask = outline_mask(points, 256)
    y, x = np.mgrid[:256, :256] + 0.5
    away = np.hypot(x - 128, y - 128)
    assert mask[away < 45].min() > 0.97
    assert mask[np.abs(away - 60) < 1].min() > 0.5 and mask[np.abs(away - 60) < 1].max() < 1
    assert mask[away > 90].max() == 0
    assert (
        abs(float((mask * x).sum() / mask.sum()) - 128) < 0.06
        and abs(float((mask * y).sum() / mask.sum()) - 128) < 0.06
    )


def test_an_outline_beyond_the_crop_fades_within_it():
    mask = outline_mask(np.array([(-50.0, -50.0), (200, -50), (200, 200), (-50, 200)]), 128)
    assert np.array_equal(mask, rim_mask(128)) and _border(mask) == 0


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_no_feather_takes_the_middle_away(share):
    mask = np.zeros((100, 80), np.float32)
    mask[20:80, 20:60] = 1
    assert feathered(mask, share).max() > 0.9


def test_a_mask_that_lets_little_through_is_feathered_and_not_lost():
    mask = np.zeros((100, 80), np.float32)
    mask[20:80, 20:60] = 0.3
    soft = feathered(mask, 0.2)
    assert soft.max() == np.float32(0.3) and (soft == feathered(mask / np.float32(0.3), 0.2).clip(0, 0.3)).all()


def half(side=128, edge=64):
    mask = np.zeros((side, side), np.float32)
    mask[:, edge:] = 1
    return mask


def test_one_soft_mask_stays_as_it_is():
    np.testing.assert_array_equal(combined([oval(128)]), oval(128))


def test_soft_masks_are_combined_by_minimum():
    left, right = np.linspace(0, 1, 64, dtype=np.float32)[None].repeat(64, 0), np.full((64, 64), 0.5, np.float32)
    np.testing.assert_array_equal(combined([left, right]), np.minimum(left, 0.5))


def test_hard_masks_get_a_soft_rim_inwards_and_soft_ones_keep_theirs():
    mask = combined([oval(128)], [half()])
    assert mask[:, :64].max() == 0 and (mask <= oval(128)).all()
    assert 0 < mask[64, 65] < mask[64, 67] < 1
    np.testing.assert_array_equal(mask[20:108, 80:110], oval(128)[20:108, 80:110])


def test_of_several_hard_masks_the_rim_is_softened_once():
    """The same mask twice is as soft as once, and two that meet are as soft as their overlap."""
    once = combined([rim_mask(128)], [half()])
    np.testing.assert_array_equal(combined([rim_mask(128)], [half(), half()]), once)
    both = half() * half().T
    np.testing.assert_array_equal(combined([rim_mask(128)], [half(), half().T]), combined([rim_mask(128)], [both]))


@pytest.mark.parametrize("hard", [[], [half()]])
def test_a_feather_softens_all_rims_once(hard):
    least = np.minimum.reduce([rim_mask(128), *hard])
    np.testing.assert_array_equal(combined([rim_mask(128)], hard, 0.3), feathered(least, 0.3))


def test_masks_never_leave_their_range():
    mask = combined([np.float32([[-0.5, 0.5, 1.5, np.nan, np.inf]])])
    assert mask.tolist() == [[0, 0.5, 1, 0, 1]]


@pytest.mark.parametrize("side", [1, 2, 4, 200])
def test_a_hard_mask_that_hides_nothing_has_no_rim(side):
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(combined([], [np.ones((side, side), np.float32)]), np.ones((side, side)))


def test_around_a_hard_mask_the_weight_fades_and_small_gaps_are_closed():
    hard = np.zeros((100, 100), np.float32)
    hard[40:60, 40:60] = 1
    hard[50, 50:52] = 0
    soft = fading(hard, 0.1)
    assert soft[40:60, 40:60].min() == 1 and soft[50, 64] == 1 and 0.1 < soft[50, 67] < 0.9
    assert not soft[:, 70:].any() and not soft[:30].any()
    np.testing.assert_array_equal(fading(np.ones((8, 8), np.float32), 0.5), np.ones((8, 8)))
