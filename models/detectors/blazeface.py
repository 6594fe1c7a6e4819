"""BlazeFace full range: boxes and rough keypoints of faces, from the shipped weights.

Anchors and decoding follow MediaPipe's `face_detection_full_range` graph (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, product, repeat
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import numpy as np

from ...pipeline.boxes import cut_by_tile, tiles, weighted_nms
from ...pipeline.geometry import Region, inverse, transform_points
from ...pipeline.types import FloatArray, Matrix, Picture, Placement, Size
from ..runtime.devices import threads
from ..runtime.onnx import Session
from .cadence import CADENCE, turns_of
from .pyramid import Pyramid

if TYPE_CHECKING:
    from typing_extensions import Unpack

_SIDE = 192
_CELLS = 48
_NUMBERS = 16
"""Of a cell: a box and six keypoints."""
_SMALLEST = 16
"""Faces of fewer pixels in the 192-pixel input are missed."""
_LEVEL_STEP = 3
"""From one level of tiles to the next: a tile sees faces from a twelfth of its side to about half of it."""
_MERGE_OVERLAP = 0.3
_RIM = 2.5
"""Side of the view with a rim over the picture's: faces that fill more than two thirds of the input are missed."""
_LARGE = 1 / 3
"""Of the picture's longer side: faces that the view with a rim is for."""
_SURE = 0.8
"""Score of a large face in the whole picture that makes that view needless: parts of a face reach 0.77."""


class Scan(TypedDict):
    """What to look at: see `BlazeFace.find`."""

    tiled: bool
    smallest: float
    turns: Sequence[int]


Seen = tuple[FloatArray, FloatArray]
"""Rows (N, 8) of box and both eyes, and their scores (N,)."""


class Candidates(NamedTuple):
    """What BlazeFace saw, best first, in full-picture pixels."""

    boxes: FloatArray
    """(N, 4) left, top, right, bottom."""
    eyes: FloatArray
    """(N, 2, 2) eye at the left and at the right of the upright face; pixels off on small faces."""
    scores: FloatArray
    """(N,) in [0, 1]."""


