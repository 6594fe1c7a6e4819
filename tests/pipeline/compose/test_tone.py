"""The donor's skin tone."""

from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.pipeline.compose.tone import tone_factors, with_tone

WHOLE = np.ones((120, 100), np.float32)


def _coloured(colour):
    """Of that colour, at the top of others as bright, so that it is no picture of one colour."""
    picture = np.full((120, 100, 3), colour, np.float32)
    picture[:20] = picture[:20, :, ::-1]
    return picture


SKIN = np.zeros((120, 100), np.float32)
SKIN[20:] = 1


def test_factors_lead_from_the_targets_tone_to_the_donors():
    factors = tone_factors(_coloured((0.7, 0.5, 0.4)), SKIN, _coloured((0.7, 0.55, 0.45)), SKIN)
    assert factors == pytest.approx([1, 0.5 / 0.55, 0.4 / 0.45], rel=1e-3)


@pytest.mark.parametrize("target", [(0.35, 0.25, 0.2), (0.4, 0.5, 0.7)])
def test_tones_too_far_apart_are_refused(target):
    assert tone_factors(_coloured((0.8, 0.6, 0.5)), SKIN, _coloured(target), SKIN) is None


def test_a_grey_target_takes_no_tone():
    grey = np.repeat(_coloured((0.62, 0.62, 0.62))[..., :1], 3, 2)
    assert tone_factors(_coloured((0.64, 0.61, 0.6)), SKIN, grey, SKIN) is None


def test_the_tone_fades_out_before_the_rim():
    mask = np.zeros((120, 100), np.float32)
    mask[20:100, 20:80] = 1
    image = np.full((120, 100, 3), 0.5, np.float32)
    toned = with_tone(image, mask, np.array([1.2, 1.0, 0.8]))
    assert toned[60, 50] == pytest.approx([0.6, 0.5, 0.4], abs=0.01)
    assert np.abs(toned - image)[20, 20:80].max() < 0.02
    assert np.abs(np.diff(toned[60, :, 0])).max() < 0.02
