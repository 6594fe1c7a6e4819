"""Light and colour carried over from the target."""

from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.models.swappers.mesh.skin import skin_likelihood
from multifaceswap.pipeline.compose.colour import match_lighting, match_mean

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


def test_detail_is_scaled_to_the_targets_contrast():
    flat, rough = _skin(1, noise=0.02), _skin(2, noise=0.03)
    matched = match_lighting(flat, rough, WHOLE, WHOLE)
    assert (matched.std((0, 1)) > flat.std((0, 1)) * 1.15).all()


def test_what_has_no_weight_takes_no_part():
    target, weight = _skin(2), WHOLE.copy()
    target[:, 60:], weight[:, 60:] = (0, 1, 0), 0
    matched = match_lighting(_skin(1), target, WHOLE, weight)
    assert matched.mean((0, 1)) == pytest.approx([0.7, 0.5, 0.4], abs=0.02)


def test_bright_light_never_leaves_the_range_and_keeps_its_order():
    ramp = np.repeat(np.linspace(0.2, 0.9, 100, dtype=np.float32)[None, :, None], 120, 0).repeat(3, 2)
    matched = match_lighting(ramp, np.full_like(ramp, 0.95), WHOLE, WHOLE)
    assert matched.max() < 1.0
    assert (np.diff(matched[60, 40:60, 0]) > -1e-3).all()


def test_mean_and_spread():
    image, target = _skin(1, noise=0.05), _skin(2, (0.5, 0.4, 0.5), noise=0.05)
    matched = match_mean(image, target, WHOLE)
    assert matched.mean((0, 1)) == pytest.approx([0.5, 0.4, 0.5], abs=1e-3)
    assert matched.std((0, 1)) == pytest.approx(target.std((0, 1)), abs=1e-3)


def test_hair_is_not_skin():
    image = _skin()
    image[:30] = (0.15, 0.1, 0.05)
    likely = skin_likelihood(image, WHOLE)
    assert likely[:30].max() < 0.35
    assert likely[30:].min() > 0.9


def test_too_few_pixels_judge_nothing():
    assert (skin_likelihood(_skin(), WHOLE * 0) == 1).all()
