"""Mean colours, and what counts as skin."""

from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.models.swappers.mesh.skin import skin_likelihood
from multifaceswap.pipeline.compose.colour import match_mean

WHOLE = np.ones((120, 100), np.float32)


def _skin(seed=0, level=(0.7, 0.5, 0.4), noise=0.02):
    texture = np.random.default_rng(seed).normal(0, noise, (120, 100, 1))
    return (np.array(level) * (1 + texture)).astype(np.float32)


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
