"""What of a difference in brightness a change of light explains."""

from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.pipeline.compose.shading import light_change

SHAPE = (48, 40)
WHOLE = np.ones(SHAPE, np.float32)


def _ball():
    """(48, 40, 3) normals of a ball that fills the picture, z < 0 towards the viewer."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(np.float32)
    x, y = (x - 19.5) / 40, (y - 23.5) / 40
    return np.stack([x, y, -np.sqrt(1 - x * x - y * y)], 2)


def test_the_same_light_changes_nothing():
    assert (light_change(WHOLE * 0, WHOLE, _ball()) == 0).all()


@pytest.mark.parametrize("stops", [-3.0, 0.5])
def test_more_or_less_light_is_found_exactly(stops):
    assert light_change(WHOLE * stops, WHOLE, _ball()) == pytest.approx(WHOLE * stops, abs=0.01)


@pytest.mark.parametrize("known", [True, False])
def test_light_from_another_side_is_found_with_and_without_a_surface(known):
    normals = _ball()
    stops = (2 * normals[..., 0]).astype(np.float32)
    change = light_change(stops, WHOLE, normals if known else None)
    assert np.abs(change - stops).mean() < 0.2  # stops of 2 to either side
    assert np.corrcoef(change.ravel(), stops.ravel())[0, 1] > 0.99


def test_hair_is_no_light():
    """A sixth of the face is 4 stops darker, as by a fringe: least squares would be off by more than a stop there."""
    stops = np.zeros(SHAPE, np.float32)
    stops[:8] = -4
    change = light_change(stops, WHOLE, _ball())
    assert np.abs(change[12:]).max() < 0.15


def test_what_has_no_weight_takes_no_part():
    stops, weight = np.ones(SHAPE, np.float32), WHOLE.copy()
    stops[:, 20:], weight[:, 20:] = 9, 0
    assert light_change(stops, weight, None)[:, :20] == pytest.approx(np.ones((48, 20)), abs=0.02)


def test_nothing_known_gives_no_change():
    assert (light_change(WHOLE, WHOLE * 0, _ball()) == 0).all()
