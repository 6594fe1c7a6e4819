from __future__ import annotations

import numpy as np
import pytest
from clipmaking import moving
from multifaceswap.pipeline.clip.scenes import is_cut, thumbnail


def cuts(frames: list[np.ndarray]) -> list[int]:
    small = [thumbnail(frame) for frame in frames]
    return [number for number in range(1, len(small)) if is_cut(small[number - 1], small[number])]


def test_a_cut_is_found_where_it_is_and_motion_is_none():
    first, second = moving("grace_hopper.jpg", 8, step=4), moving("astronaut.png", 8, step=4)
    assert cuts(first + second) == [8]
    assert cuts(first + second + first) == [8, 16]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_light_that_changes_is_no_cut(dtype):
    whole = np.iinfo(dtype).max if dtype is not np.float32 else 1
    (frame,) = moving("grace_hopper.jpg", 1)
    lit = [(frame / 255 * share * whole).astype(dtype) for share in (0.4, 1, 0.5, 0.45, 1)]
    assert cuts(lit) == []


def test_flat_frames_and_noise_are_no_cuts():
    random = np.random.default_rng(0)
    dark = [random.integers(0, 6, (90, 160, 3)).astype(np.uint8) for _ in range(5)]
    assert cuts(dark) == [] and cuts([np.zeros((90, 160, 3), np.uint8)] * 3) == []
    assert thumbnail(dark[0]).shape == (18, 32, 3)
