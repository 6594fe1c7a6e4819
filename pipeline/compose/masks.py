"""Soft masks of crops, (H, W) in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, reduce

import cv2
import numpy as np
from numpy.typing import NDArray

from ..geometry import resized, similarity, warp
from ..templates import ARCFACE_128
from ..types import FloatArray, Mask, Points, Size

_RIM = 0.08
"""How far the rims of hard masks are softened inwards, as `feathered` counts."""
_SOFT_SIDE = 128
"""What is so soft is softened at this size, whatever the crop's."""
_HOLE, _HOLES = 0.25, 0.01
"""Below what weight a mask has a hole, and how large all are together, of the mask's area."""


def combined(soft: Sequence[Mask], hard: Sequence[Mask] = (), feather: float = 0.0) -> Mask:
    """The least of several masks (H, W) of one crop, at least one in all, in [0, 1], its rim softened inwards once.

    Soft ones have a rim of their own, and keep it where `feather` is 0. Hard ones get one where they end within the
    crop. `feather` 0 to 0.5 softens all rims further: see `feathered`.
    """
    least = in_range(_least([*soft, *hard]))
    if feather > 0:
        return feathered(least, max(feather, _RIM) if hard else feather)
    return np.minimum(least, _ramp(_least(hard), _RIM, border=1)) if hard else least


def in_range(weights: FloatArray) -> FloatArray:
    """A new array of the same shape with every weight in [0, 1]; what is no number weighs nothing.

    The one place where this is done: on each crop's masks as they are combined, and on what `paste` writes with.
    """
    return np.fmin(np.fmax(weights, 0), 1)


def _least(masks: Sequence[Mask]) -> Mask:
    return reduce(np.minimum, masks)


def rising(hard: Mask, share: float) -> Mask:
    """(H, W) 0 where a hard mask is 0, and from there rising to 1 over this share of its longer side."""
    return _risen((hard > 0.5).astype(np.uint8), share * max(hard.shape), border=1)


def fading(hard: Mask, share: float) -> Mask:
    """(H, W) 1 where a hard mask is 1 and in its small gaps, falling to 0 at this share of its longer side around."""
    away = cv2.distanceTransform((hard <= 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    reach = max(share * max(hard.shape), 2.0)
    return _falling(np.asarray(away, np.float32), reach / 2, reach)


def feathered(mask: Mask, share: float) -> Mask:
    """The mask with a softer rim; 0 leaves it as it is. Never grows.

    `share` 0 to 0.5 is how far the rim reaches inwards: at 0.5 the weight falls from the mask's middle to its rim.
    """
    return np.minimum(mask, _ramp(mask, share, border=0)) if share > 0 else mask


def _ramp(mask: Mask, share: float, border: int) -> Mask:
    """(H, W) rising from 0 at the mask's rim to 1; `border` 1 says that the mask goes on beyond the crop."""
    full = Size.of(mask)
    ratio = min(1.0, _SOFT_SIDE / max(full))
    small = resized(mask, Size(max(round(full.width * ratio), 1), max(round(full.height * ratio), 1)))
    # Half of its own most: a mask that lets half of a swap through at most has a rim too.
    inside = (small > small.max() / 2).astype(np.uint8)
    ramp = _risen(inside, 2 * share * float(_depth(inside, 0).max()), border)
    return resized(ramp, full)


def _risen(inside: NDArray[np.uint8], reach: float, border: int) -> Mask:
    """(h, w) from 0 outside to 1 as many pixels within."""
    whole = max(reach, 1e-6)
    # Where nothing is outside, the depth is the largest number that there is.
    ramp = np.minimum(_depth(inside, border), whole) / whole
    return (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)


def _depth(inside: NDArray[np.uint8], border: int) -> FloatArray:
    """(h, w) how many pixels lie between each pixel and the nearest outside; 0 there."""
    padded = np.pad(inside, 1, constant_values=border)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5), np.float32)[1:-1, 1:-1]


