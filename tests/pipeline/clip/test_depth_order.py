"""Who is in front in a clip: steady, bounded, and the same after a restart."""

from __future__ import annotations

import json

import numpy as np
import pytest
from multifaceswap.pipeline.clip import depth_order
from multifaceswap.pipeline.clip.depth_order import DepthOrder
from multifaceswap.pipeline.types import Face

BLANK = np.full((100, 200, 3), 90, np.uint8)
LANDMARKS = np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.35, 0.8], [0.65, 0.8]])


def face(left, index):
    return Face(np.array([left, 10, left + 60, 70]), [left, 10] + 60 * LANDMARKS, 0.9, index=index)


TOGETHER, APART = [face(50, 1), face(20, 0)], [face(10, 0), face(120, 1)]


@pytest.fixture
def seen(monkeypatch):
    """What is seen of person 0 against person 1, frame after frame; what was asked."""
    values, asked = [], []

    def lead_of(picture, first, second, mesher):
        asked.append((first.index, second.index))
        return values.pop(0)

    monkeypatch.setattr(depth_order, "lead_of", lead_of)
    return values, asked


def run(order, values, seen):
    leads = []
    for value in values:
        seen[0].append(value)
        order.update(BLANK, TOGETHER)
        leads.append(order.leads[0, 1])
    return leads


def test_nobody_is_looked_at_who_is_apart(seen):
    order = DepthOrder()
    order.update(BLANK, APART)
    assert order.leads == {} and seen[1] == []


def test_noise_turns_next_to_nothing(seen):
    """Where nothing tells who is in front, every second frame says otherwise; where little does, still many do."""
    noise = np.random.default_rng(3).normal(0, 1, 200)
    assert _turns(noise) > 80 and _turns(run(DepthOrder(), noise, seen)) < 8
    some = noise + 1
    assert _turns(some) > 40 and _turns(run(DepthOrder(), [1.0, *some], seen)) == 0


def _turns(leads):
    return int((np.diff(np.sign(leads)) != 0).sum())


def test_one_wrong_frame_turns_nothing_and_lasting_change_does(seen):
    order = DepthOrder()
    assert min(run(order, [3, 3, 3, -4, 3, 3], seen)) > 1
    assert run(order, [-3] * 10, seen)[-1] < -1


def test_a_restart_goes_on_as_if_nothing_had_happened(seen):
    whole, first, second = DepthOrder(), DepthOrder(), DepthOrder()
    values = [2.0, 1.0, -3.0, -3.0, 0.5, -2.0]
    expected = run(whole, values, seen)
    begun = run(first, values[:3], seen)
    second.restore(json.loads(json.dumps(first.as_json())))
    assert begun + run(second, values[3:], seen) == expected


def test_who_has_left_is_forgotten(seen):
    order = DepthOrder()
    run(order, [1.0], seen)
    order.keep({0, 1})
    assert order.leads == {(0, 1): 1.0}
    order.keep({1, 2})
    assert order.leads == {}
    run(order, [1.0], seen)
    order.reset()
    assert order.leads == {}