class BlazeFace:
    """Looks at a whole picture, at tiles of it, and at turned copies."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find(
        self, picture: Picture, confidence: float, *, tiled: bool, smallest: float, turns: Sequence[int] = (0,)
    ) -> Candidates:
        """All faces of at least `smallest` pixels scored `confidence` or more.

        `tiled` looks at overlapping tiles too, so small that the smallest face can be seen; `turns` are the quarter
        turns to try (0 = as it is).
        """
        size = Size.of(picture)
        pyramid = Pyramid(picture, _SIDE)
        found = self._looks(pyramid, [_whole(size)], turns, confidence)
        if not any(scores.max(initial=0) >= _SURE for _, scores in _large(found, size)):
            found += _large(self._looks(pyramid, [_with_rim(size)], turns, confidence), size)
        if tiled:
            found += self._looks(pyramid, list(_tiled(size, smallest)), turns, confidence)
        return _merged([found[turn :: len(turns)] for turn in range(len(turns))])

    def glance(
        self, picture: Picture, confidence: float, before: float, time: float, **scan: Unpack[Scan]
    ) -> Candidates:
        """As `find`, of the views whose turn it is between two times in seconds: small faces twice a second, those of
        three times the size three times as often, and so on."""
        size, turns = Size.of(picture), scan["turns"]
        pyramid = Pyramid(picture, _SIDE)
        views = _due(size, scan["smallest"] if scan["tiled"] else None, before, time)
        found = self._looks(pyramid, views, turns, confidence)
        return _merged([found[turn :: len(turns)] for turn in range(len(turns))])

    def _looks(self, picture: Pyramid, views: Sequence[Region], turns: Sequence[int], confidence: float) -> list[Seen]:
        """The looks at each view, one a turn."""
        looks = list(product(views, turns))
        if not looks:
            return []
        with ThreadPoolExecutor(min(len(looks), threads()), "multifaceswap-look") as workers:
            return list(workers.map(self._look, repeat(picture), *zip(*looks, strict=True), repeat(confidence)))

    def look(self, picture: Picture, view: Region, turn: int, confidence: float) -> Seen:
        """One look at a region: rows (N, 8) of box and both eyes in full-picture pixels, and scores (N,)."""
        return self._look(Pyramid(picture, max(Size.of(picture))), view, turn, confidence)

    def _look(self, picture: Pyramid, view: Region, turn: int, confidence: float) -> Seen:
        matrix = _letterbox(view, turn)
        image = picture.crop(Placement(matrix, Size(_SIDE, _SIDE)), max(view.size) / _SIDE)
        raw, logits = self._session.run({"input_1": image[None] * 2 - 1}, [(1, _CELLS**2, _NUMBERS), (1, _CELLS**2, 1)])
        rows, scores = _decode(raw[0], logits[0, :, 0], confidence)
        rows = _to_picture(rows, inverse(matrix))
        whole = np.array([not cut_by_tile(row[:4], view, picture.size) for row in rows], bool)
        return rows[whole], scores[whole]


def _due(size: Size, smallest: float | None, before: float, time: float) -> list[Region]:
    """The views whose turn it is: tiles, of each size in turn, then the whole picture with and without a rim."""
    levels = [] if smallest is None else [list(level) for level in _levels(size, smallest)]
    levels += [[_whole(size), _with_rim(size)]]
    views: list[Region] = []
    for finer, level in enumerate(levels):
        due = turns_of(len(level), 0, before, time, CADENCE / _LEVEL_STEP**finer)
        views += [level[number % len(level)] for number in due]
    return views


def _tiled(size: Size, smallest: float) -> Iterator[Region]:
    return chain.from_iterable(_levels(size, smallest))


def _levels(size: Size, smallest: float) -> Iterator[list[Region]]:
    """Tiles of rising size."""
    side = round(_SIDE * max(smallest, _SMALLEST) / _SMALLEST)
    while side < max(size):
        yield tiles(size, side)
        side *= _LEVEL_STEP


def _whole(size: Size) -> Region:
    return Region(0, 0, *size)


def _with_rim(size: Size) -> Region:
    return _whole(size).grown(round(max(size) * (_RIM - 1) / 2))


def _large(found: Sequence[Seen], size: Size) -> list[Seen]:
    """Only the faces so large that other views may miss them, and beside which there is no room for one that fills
    the picture."""
    large = [(rows[:, 2:4] - rows[:, :2]).max(1, initial=0) >= _LARGE * max(size) for rows, _ in found]
    return [(rows[kept], scores[kept]) for (rows, scores), kept in zip(found, large, strict=True)]


def _letterbox(view: Region, turn: int) -> Matrix:
    """The view, turned by quarter turns about its middle, fitted into the middle of the square input."""
    scale = _SIDE / max(view.size)
    quarter = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], float)[turn % 4]
    linear = scale * np.array([[quarter[0], -quarter[1]], [quarter[1], quarter[0]]])
    middle = np.array([view.left + view.right, view.top + view.bottom]) / 2
    return np.hstack([linear, (_SIDE / 2 - linear @ middle)[:, None]])


def _decode(raw: FloatArray, logits: FloatArray, confidence: float) -> tuple[FloatArray, FloatArray]:
    scores = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
    kept = np.flatnonzero(scores >= confidence)
    cells = np.stack([kept % _CELLS, kept // _CELLS], 1)
    anchors = (cells + 0.5) * (_SIDE / _CELLS)
    centre, half = raw[kept, :2] + anchors, raw[kept, 2:4] / 2
    eyes = raw[kept, 4:8] + np.tile(anchors, 2)
    return np.hstack([centre - half, centre + half, eyes]).astype(np.float32), scores[kept].astype(np.float32)


def _to_picture(rows: FloatArray, matrix: Matrix) -> FloatArray:
    points = transform_points(matrix, rows.reshape(-1, 2)).reshape(-1, 4, 2)
    low, high = points[:, :2].min(1), points[:, :2].max(1)
    return np.hstack([low, high, points[:, 2], points[:, 3]]).astype(np.float32).reshape(-1, 8)


def _merged(turns: list[list[Seen]]) -> Candidates:
    """By turn: eyes that were seen the other way round would average to a point."""
    parts = [weighted_nms(*joined(found), _MERGE_OVERLAP) for found in turns]
    rows, scores = joined(parts)
    order = np.argsort(-scores, kind="stable")
    return Candidates(rows[order, :4], rows[order, 4:].reshape(-1, 2, 2), scores[order])


def joined(found: Sequence[Seen]) -> Seen:
    """Everything seen in several looks."""
    if not found:
        return np.zeros((0, 8), np.float32), np.zeros(0, np.float32)
    return np.concatenate([rows for rows, _ in found]), np.concatenate([scores for _, scores in found])