@lru_cache(maxsize=16)
def square_mask(side: int) -> Mask:
    """(side, side) nearly the whole crop of a restorer, falling to 0 at the border. Read-only, shared between calls.

    As wide and as soft as facexlib makes it in the picture (`utils/face_restoration_helper.py`).
    """
    position = (np.arange(side, dtype=np.float32) + 0.5) / side
    ramp = 1 - _falling(np.minimum(position, 1 - position), 0.015, 0.085)
    return _fixed(np.outer(ramp, ramp))


@lru_cache(maxsize=16)
def rim_mask(side: int) -> Mask:
    """(side, side) a square of round corners, 1 inside, falling to 0 at the border. Read-only, shared between calls."""
    return _fixed(_falling(_radius(side, (0.5, 0.5), (0.5, 0.5), power=6), 0.84, 0.98))


def oval_mask(template: Points, side: int) -> Mask:
    """(side, side) where a face lies in a crop of this alignment: the five landmarks (5, 2) in the unit square.

    For faces of which nothing but the five landmarks is known. In ArcFace's alignment a mesh reaches 0.32 to both
    sides, 0.36 up and down.
    """
    oval = np.asarray(_falling(_radius(side, (0.5, 0.565), (0.42, 0.46), power=2.4), 0.75, 1.0), np.float32)
    if not np.array_equal(template, ARCFACE_128):
        oval = warp(oval, similarity(ARCFACE_128 * side, template * side), Size(side, side))
    return np.minimum(oval, rim_mask(side))


def is_empty(mask: Mask) -> bool:
    """Whether a mask (H, W) in [0, 1] weighs nothing anywhere, as holes do."""
    return bool(mask.max(initial=0) < _HOLE)


def has_holes(mask: Mask) -> bool:
    """Whether a mask of a face (H, W) in [0, 1] has holes that nothing before the face explains: within it, without a
    way to its outside, as large together as an eye at least. Half precision leaves such on some GPUs."""
    outside = np.pad((mask < _HOLE).astype(np.uint8), 1, constant_values=1)
    count, labels = cv2.connectedComponents(outside, connectivity=4)
    sizes = np.bincount(labels.ravel(), minlength=count)
    inside = sizes.sum() - sizes[0] - sizes[labels[0, 0]]
    return bool(count > 1 and inside > _HOLES * sizes[0])


def outline_mask(points: Points, side: int) -> Mask:
    """(side, side) the soft hull of a face's mesh points (N, 2) in crop pixels, a little wider than the face."""
    hull = cv2.convexHull(points.astype(np.float32))[:, 0]
    mask = np.zeros((side, side), np.float32)
    # OpenCV counts from pixel middles, in sixteenths here.
    cv2.fillPoly(mask, [np.rint((hull - 0.5) * 16).astype(np.int32)], 1.0, shift=4)
    wider = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (max(round(side * 0.06), 1),) * 2))
    soft = cv2.GaussianBlur(wider, (0, 0), side * 0.04)
    # The far tails of the blur would only touch pixels for nothing.
    return np.minimum(np.clip((soft - 0.02) / 0.96, 0, 1), rim_mask(side))


def _radius(side: int, centre: tuple[float, float], radii: tuple[float, float], power: float) -> FloatArray:
    """Distance from the centre, 1 on the superellipse of these radii; all as shares of the side."""
    position = (np.arange(side, dtype=np.float32) + 0.5) / side
    x, y = (np.abs((position - c) / r) ** power for c, r in zip(centre, radii, strict=True))
    return (x[None, :] + y[:, None]) ** (1 / power)


def _falling(values: FloatArray, high: float, low: float) -> Mask:
    """1 up to `high`, 0 from `low` on, smooth between."""
    ramp = np.clip((low - values) / (low - high), 0, 1)
    return (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)


def _fixed(mask: Mask) -> Mask:
    mask.flags.writeable = False
    return mask
