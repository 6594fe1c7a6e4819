"""Where pictures go when several are shown in one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..types import Size

LONGEST: Final = 2048
"""No preview has a longer side, in pixels."""
_SHORTEST: Final = 768
"""Several small pictures are enlarged to that long side together, so that numbers can be read."""
_GAP: Final = 1 / 200
"""Between pictures, as a share of the long side."""
Rects = NDArray[np.float64]
"""(N, 4) left, top, width, height."""


class Tile(NamedTuple):
    """Where one picture is shown."""

    left: int
    top: int
    size: Size
    """As shown."""
    picture: Size
    """As it is."""

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.top + self.size.height), slice(self.left, self.left + self.size.width)

    @property
    def corners(self) -> NDArray[np.float64]:
        """(2, 2) top left, bottom right."""
        low = np.array([self.left, self.top], np.float64)
        return np.array([low, low + self.size])

    def place(self, points: ArrayLike) -> NDArray[np.float64]:
        """(..., 2) points of the picture in pixels of the preview."""
        return np.asarray(points, np.float64) * (np.array(self.size) / self.picture) + (self.left, self.top)


class _Block(NamedTuple):
    """Pictures placed together, in any unit."""

    width: float
    height: float
    rects: Rects

    def scaled(self, factor: float) -> _Block:
        return _Block(self.width * factor, self.height * factor, self.rects * factor)

    def moved(self, x: float, y: float) -> _Block:
        return self._replace(rects=self.rects + np.array([x, y, 0.0, 0.0]))

    @property
    def filling(self) -> float:
        """The share that pictures take of the smallest square around the block."""
        return float((self.rects[:, 2] * self.rects[:, 3]).sum()) / max(self.width, self.height) ** 2


def fitted(size: Size) -> Size:
    """The size to show a single picture at: its own, or smaller to stay within LONGEST."""
    scale = min(1.0, LONGEST / max(size))
    return Size(max(round(size.width * scale), 1), max(round(size.height * scale), 1))


def arrange(first: Size, others: Sequence[Size]) -> tuple[Size, list[Tile]]:
    """The size of the whole and the tiles of `first` and of each of `others`.

    The others stand in a grid left of the first one or above it, whichever fills a square better.
    """
    block = _best(_grid([first], 1), others) if others else _grid([first], 1)
    sizes = [first, *others]
    # At this scale one picture is shown pixel by pixel and none is enlarged.
    natural = max(size.width / width for size, width in zip(sizes, block.rects[:, 2], strict=True))
    longest = max(block.width, block.height)
    block = block.scaled(min(max(natural * longest, _SHORTEST), LONGEST) / longest)
    gap = max(block.width, block.height) * _GAP if others else 0.0
    whole = Size(max(round(block.width), 1), max(round(block.height), 1))
    return whole, [_tile(rect, size, gap, whole) for rect, size in zip(block.rects, sizes, strict=True)]


def _tile(rect: NDArray[np.float64], picture: Size, gap: float, whole: Size) -> Tile:
    left, top, width, height = rect
    # A sliver narrower than the gap keeps one pixel, in the middle of its place.
    size = Size(max(round(width - gap), 1), max(round(height - gap), 1))
    middle = left + (width - size.width) / 2, top + (height - size.height) / 2
    x, y = (max(min(int(at), room - side), 0) for at, room, side in zip(middle, whole, size, strict=True))
    return Tile(x, y, size, picture)


def _best(first: _Block, others: Sequence[Size]) -> _Block:
    grids = [_grid(others, columns) for columns in range(1, len(others) + 1)]
    return max((join(first, grid) for grid in grids for join in (_beside, _above)), key=lambda block: block.filling)


def _grid(sizes: Sequence[Size], columns: int) -> _Block:
    """Row after row in cells that hold the largest width and height; each picture fills its cell as far as it can."""
    cell = np.array([max(size.width for size in sizes), max(size.height for size in sizes)], np.float64)
    sides = np.array([np.array(size) * (cell / size).min() for size in sizes])
    corners = np.array([divmod(place, columns)[::-1] for place in range(len(sizes))]) * cell
    rows = -(-len(sizes) // columns)
    return _Block(cell[0] * columns, cell[1] * rows, np.hstack([corners + (cell - sides) / 2, sides]))


def _beside(first: _Block, others: _Block) -> _Block:
    """Both at a height of 1, the others at the left."""
    first, others = first.scaled(1 / first.height), others.scaled(1 / others.height)
    rects = np.vstack([first.moved(others.width, 0).rects, others.rects])
    return _Block(first.width + others.width, 1.0, rects)


def _above(first: _Block, others: _Block) -> _Block:
    """Both at a width of 1, the others on top."""
    first, others = first.scaled(1 / first.width), others.scaled(1 / others.width)
    rects = np.vstack([first.moved(0, others.height).rects, others.rects])
    return _Block(1.0, first.height + others.height, rects)
