"""Light and colour carried over from the target."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from multifaceswap.pipeline.compose.lighting import match_lighting

WHOLE = np.ones((120, 100), np.float32)


def _skin(seed=0, level=(0.7, 0.5, 0.4), noise=0.02):
    texture = np.random.default_rng(seed).normal(0, noise, (120, 100, 1))
    return (np.array(level) * (1 + texture)).astype(np.float32)


def test_a_face_in_its_own_light_stays_as_it_is():
    image = _skin()
    assert np.abs(match_lighting(image, image, WHOLE, WHOLE) - image).max() < 2e-3


def test_a_tint_is_taken_over():
    matched = match_lighting(_skin(1), _skin(2, (0.6, 0.3, 0.2)), WHOLE, WHOLE)
    assert matched.mean((0, 1)) == pytest.approx([0.6, 0.3, 0.2], abs=0.01)


def test_a_shadow_over_half_the_face_is_taken_over():
    shadow = np.where(np.arange(100)[None, :, None] < 50, 1.0, 0.5).astype(np.float32)
    matched = match_lighting(_skin(1), _skin(2) * shadow, WHOLE, WHOLE)
    assert matched[:, 80:].mean() / matched[:, :20].mean() == pytest.approx(0.5, abs=0.06)


def test_what_has_no_weight_takes_no_part():
    target, weight = _skin(2), WHOLE.copy()
    target[:, 60:], weight[:, 60:] = (0, 1, 0), 0
    matched = match_lighting(_skin(1), target, WHOLE, weight)
    assert matched.mean((0, 1)) == pytest.approx([0.7, 0.5, 0.4], abs=0.02)


@pytest.mark.parametrize(("level", "most"), [(0.3, 1.5), (0.55, 1.3)])
def test_skin_within_a_beard_is_hardly_brightened_with_it(level, most):
    """Bare skin below a lip must not shine where the beard around it becomes as bright as the target's chin."""
    image = _skin(1, noise=0)
    image[60:100, 25:75] *= level
    image[76:84, 42:58] /= level
    matched = match_lighting(image, _skin(2), WHOLE, WHOLE).mean(2)
    bare, beard, cheek = matched[78:82, 45:55].mean(), matched[64:72, 30:70].mean(), matched[10:40, 10:90].mean()
    assert bare / cheek < most
    assert beard / cheek > 0.8


def test_bright_light_never_leaves_the_range_and_keeps_its_order():
    ramp = np.repeat(np.linspace(0.2, 0.9, 100, dtype=np.float32)[None, :, None], 120, 0).repeat(3, 2)
    matched = match_lighting(ramp, np.full_like(ramp, 0.95), WHOLE, WHOLE)
    assert matched.max() < 1.0
    assert (np.diff(matched[60, 40:60, 0]) > -0.01).all()


@pytest.mark.parametrize("brightness", [1.0, 0.25, 0.05, 0.01])
def test_it_gets_as_dark_as_the_target(brightness):
    target = _skin(2) * brightness
    matched = match_lighting(_skin(1, (0.8, 0.6, 0.5)), target, WHOLE, WHOLE)
    assert matched.mean((0, 1)) == pytest.approx(target.mean((0, 1)), rel=0.03, abs=1 / 255)


@pytest.mark.parametrize("colour", [(0.7, 0.03, 0.02), (0.06, 0.07, 0.33)])
def test_coloured_light_is_taken_over(colour):
    matched = match_lighting(_skin(1), _skin(2, colour), WHOLE, WHOLE)
    assert matched.mean((0, 1)) == pytest.approx(colour, rel=0.05)


def test_light_of_another_colour_from_each_side():
    side = np.linspace(0, 1, 100)[None, :, None]
    target = (_skin(2) * (side * [1, 0.4, 0.4] + (1 - side) * [0.4, 0.4, 1])).astype(np.float32)
    matched = match_lighting(_skin(1), target, WHOLE, WHOLE)
    for part in (np.s_[:, 10:40], np.s_[:, 60:90]):
        assert matched[part].mean((0, 1)) == pytest.approx(target[part].mean((0, 1)), rel=0.1)


