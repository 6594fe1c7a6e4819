"""Pieces of a file read as one, and files that needn't be held to be decoded."""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pytest
from multifaceswap.media.pictures import read_metadata, read_picture
from multifaceswap.media.pictures.slices import Span, joined, read_whole, whole
from PIL import Image

DATA = bytes(range(256)) * 300


@pytest.mark.parametrize(
    "spans", [[], [(0, 0)], [(5, 9)], [(0, 40_000), (40_000, 76_800)], [(9, 9), (70_000, 70_100), (3, 4)]]
)
def test_spans_are_read_as_a_file_of_their_own(spans):
    file = io.BytesIO(DATA)
    wanted = b"".join(DATA[start:end] for start, end in spans)
    read = joined(file, [Span(*span) for span in spans])
    assert read.read() == wanted and read.read(1) == b""
    random = np.random.default_rng(0)
    for _ in range(200):
        at, count = (int(number) for number in random.integers(0, len(wanted) + 20, 2))
        read.seek(at)
        file.seek(int(random.integers(0, len(DATA))))  # others read it too
        assert read.read(count) == wanted[at : at + count]


def test_seeking_is_from_the_start_the_place_or_the_end():
    read = joined(io.BytesIO(DATA), [Span(10, 20), Span(30, 40)])
    assert (read.seek(-3, io.SEEK_END), read.read()) == (17, DATA[37:40])
    assert (read.seek(5), read.seek(3, io.SEEK_CUR), read.read(4)) == (5, 8, DATA[18:20] + DATA[30:32])
    with pytest.raises(ValueError, match="negative"):
        read.seek(-21, io.SEEK_END)


def test_closing_the_pieces_leaves_the_file_open():
    file = io.BytesIO(DATA)
    whole(file).close()
    assert read_whole(file) == DATA


def test_of_a_span_beyond_the_end_what_is_there_is_read():
    assert joined(io.BytesIO(DATA), [Span(len(DATA) - 2, len(DATA) + 9)]).read() == DATA[-2:]


@pytest.mark.parametrize("name", ["a.tif", "a.bmp", "cmyk.tif", "rgba.tif", "rgba.png"])
def test_of_a_file_as_large_as_its_pixels_only_these_are_held(tmp_path, name):
    """Without what Pillow has; a third at most is bands, and what must be known."""
    noise = np.random.default_rng(0).integers(0, 256, (1500, 2000, 4), np.uint8)
    mode = {"rgba": "RGBA", "cmyk": "CMYK"}.get(name.split(".")[0], "RGB")
    Image.fromarray(noise).convert(mode).save(tmp_path / name)
    read_metadata(tmp_path / name)  # what is made once
    read_picture(tmp_path / name)
    tracemalloc.start()
    try:
        picture = read_picture(tmp_path / name)
        of_pixels = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        held = tracemalloc.get_traced_memory()[0]
        read_metadata(tmp_path / name)
        of_metadata = tracemalloc.get_traced_memory()[1] - held
    finally:
        tracemalloc.stop()
    assert (tmp_path / name).stat().st_size > 0.99 * picture.nbytes
    assert of_pixels < 1.34 * picture.nbytes
    assert of_metadata < 0.05 * picture.nbytes
