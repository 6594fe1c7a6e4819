"""Jitter and lag beside the one-euro filter, the usual choice (Casiez, Roussel and Vogel, CHI 2012)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from multifaceswap.pipeline.clip.smoothing import RADIUS, TimedFace, interpolate_face, smooth_face
from multifaceswap.pipeline.types import MESH_POINTS, Face

RATE = 25
SIDE = 100.0
RNG = np.random.default_rng(7)
SHAPE = np.concatenate([RNG.uniform(0, SIDE, (MESH_POINTS, 2)), RNG.uniform(-20, 20, (MESH_POINTS, 1))], 1)
INNER = slice(RADIUS, -RADIUS)


def face(mesh: np.ndarray) -> Face:
    low = mesh[:, :2].mean(0) - SIDE / 2
    return Face(np.concatenate([low, low + SIDE]), mesh[:5, :2], 1.0, mesh=mesh)


def smoothed(path: np.ndarray, times: np.ndarray | None = None) -> np.ndarray:
    """Meshes (T, 468, 3) through the filter, as of one person in one scene."""
    times = np.arange(len(path)) / RATE if times is None else times
    moments = [TimedFace(time, face(mesh)) for time, mesh in zip(times, path, strict=True)]
    faces = []
    for at in range(len(moments)):
        before = moments[max(0, at - RADIUS) : at][::-1]
        faces.append(smooth_face(before, moments[at], moments[at + 1 : at + 1 + RADIUS]))
    return np.array([one.mesh for one in faces])


def one_euro(path: np.ndarray, cutoff: float = 1.0, beta: float = 0.05) -> np.ndarray:
    def alpha(rate):
        return 1 / (1 + RATE / (2 * math.pi * rate))

    value, speed, out = path[0], np.zeros_like(path[0]), [path[0]]
    for now in path[1:]:
        speed = speed + alpha(1.0) * ((now - out[-1]) * RATE - speed)
        value = value + alpha(cutoff + beta * np.abs(speed)) * (now - value)
        out.append(value)
    return np.array(out)


def moving(shift: np.ndarray) -> np.ndarray:
    """The face at offsets (T, 2)."""
    return SHAPE + np.concatenate([shift, np.zeros((len(shift), 1))], 1)[:, None]


def jitter(path: np.ndarray) -> float:
    """Of steady motion: root mean square of what each frame departs from the middle of its neighbours, in pixels."""
    bend = path[1:-1] - (path[:-2] + path[2:]) / 2
    return float(np.sqrt((bend[INNER, :, :2] ** 2).mean()))


def lag(path: np.ndarray, truth: np.ndarray) -> float:
    """Mean distance from the truth, in pixels, away from the ends."""
    return float(np.linalg.norm((path - truth)[INNER, :, :2], axis=2).mean())


@pytest.mark.parametrize("speed", [0.0, 1.5, 12.0])
def test_jitter_falls_to_a_third_at_any_speed_with_no_lag(speed):
    truth = moving(np.outer(np.arange(60), [speed, speed / 2]))
    noisy = truth + np.random.default_rng(1).normal(0, 0.3, truth.shape)
    calm, euro = smoothed(noisy), one_euro(noisy)
    assert jitter(calm) < 0.34 * jitter(noisy)
    assert lag(calm, truth) < 0.5 * lag(noisy, truth)
    assert lag(calm, truth) < 1.1 * lag(euro, truth)
    if speed:
        # The one-euro filter stays behind what moves; this one doesn't.
        assert lag(euro, truth) > 4 * lag(calm, truth)


def test_steady_motion_is_left_exactly_as_it_is():
    truth = moving(np.outer(np.arange(20), [3.0, -2.0]))
    assert np.abs(smoothed(truth) - truth).max() < 1e-3


def test_uneven_times_are_reckoned_with():
    times = np.array([0, 0.04, 0.05, 0.2, 0.24, 0.25, 0.31, 0.5, 0.51, 0.6])
    truth = moving(times[:, None] * [80.0, 20.0])
    assert np.abs(smoothed(truth, times) - truth).max() < 1e-3


def test_a_jump_and_a_blink_are_not_smeared():
    shift = np.zeros((30, 2))
    shift[15:] = [40, 0]
    truth = moving(shift)
    assert np.abs(smoothed(truth) - truth).max() < 0.01
    blink = moving(np.zeros((30, 2)))
    blink[14:17, :20, 1] += [[2.5], [5], [2.5]]  # of 100: the lids close and open within three frames
    assert np.abs(smoothed(blink) - blink)[..., 1].max() < 1.3
    assert np.abs(smoothed(blink)[:, 20:] - blink[:, 20:]).max() < 1e-3


def test_without_neighbours_on_one_side_nothing_moves():
    noisy = moving(np.zeros((5, 2))) + np.random.default_rng(2).normal(0, 0.3, (5, MESH_POINTS, 3))
    calm = smoothed(noisy)
    assert np.abs(calm[[0, -1]] - noisy[[0, -1]]).max() < 1e-4
    assert np.abs(calm[2] - noisy[2]).max() > 0.05


def test_box_and_landmarks_are_smoothed_and_a_face_needs_no_mesh():
    boxes = np.array([10, 10, 110, 110]) + np.random.default_rng(3).normal(0, 0.3, (9, 4))
    moments = [TimedFace(t / RATE, Face(box, box[:2] + SHAPE[:5, :2], 1.0)) for t, box in enumerate(boxes)]
    calm = smooth_face(moments[:4][::-1], moments[4], moments[5:])
    assert calm.mesh is None
    assert np.abs(calm.box - [10, 10, 110, 110]).mean() < 0.7 * np.abs(boxes - [10, 10, 110, 110]).mean()
    assert np.abs(calm.landmarks - [10, 10] - SHAPE[:5, :2]).max() < 0.4


def test_between_two_sightings_a_face_moves_evenly():
    start, end = TimedFace(1.0, face(SHAPE)), TimedFace(2.0, face(SHAPE + 8))
    middle = interpolate_face(start, end, 1.25)
    assert np.abs(middle.mesh - (SHAPE + 2)).max() < 1e-4
    assert middle.box == pytest.approx(face(SHAPE).box + 2, abs=1e-4)
