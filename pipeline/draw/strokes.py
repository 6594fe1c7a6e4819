"""Lines, dots, arrows, numbers and signs that stay readable on any picture: bright, with a dark rim."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import Gender
from .digits import ADVANCE, GLYPHS

Canvas = NDArray[np.uint8]
"""(H, W, 3) RGB."""
Colour = tuple[int, int, int]
Points = NDArray[np.float64]
"""(..., 2) x, y with half-pixel centres."""

_DARK: Final[Colour] = (0, 0, 0)
_BITS: Final = 4
"""Fractional bits of the coordinates that OpenCV draws at."""


def rectangle(box: Points) -> Points:
    """(4, 2) corners of a box (2, 2)."""
    (left, top), (right, bottom) = box
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)])


class Pen:
    """Draws in one colour, with lines as wide as suits the picture and, where it is given, a face of side `side`."""

    def __init__(self, canvas: Canvas, colour: Colour, side: float = np.inf) -> None:
        self.canvas = canvas
        self.colour = colour
        self.side = side
        self.width = max(1, round(min(max(canvas.shape[:2]) / 300, side / 25)))
        self.rim = max(1, round(self.width / 2))

    def lines(self, *paths: Points, closed: bool = False) -> None:
        """Draw (N, 2) paths."""
        fixed = [_fixed(path) for path in paths]
        for colour, width in ((_DARK, self.width + 2 * self.rim), (self.colour, self.width)):
            cv2.polylines(self.canvas, fixed, closed, colour, width, cv2.LINE_AA, _BITS)

    def dot(self, point: Points) -> None:
        x, y = _fixed(point)
        radius = max(min(self.width + 0.5, self.side / 30), 0.8)
        for colour, reach in ((_DARK, 1.5 * radius), (self.colour, radius)):
            fixed = round(reach * (1 << _BITS))
            cv2.circle(self.canvas, (int(x), int(y)), fixed, colour, cv2.FILLED, cv2.LINE_AA, _BITS)

    def arrow(self, start: Points, end: Points) -> None:
        """A straight arrow with a filled head; all head where it is short."""
        way = end - start
        length = float(np.hypot(*way))
        along = way / max(length, 1e-6)
        across = np.array([-along[1], along[0]])
        head = min(8.0 * self.width, length)
        base = end - along * head
        tip = np.array([end, base + across * head / 2, base - across * head / 2])
        self.lines(np.array([start, base]))
        self.lines(tip, closed=True)
        cv2.fillPoly(self.canvas, [_fixed(tip)], self.colour, cv2.LINE_AA, _BITS)


def _fixed(points: Points) -> NDArray[np.int32]:
    return np.round((points - 0.5) * (1 << _BITS)).astype(np.int32)


class Label:
    """A number and perhaps a gender sign, as large as suits the picture and a face of side `side`."""

    def __init__(self, canvas: Canvas, number: int, gender: Gender | None, side: float) -> None:
        longest = max(canvas.shape[:2])
        self.canvas = canvas
        self.glyphs = [GLYPHS[name] for name in [*str(number), *([gender] if gender else [])]]
        self.height = max(11, round(np.clip(0.3 * side, 0.016 * longest, 0.042 * longest)))
        self.width = max(1, round(self.height / 7.5))
        self.rim = max(1, round(self.height / 14))

    @property
    def size(self) -> Points:
        """Width and height with the rim."""
        margin = self.width + 2 * self.rim
        return np.array([len(self.glyphs) * ADVANCE * self.height, self.height]) + margin

    def draw(self, corner: Points, colour: Colour) -> None:
        """Draw with the top left corner there."""
        start = corner + self.width / 2 + self.rim
        step = np.array([ADVANCE * self.height, 0.0])
        placed = [(start + place * step, path) for place, glyph in enumerate(self.glyphs) for path in glyph]
        paths = [_fixed(at + path * self.height) for at, path in placed]
        for shade, width in ((_DARK, self.width + 2 * self.rim), (colour, self.width)):
            cv2.polylines(self.canvas, paths, False, shade, width, cv2.LINE_AA, _BITS)