def test_a_grey_target_gives_grey():
    target = _skin(2, (0.5, 0.5, 0.5))
    matched = match_lighting(_speckled(), target, WHOLE, WHOLE)
    assert np.ptp(matched, axis=2).max() < 1 / 255


def test_a_sepia_target_gives_colours_of_its_own_line():
    """Each brightness has one colour in the target; the result's colours are among them."""
    brightness = np.repeat(np.linspace(0.05, 0.9, 100, dtype=np.float32)[None], 120, 0)
    target = np.stack([brightness**0.8, brightness**0.95, brightness**1.2], 2)
    matched = match_lighting(_speckled(), target, WHOLE, WHOLE)
    line = np.linspace(0, 1, 1001)
    green = matched[..., 1]
    expected = [np.interp(green, line**0.95, line**power) for power in (0.8, 0.95, 1.2)]
    known = green < 0.9  # beyond, the target has no colours
    assert known.mean() > 0.9
    assert np.abs(matched - np.stack(expected, 2))[known].max() < 4 / 255


def test_chroma_follows_brightness_as_in_the_target():
    """Highlights lose colour where the target's do: skin of one chroma at all brightnesses would be tinted there."""
    ramp = np.repeat(np.linspace(0.2, 0.8, 100, dtype=np.float32)[None], 120, 0)
    target = np.stack([ramp, ramp * (0.6 + 0.4 * ramp), ramp * (0.4 + 0.6 * ramp)], 2)
    spots = np.random.default_rng(0).choice(np.float32([0.6, 1.3]), (30, 25)).repeat(4, 0).repeat(4, 1)[..., None]
    matched = match_lighting(_skin(1, noise=0) * spots, target, WHOLE, WHOLE)
    bright = matched[..., 0]
    away = np.abs(matched[..., 2] - bright * (0.4 + 0.6 * bright))[10:-10, 30:70]
    assert np.median(away) < 0.03


def test_lips_keep_their_difference_from_skin():
    image, lips = _skin(1, noise=0), np.zeros_like(WHOLE)
    image[50:60, 30:70], lips[50:60, 30:70] = (0.65, 0.35, 0.35), 1
    target = _skin(2, (0.8, 0.62, 0.52), noise=0)
    target[100:, ::2] = (0.45, 0.7, 0.75)  # of more than one colour
    matched = match_lighting(image, target, WHOLE - lips, WHOLE, lips)
    before, after = (_lab(picture[53:57, 35:65]) - _lab(picture[5:40, 5:95]) for picture in (image, matched))
    assert after[1:] == pytest.approx(before[1:], abs=2.5)


def _lab(picture):
    return np.median(cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2LAB), (0, 1))


def _speckled():
    random = np.random.default_rng(3)
    return random.uniform(0.2, 0.9, (120, 100, 3)).astype(np.float32)


@pytest.mark.parametrize(("lips", "most"), [((190, 110, 100), 0.95), ((215, 30, 30), 0.63), ((190, 15, 60), 0.68)])
def test_lips_on_dark_skin_glare_no_more_than_they_did(lips, most):
    """Their chroma in Lab, over the donor's: bright skin's lipstick on dark skin would be neon."""
    side, part = 96, np.s_[60:76, 30:66]
    area = np.zeros((side, side), np.float32)
    area[part] = 1
    own = np.full((side, side, 3), np.float32((235, 195, 175)) / 255, np.float32)
    own[part] = np.float32(lips) / 255
    target = np.full((side, side, 3), np.float32((90, 60, 40)) / 255, np.float32)
    target[:16] = (0.1, 0.2, 0.5)  # more than one colour: else it is a toned picture
    skin = 1 - area
    seen = skin.copy()
    seen[:16] = 0
    result = match_lighting(own, target, skin, seen, area)
    before, after = (cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[68, 48] for image in (own, result))
    assert np.hypot(*after[1:]) < most * np.hypot(*before[1:])
    assert after[1] > 20, "they are red all the same"
