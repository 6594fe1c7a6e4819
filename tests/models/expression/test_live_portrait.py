"""LivePortrait on graphs of its inputs and outputs, whose arithmetic is worked out again here."""

from __future__ import annotations

import numpy as np
import pytest
import standins
from multifaceswap import open_model
from multifaceswap.models.expression.limits import HIGHEST, LOWEST
from multifaceswap.models.expression.live_portrait import _rotation
from multifaceswap.pipeline.errors import DamagedModelError, SettingsError
from multifaceswap.pipeline.geometry import transform_points
from multifaceswap.pipeline.templates import ARCFACE_128
from multifaceswap.pipeline.types import Face

HEAD = [0, 4, 5, 8, 9]


def crop(red):
    image = np.full((512, 512, 3), 0.25, np.float32)
    image[..., 0] = red
    return image


@pytest.fixture(params=[True, False], ids=["flat", "deep"])
def model(tmp_path, request):
    standins.live_portrait(tmp_path, flat=request.param)
    return open_model("expression", "live_portrait", folders=[tmp_path])


@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
@pytest.mark.parametrize(("own", "wanted"), [(0.2, 0.9), (0.9, 0.1)])
def test_the_targets_expression_moves_the_swapped_faces_points(model, own, wanted, weight):
    found = model.express(crop(own), crop(wanted), weight)
    mine, theirs = (np.full((21, 3), red * 0.01) for red in (own, wanted))
    theirs[HEAD] = mine[HEAD]
    led = np.clip(weight * theirs + (1 - weight) * mine, LOWEST, HIGHEST)
    change = 10 * (2 * (led - mine)).mean()
    expected = np.array([own, 0.25, 0.25]) + change
    assert np.abs(found - expected).max() < 5e-4
    # Without the points' limits it would be another.
    free = 10 * (2 * weight * (theirs - mine)).mean()
    assert abs(change - free) > 0.005


def test_points_are_turned_scaled_and_shifted(model):
    small = np.full((1, 3, 256, 256), 0.5, np.float32)
    moved = model._moved(small)
    placed = moved.placed(moved.expression)
    at_rest = np.arange(63).reshape(21, 3) * 0.01
    expected = 2 * (at_rest @ _scipy_rotation(10, 20, 30).T + 0.005) + (0.1, 0.2, 0.3)
    assert placed.shape == (1, 21, 3) and np.abs(placed[0] - expected).max() < 1e-5


def _scipy_rotation(*angles):
    """Around x, then y, then z, each axis staying where it is; written out."""
    a, b, c = np.radians(angles)
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return z @ y @ x


@pytest.mark.parametrize("angles", [(0, 0, 0), (90, 0, 0), (0, 90, 0), (0, 0, 90), (10, -50, 170)])
def test_rotations_are_those_of_scipy(angles):
    assert np.abs(_rotation(*angles) - _scipy_rotation(*angles)).max() < 1e-6


def test_its_crop_is_arcfaces_of_512_pixels(model):
    matrix, size = model.place(Face((0, 0, 1, 1), ARCFACE_128 * 300 + 50, 1.0))
    assert size == (512, 512)
    assert np.abs(transform_points(matrix, ARCFACE_128 * 300 + 50.5) - 0.5 - ARCFACE_128 * 512).max() < 1e-3


@pytest.mark.parametrize("weight", [-0.1, 1.1])
def test_another_weight_is_refused(model, weight):
    with pytest.raises(SettingsError, match="expression: expected 0 to 1"):
        model.express(crop(0.2), crop(0.3), weight)


@pytest.mark.parametrize("number", range(3))
def test_other_networks_files_are_refused(tmp_path, number):
    paths = standins.live_portrait(tmp_path)
    standins.pooled(paths[number])
    with pytest.raises(DamagedModelError, match=rf"{paths[number].name} holds another network than live_portrait"):
        open_model("expression", "live_portrait", folders=[tmp_path])


def test_outputs_of_another_order_are_refused(tmp_path):
    from onnx import load, save

    path = standins.live_portrait(tmp_path)[1]
    graph = load(str(path))
    outputs = list(graph.graph.output)
    del graph.graph.output[:]
    graph.graph.output.extend(reversed(outputs))
    save(graph, str(path))
    with pytest.raises(
        DamagedModelError, match=r"expected one that gives 1, 1, 1, 1, 3, 21×3, 21×3, this one gives 1×21×3"
    ):
        open_model("expression", "live_portrait", folders=[tmp_path])
