"""Sharpness and noise carried over from the target."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from multifaceswap.pipeline.compose.grain import match_grain

SIZE = (240, 200)
WHOLE = np.ones(SIZE, np.float32)


def _picture(seed=0, noise=0.02, level=(0.7, 0.5, 0.4)):
    texture = np.random.default_rng(seed).normal(0, noise, (*SIZE, 1))
    return np.clip(np.array(level) * (1 + texture), 0, 1).astype(np.float32)


def _detail(picture):
    """Median strength of single pixels' detail, as a share of their brightness."""
    grey = picture.mean(2)
    average = cv2.GaussianBlur(grey, (0, 0), 0.8)
    return float(np.median(np.abs(grey - average) / average))


@pytest.mark.parametrize(("own", "wanted"), [(0.005, 0.05), (0.02, 0.03), (0.03, 0.03), (0.05, 0.01), (0.05, 0.0)])
def test_detail_becomes_as_strong_as_the_targets(own, wanted):
    target = _picture(2, wanted)
    matched = match_grain(_picture(1, own), target, WHOLE, WHOLE)
    assert _detail(matched) == pytest.approx(_detail(target), rel=0.25, abs=0.002)


def test_a_blurred_target_gives_a_blurred_face():
    edge = np.where(np.arange(200)[None, :, None] < 100, 0.4, 0.6) * np.ones((*SIZE, 3))
    image = (edge * _picture(1, 0.03) / 0.5).astype(np.float32)
    matched = match_grain(image, cv2.GaussianBlur(_picture(2, 0.03), (0, 0), 3), WHOLE, WHOLE)
    step = [np.abs(np.diff(picture[..., 0].mean(0)))[95:105].max() for picture in (image, matched)]
    assert step[1] < 0.5 * step[0]


def _pores(seed, strength):
    """Texture as skin has it: coarser than single pixels, which only noise is."""
    white = np.random.default_rng(seed).normal(0, 1, (480, 400)).astype(np.float32)
    soft = cv2.GaussianBlur(white, (0, 0), 2)[..., None]
    return (np.array([0.7, 0.5, 0.4]) * (1 + strength * soft / soft.std())).astype(np.float32)


@pytest.mark.parametrize(("texture", "kept"), [(0.04, True), (0.002, False)])
def test_a_face_of_stronger_edges_stays_sharp_where_the_targets_skin_is_sharp(texture, kept):
    """Made-up eyes have stronger edges than a plain target's, which isn't out of focus for that."""
    image, stripes = _pores(1, 0.04), np.arange(400) % 80 < 8
    image[:, stripes] *= 0.3
    matched = match_grain(image, _pores(2, texture), WHOLE, WHOLE)
    depth = [picture[:, ~stripes].mean() - picture[:, stripes].mean() for picture in (image, matched)]
    assert (depth[1] > 0.93 * depth[0]) == kept


def test_dark_lines_are_not_blackened_for_want_of_detail():
    """As corners of a mouth were, where a smooth face met a wrinkled target."""
    (image, target), stripes = (_pores(1, 0.004), _pores(2, 0.04)), np.arange(400) % 80 < 4
    for picture in (image, target):
        picture[:, stripes] *= 0.3
    matched = match_grain(image, target, WHOLE, WHOLE)
    assert matched[:, stripes].min() > 0.6 * image[:, stripes].min()


def test_noise_is_another_with_another_target_and_the_same_with_the_same():
    image, targets = _picture(1, 0.0), [_picture(seed, 0.05) for seed in (2, 2, 3)]
    first, again, other = (match_grain(image, target, WHOLE, WHOLE) for target in targets)
    assert (first == again).all()
    both = np.corrcoef((first - image).ravel(), (other - image).ravel())[0, 1]
    assert abs(both) < 0.1


def test_a_grey_face_stays_grey():
    matched = match_grain(_picture(1, 0.0, (0.5, 0.5, 0.5)), _picture(2, 0.1), WHOLE, WHOLE)
    assert np.ptp(matched, axis=2).max() < 1e-6
    assert matched.std() > 0.02


def test_no_skin_changes_nothing_beyond_rounding():
    image = _picture(1)
    assert np.isfinite(match_grain(image, _picture(2), WHOLE * 0, WHOLE * 0)).all()
