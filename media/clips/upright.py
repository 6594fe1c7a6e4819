"""Decoded frames as they are shown: upright, of one size, grey ones as YUV; and copies that may be written to."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from ...pipeline.types import Size
from .formats import pyav
from .planes import planes_of

if TYPE_CHECKING:
    from av import VideoFormat, VideoFrame
    from av.filter import Graph
    from av.sidedata.sidedata import SideData

_TRANSPOSE: Final = ("transpose", "0")
_TICK: Final = Fraction(1, 1000)
_FULL_BITS: Final = 8
_NEUTRAL: Final = {8: 128, 10: 512}

Filters = tuple[tuple[str, str], ...]
"""FFmpeg's filters, each with its arguments, in order."""


def upright(frame: VideoFrame) -> Filters:
    """What brings a frame into the position in which it is shown: one of eight.

    FFmpeg's display matrix holds (x, y) -> (a x + c y, b x + d y) as numbers a, b, -, c, d (libavutil/display.h).
    """
    matrix = side_data(frame).get("DISPLAYMATRIX", b"")
    if len(matrix) != 36:
        return ()
    a, b, _, c, d = struct.unpack("=9i", matrix)[:5]
    is_across = abs(b) + abs(c) > abs(a) + abs(d)
    right, down = (c, b) if is_across else (a, d)
    flips = [(name, "") for name, sign in (("hflip", right), ("vflip", down)) if sign < 0]
    return (*((_TRANSPOSE,) if is_across else ()), *flips)


def turns_across(filters: Filters) -> bool:
    """Whether the filters make columns of rows."""
    return _TRANSPOSE in filters


def side_data(frame: VideoFrame) -> dict[str, bytes]:
    """What a frame carries beside its pixels, by FFmpeg's names of the kinds."""
    # PyAV's types know but one kind.
    return {data.type.name: bytes(data) for data in cast("Iterable[SideData]", frame.side_data)}


def is_grey(format: VideoFormat) -> bool:
    """Whether a format holds brightness alone."""
    return len(format.components) == 1 and not format.has_palette and not format.is_rgb


class FrameFilter:
    """Sends frames through filters of FFmpeg's, whatever their size and format."""

    def __init__(self, filters: Sequence[tuple[str, str]]) -> None:
        self._filters = filters
        self._graph: Graph | None = None
        self._for: tuple[int, int, str] | None = None
        """What the graph was made for: width, height and format."""

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        given = frame.width, frame.height, frame.format.name
        if self._graph is None or self._for != given:
            self._graph, self._for = self._made(frame), given
        pts, frame.pts = frame.pts, None  # times are kept elsewhere: filters would want them to run forward
        self._graph.push(frame)
        done = self._graph.pull()
        frame.pts = pts
        assert isinstance(done, pyav().VideoFrame)
        return done

    def _made(self, frame: VideoFrame) -> Graph:
        from av.filter import Graph

        graph = Graph()
        last = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=_TICK)
        for name, arguments in (*self._filters, ("buffersink", "")):
            following = graph.add(name, arguments) if arguments else graph.add(name)
            last.link_to(following)
            last = following
        graph.configure()
        return graph


class Upright:
    """Makes frames upright and of one size."""

    def __init__(self, filters: Filters, size: Size | None) -> None:
        """`size`: that of upright frames; None: the first frame's."""
        self._size, self._turn = size, FrameFilter(filters) if filters else None
        self._scale: FrameFilter | None = None

    def __call__(self, frame: VideoFrame) -> tuple[VideoFrame, bool]:
        """The frame and whether it had another size."""
        if is_grey(frame.format):
            frame = _as_yuv(frame)
        elif frame.format.is_rgb and frame.format.components[0].bits < _FULL_BITS:
            frame = frame.reformat(format="rgb24")  # to YUV, the scaler would leave white grey
        if self._turn is not None:
            frame = self._turn(frame)
        if self._size is None:
            self._size = Size(frame.width, frame.height)
        if (frame.width, frame.height) == self._size:
            return frame, False
        if self._scale is None:
            self._scale = FrameFilter([("scale", f"{self._size.width}:{self._size.height}:flags=bicubic")])
        return self._scale(frame), True


def _as_yuv(frame: VideoFrame) -> VideoFrame:
    """A grey frame with its own numbers as brightness, and colours that are neutral.

    By swscale's rules grey is of full range unless the file says otherwise.
    """
    bits = frame.format.components[0].bits
    if frame.format.name not in ("gray", "gray10le", "gray12le", "gray16le"):
        frame, bits = frame.reformat(format="gray16le" if bits > 8 else "gray"), 16 if bits > 8 else 8
    is_even = not (frame.width % 2 or frame.height % 2)
    grey = planes_of(frame)[0]
    made = pyav().VideoFrame(frame.width, frame.height, f"yuv{420 if is_even else 444}p{'10le' if bits > 8 else ''}")
    luma, *chroma = planes_of(made)
    luma[:] = grey if bits <= 10 else np.right_shift(grey, bits - 10)
    for plane in chroma:
        plane[:] = np.array(_NEUTRAL[10 if bits > 8 else 8], plane.dtype)
    return made
