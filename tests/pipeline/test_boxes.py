"""Overlap, suppression, merging and tiles."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from multifaceswap.pipeline.boxes import cut_by_tile, iou, nms, tiles, weighted_nms
from multifaceswap.pipeline.geometry import Region
from multifaceswap.pipeline.types import Size


def _boxes(*boxes):
    return np.array(boxes, np.float32).reshape(-1, 4)


def test_overlaps():
    found = iou(_boxes((0, 0, 10, 10))[0], _boxes((0, 0, 10, 10), (5, 0, 15, 10), (20, 20, 30, 30)))
    assert found.tolist() == pytest.approx([1, 1 / 3, 0])


def test_overlap_with_the_border_pixel_counted():
    assert iou(_boxes((0, 0, 9, 9))[0], _boxes((5, 0, 14, 9)), pixel=1).tolist() == pytest.approx([1 / 3])


def test_nothing_to_suppress():
    assert nms(_boxes(), np.zeros(0, np.float32), 0.5).tolist() == []


def test_the_best_of_overlapping_boxes_is_kept():
    boxes = _boxes((0, 0, 10, 10), (1, 0, 11, 10), (20, 0, 30, 10))
    assert nms(boxes, np.array([0.5, 0.9, 0.7], np.float32), 0.4).tolist() == [1, 2]
    assert nms(boxes, np.array([0.5, 0.9, 0.7], np.float32), 0.9).tolist() == [1, 2, 0]


def test_merge_averages_by_score():
    rows = np.array([[0, 0, 10, 10, 1], [2, 0, 12, 10, 4], [50, 50, 60, 60, 9]], np.float32)
    merged, scores = weighted_nms(rows, np.array([0.75, 0.25, 0.5], np.float32), 0.3)
    assert merged.tolist() == [[0.5, 0, 10.5, 10, 1.75], [50, 50, 60, 60, 9]]
    assert scores.tolist() == [0.75, 0.5]


def test_merge_of_nothing_keeps_the_columns():
    merged, scores = weighted_nms(np.zeros((0, 8), np.float32), np.zeros(0, np.float32), 0.3)
    assert merged.shape == (0, 8)
    assert scores.shape == (0,)


def test_a_small_picture_needs_no_tiles():
    assert tiles(Size(200, 100), 200) == []


@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(64, 900))
def test_tiles_cover_the_picture_and_overlap(width, height, side):
    found = tiles(Size(width, height), side)
    if max(width, height) <= side:
        assert found == []
        return
    assert all(0 <= t.left < t.right <= width and 0 <= t.top < t.bottom <= height for t in found)
    for low, high, length in (("left", "right", width), ("top", "bottom", height)):
        spans = sorted({(getattr(t, low), getattr(t, high)) for t in found})
        assert spans[0][0] == 0
        assert spans[-1][1] == length
        assert all(b[0] <= a[1] - side * 0.25 + 1 for a, b in pairwise(spans))


def test_a_box_at_an_inner_border_is_cut():
    tile, size = Region(100, 0, 300, 200), Size(1000, 200)
    assert cut_by_tile(np.array([101, 50, 150, 99]), tile, size)
    assert cut_by_tile(np.array([250, 50, 299, 99]), tile, size)
    assert not cut_by_tile(np.array([150, 0, 250, 200]), tile, size)
