"""The built-in engine in all kinds of light: figures on targets made of the shipped portraits."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from multifaceswap.app import functions as api

_GREY = np.array([0.299, 0.587, 0.114])
_SEPIA = np.array([[0.393, 0.349, 0.272], [0.769, 0.686, 0.534], [0.189, 0.168, 0.131]])


@pytest.fixture(scope="module", params=["hopper", "astronaut"])
def scene(request, session):
    """Swaps the other portrait onto a variant of this one, whose face is found in the picture itself."""
    target = request.getfixturevalue(request.param)
    source = request.getfixturevalue("astronaut" if request.param == "hopper" else "hopper")
    faces = [api.detect_faces([picture], session=session) for picture in (target, source)]
    index_map = api.map_indexes(*faces)

    def swap(picture, **settings):
        return api.swap_faces([picture], [source], index_map, session=session, **settings)

    return target, swap, index_map.frames[0][0].target


def _rounded(picture):
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _means(result, target):
    inside = result.masks[0] > 0.9
    return result.images[0][inside].mean(0), target[inside].mean(0)


def _assert_as_bright(result, target):
    """Within 10 % and one level of the target, channel by channel."""
    after, before = _means(result, target)
    assert (np.abs(after - before) <= 0.1 * before + 1).all(), (after, before)


def _across(face, width):
    """(width,) 0 at the left of the face, 1 at its right."""
    left, _, right, _ = face.box
    return 1 / (1 + np.exp(-8 * ((np.arange(width) - left) / (right - left) - 0.5)))


@pytest.mark.parametrize("brightness", [1.0, 0.5, 0.15, 0.05])
def test_a_dark_scene_stays_dark(scene, brightness):
    target, swap, _ = scene
    dark = _rounded(target * brightness)
    _assert_as_bright(swap(dark), dark)


@pytest.mark.parametrize("light", [(0.9, 0.05, 0.035), (0.08, 0.09, 0.4), (1.0, 0.3, 0.25)])
def test_coloured_light_stays(scene, light):
    target, swap, _ = scene
    lit = _rounded(target * np.array(light))
    _assert_as_bright(swap(lit), lit)


@pytest.mark.parametrize("side", ["left", "right"])
def test_light_from_one_side_stays_on_it(scene, side):
    target, swap, face = scene
    share = _across(face, target.shape[1])[None, :, None]
    lit = _rounded(target * (1 - 0.8 * (share if side == "left" else 1 - share)))
    result = swap(lit)
    left, _, right, _ = face.box
    for start, end in ((left, (left + right) / 2), ((left + right) / 2, right)):
        inside = (result.masks[0] > 0.9) & (np.arange(lit.shape[1]) >= start) & (np.arange(lit.shape[1]) < end)
        after, before = result.images[0][inside].mean(0), lit[inside].mean(0)
        assert (np.abs(after - before) <= 0.15 * before + 1).all(), (after, before)


def test_a_grey_picture_stays_grey(scene):
    target, swap, _ = scene
    grey = np.repeat(_rounded(target @ _GREY)[..., None], 3, 2)
    result = swap(grey)
    assert np.ptp(result.images[0].astype(int), axis=2).max() <= 2
    _assert_as_bright(result, grey)


def test_a_sepia_picture_stays_on_its_line(scene):
    """No colour that the picture doesn't have at that brightness."""
    target, swap, _ = scene
    sepia = _rounded(target @ _SEPIA)
    result = swap(sepia)
    inside = result.masks[0] > 0.5
    chroma = [picture[..., 0].astype(int) - picture[..., 2] for picture in (sepia, result.images[0])]
    green = [picture[..., 1] for picture in (sepia, result.images[0])]
    levels = [np.array([np.median(c[g == level]) for c in chroma[:1] for g in green[:1]]) for level in (80, 120, 160)]
    for level, own in zip((80, 120, 160), levels, strict=True):
        here = chroma[1][inside & (np.abs(green[1].astype(int) - level) <= 1)]
        assert here.size == 0 or np.abs(np.percentile(here, [5, 95]) - own[0]).max() <= 8


def _detail(picture, inside):
    grey = picture.astype(np.float32) @ _GREY.astype(np.float32)
    average = cv2.GaussianBlur(grey, (0, 0), 0.8)
    return float(np.median((np.abs(grey - average) / (average + 5))[inside]))


@pytest.mark.parametrize("change", ["noise", "blur"])
def test_noise_and_blur_are_the_targets(scene, change):
    """In octaves: half as strong as what the donor's own picture is off by, or too little to be seen."""
    target, swap, _ = scene
    noise = np.random.default_rng(0).normal(0, 12, (*target.shape[:2], 1))
    made = _rounded(target + noise) if change == "noise" else cv2.GaussianBlur(target, (0, 0), 2)
    result, plain = swap(made), swap(made, colour_match="none")
    inside = result.masks[0] > 0.95
    after, before, untouched = (_detail(picture, inside) for picture in (result.images[0], made, plain.images[0]))
    assert abs(np.log2(after / before)) < max(0.5 * abs(np.log2(untouched / before)), 0.3)


def test_the_noise_of_two_frames_differs(scene):
    target, swap, _ = scene
    frames = [_rounded(target + np.random.default_rng(seed).normal(0, 15, target.shape)) for seed in (1, 2)]
    results = [swap(frame) for frame in frames]
    inside = results[0].masks[0] > 0.95
    fine = [
        one.images[0].astype(np.float32) - cv2.GaussianBlur(one.images[0].astype(np.float32), (0, 0), 0.8)
        for one in results
    ]
    away = (fine[0] - fine[1])[inside]
    assert away.std() > 0.5 * fine[0][inside].std()


def test_the_donors_tone_is_taken_or_refused(scene):
    target, swap, _ = scene
    plain, toned = swap(target), swap(target, skin_tone="donor")
    refused = any("skin_tone donor" in line for line in toned.report)
    same = (plain.images[0] == toned.images[0]).all()
    assert refused == same
    assert not any("skin_tone donor" in line for line in plain.report)


def test_a_tone_in_another_light_is_refused(scene):
    target, swap, _ = scene
    toned = swap(_rounded(target * 0.2), skin_tone="donor")
    assert any("skin_tone donor" in line for line in toned.report)
