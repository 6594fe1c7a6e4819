"""Boxes (N, 4) left, top, right, bottom in pixels: overlap, suppression, merging, tiles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .geometry import Region
from .types import Box, FloatArray, Size

Indices = NDArray[np.intp]


def areas(boxes: FloatArray, pixel: float = 0.0) -> FloatArray:
    """(N,) areas; `pixel` = 1 counts the border pixel in, as older detectors do."""
    return (boxes[:, 2] - boxes[:, 0] + pixel) * (boxes[:, 3] - boxes[:, 1] + pixel)


def iou(box: Box, boxes: FloatArray, pixel: float = 0.0) -> FloatArray:
    """(N,) intersection over union of one box (4,) with many (N, 4)."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:], boxes[:, 2:])
    shared = np.prod(np.maximum(high - low + np.float32(pixel), 0), axis=1)
    union = areas(box[None], pixel)[0] + areas(boxes, pixel) - shared
    return (shared / np.maximum(union, 1e-9)).astype(np.float32)


def nms(boxes: FloatArray, scores: FloatArray, threshold: float, pixel: float = 0.0) -> Indices:
    """Greedy non-maximum suppression: the indices kept, best first. A box goes when it overlaps a kept one by more than
    `threshold`."""
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while order.size:
        kept.append(int(order[0]))
        rest = order[1:]
        order = rest[iou(boxes[order[0]], boxes[rest], pixel) <= threshold]
    return np.array(kept, np.intp)


def weighted_nms(rows: FloatArray, scores: FloatArray, threshold: float) -> tuple[FloatArray, FloatArray]:
    """Weighted non-maximum suppression: overlapping rows (N, 4 + more) become one, averaged by score (N,).

    As MediaPipe's `non_max_suppression_calculator` does in its WEIGHTED mode. Returns rows and scores, best first.
    """
    order = np.argsort(-scores, kind="stable")
    merged: list[FloatArray] = []
    best: list[float] = []
    while order.size:
        near = iou(rows[order[0], :4], rows[order, :4]) > threshold
        near[0] = True
        weights = scores[order[near]][:, None]
        merged.append((rows[order[near]] * weights).sum(0) / weights.sum())
        best.append(float(scores[order[0]]))
        order = order[~near]
    return np.array(merged, np.float32).reshape(-1, rows.shape[1]), np.array(best, np.float32)


def tiles(size: Size, side: int, overlap: float = 0.25) -> list[Region]:
    """Square tiles of about `side` pixels that cover a picture and overlap by at least that share of their side.

    Empty where the picture is no larger than one tile.
    """
    if max(size) <= side:
        return []
    lefts = _starts(size.width, side, overlap)
    tops = _starts(size.height, side, overlap)
    return [Region(x, y, min(x + side, size.width), min(y + side, size.height)) for y in tops for x in lefts]


def _starts(length: int, side: int, overlap: float) -> list[int]:
    if length <= side:
        return [0]
    steps = int(np.ceil((length - side) / (side * (1 - overlap))))
    return [round(step * (length - side) / steps) for step in range(steps + 1)]


def cut_by_tile(box: Box, tile: Region, size: Size, margin: float = 2.0) -> bool:
    """Whether an inner border of the tile cuts the box: the neighbouring tile sees it whole."""
    inner_left, inner_top = tile.left > 0, tile.top > 0
    inner_right, inner_bottom = tile.right < size.width, tile.bottom < size.height
    return bool(
        (inner_left and box[0] < tile.left + margin)
        or (inner_top and box[1] < tile.top + margin)
        or (inner_right and box[2] > tile.right - margin)
        or (inner_bottom and box[3] > tile.bottom - margin)
    )
