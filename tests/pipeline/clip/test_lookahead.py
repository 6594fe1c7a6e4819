from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.pipeline.clip.lookahead import ObservedFrame, delay, look_ahead
from multifaceswap.pipeline.clip.smoothing import RADIUS
from multifaceswap.pipeline.types import Face


def face(x: float) -> Face:
    box = np.array([x, 0, x + 40, 40], np.float32)
    return Face(box, box[:2] + 40 * np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.35, 0.8], [0.65, 0.8]]), 0.9)


def frames(spots: list[float | None], scenes: list[int] | None = None) -> list[ObservedFrame[int]]:
    """Frames with person 3 at these places, None where it isn't found."""
    return [
        ObservedFrame(number, number / 25, scenes[number] if scenes else 0, {} if spot is None else {3: face(spot)})
        for number, spot in enumerate(spots)
    ]


def lefts(spots, scenes=None, **options) -> list[float | None]:
    seen = list(look_ahead(frames(spots, scenes), **options))
    assert [one.frame for one in seen] == list(range(len(spots)))
    return [round(float(one.people[3].box[0]), 3) if one.people else None for one in seen]


def test_short_gaps_are_filled_where_both_ends_are_seen():
    assert lefts([0, None, None, 30, 40], max_gap=2, smooth=False) == [0, 10, 20, 30, 40]
    assert lefts([0, None, None, 30], max_gap=1, smooth=False) == [0, None, None, 30]
    assert lefts([0, None, None], max_gap=5, smooth=False) == [0, None, None]
    assert lefts([None, None, 7], max_gap=5, smooth=False) == [None, None, 7]
    assert lefts([0, None, 20], max_gap=0, smooth=False) == [0, None, 20]


@pytest.mark.parametrize("smooth", [False, True])
def test_the_longest_gap_is_filled_anywhere_in_a_clip(smooth):
    spots = [float(number) for number in range(40)]
    for start in range(1, 34):
        gappy = [None if start <= number < start + 5 else spot for number, spot in enumerate(spots)]
        assert lefts(gappy, max_gap=5, smooth=smooth) == pytest.approx(spots, abs=1e-3)


def test_nothing_reaches_over_a_cut():
    scenes = [0] * 6 + [1] * 6
    noisy = [0.0, 0.4, 0, 0.4, 0, 0.4, 90.0, 90.4, 90, 90.4, 90, 90.4]
    calm = lefts(noisy, scenes)
    alone = lefts(noisy[:6]) + lefts(noisy[6:])
    assert calm == alone and calm[5] == 0.4 and calm[6] == 90.0
    assert lefts([0, 1, None, None, 2, 3], [0, 0, 0, 1, 1, 1], max_gap=5, smooth=False) == [0, 1, None, None, 2, 3]


@pytest.mark.parametrize(("max_gap", "smooth"), [(0, False), (3, False), (0, True), (5, True)])
def test_frames_are_held_back_by_the_delay_and_no_more(max_gap, smooth):
    given = []

    def source():
        for one in frames([float(number) for number in range(30)]):
            given.append(one.frame)
            yield one

    waits = [len(given) - 1 - seen.frame for seen in look_ahead(source(), max_gap=max_gap, smooth=smooth)]
    assert delay(max_gap, smooth) == max_gap + RADIUS * smooth == waits[0] == max(waits)
