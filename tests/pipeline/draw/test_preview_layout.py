from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multifaceswap.pipeline.draw.preview_layout import LONGEST, Tile, arrange, fitted
from multifaceswap.pipeline.types import Size


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (Size(1, 1), Size(1, 1)),
        (Size(640, 480), Size(640, 480)),
        (Size(2048, 2048), Size(2048, 2048)),
        (Size(4096, 2160), Size(2048, 1080)),
        (Size(3, 20480), Size(1, 2048)),
    ],
)
def test_a_single_picture_is_never_enlarged(size, expected):
    assert fitted(size) == expected


def test_places_points_of_the_picture_in_the_preview():
    tile = Tile(10, 20, Size(50, 100), Size(100, 200))
    assert tile.place([(0, 0), (100, 200)]).tolist() == [[10, 20], [60, 120]] == tile.corners.tolist()
    assert tile.slices == (slice(20, 120), slice(10, 60))


def test_one_picture_alone_fills_the_whole():
    size, (tile,) = arrange(Size(1000, 500), [])
    assert size == tile.size == Size(1000, 500)


@pytest.mark.parametrize(
    ("first", "other", "whole"),
    [
        (Size(1000, 1000), Size(1000, 1000), Size(2000, 1000)),
        (Size(600, 1000), Size(600, 1000), Size(1200, 1000)),
        (Size(1000, 600), Size(1000, 600), Size(1000, 1200)),
        (Size(8000, 8000), Size(8000, 8000), Size(2048, 1024)),
        (Size(64, 64), Size(64, 64), Size(768, 384)),
    ],
)
def test_two_pictures_stand_where_they_fill_a_square_better(first, other, whole):
    size, (target, source) = arrange(first, [other])
    assert size == whole
    if whole.width > whole.height:
        assert source.left + source.size.width <= target.left and source.top == target.top
    else:
        assert source.top + source.size.height <= target.top and source.left == target.left


def test_a_small_picture_is_shown_as_large_as_the_large_one():
    _, (target, source) = arrange(Size(100, 100), [Size(1000, 1000)])
    assert target.size == source.size == Size(990, 990)


sizes = st.builds(Size, st.integers(16, 5000), st.integers(16, 5000))


@settings(deadline=None, max_examples=50)
@given(sizes, st.lists(sizes, max_size=8))
def test_tiles_stay_inside_apart_and_in_proportion(first, others):
    size, tiles = arrange(first, others)
    assert max(size) <= LONGEST and len(tiles) == 1 + len(others)
    taken = np.zeros((size.height, size.width), np.uint8)
    for tile, picture in zip(tiles, [first, *others], strict=True):
        assert tile.picture == picture and tile.left >= 0 and tile.top >= 0
        assert tile.left + tile.size.width <= size.width and tile.top + tile.size.height <= size.height
        taken[tile.slices] += 1
        if min(tile.size) > 100:
            assert tile.size.width / tile.size.height == pytest.approx(picture.width / picture.height, rel=0.12)
    assert taken.max() == 1
