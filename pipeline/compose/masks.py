"""Soft masks of crops, (H, W) in [0, 1]."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from ..geometry import resized
from ..types import FloatArray, Size

_SOFTNESS = 0.03
"""Of the side: twice 11 pixels of 512, as variances add up."""
_SOFT_SIDE = 128
"""What is so soft is softened at this size, whatever the crop's."""


def feathered(mask: FloatArray, share: float) -> FloatArray:
    """The mask with a softer rim; 0 leaves it as it is. Never grows.

    `share` 0 to 0.5 is how far the rim reaches inwards: at 0.5 the weight falls from the mask's middle to its rim.
    """
    if share <= 0:
        return mask
    full = Size.of(mask)
    ratio = min(1.0, _SOFT_SIDE / max(full))
    small = resized(mask, Size(max(round(full.width * ratio), 1), max(round(full.height * ratio), 1)))
    depth = cv2.distanceTransform(np.pad((small > 0.5).astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    reach = max(2 * share * float(depth.max()), 1e-6)
    ramp = np.clip(depth / reach, 0, 1)
    return np.minimum(resized((ramp * ramp * (3 - 2 * ramp)).astype(np.float32), full), mask)


@lru_cache(maxsize=16)
def square_mask(side: int) -> FloatArray:
    """(side, side) nearly the whole crop of a restorer, falling to 0 at the border. Read-only, shared between calls.

    As wide and as soft as facexlib makes it in the picture (`utils/face_restoration_helper.py`).
    """
    position = (np.arange(side, dtype=np.float32) + 0.5) / side
    ramp = 1 - _falling(np.minimum(position, 1 - position), 0.015, 0.085)
    return _fixed(np.outer(ramp, ramp))


def softened(mask: FloatArray) -> FloatArray:
    """A hard mask (H, W) of a parsed face with soft edges, as soft as facexlib makes them."""
    size = Size.of(mask)
    small = resized(mask, Size(min(size.width, _SOFT_SIDE), min(size.height, _SOFT_SIDE)))
    return resized(cv2.GaussianBlur(small, (0, 0), _SOFTNESS * max(small.shape)), size)


@lru_cache(maxsize=16)
def rim_mask(side: int) -> FloatArray:
    """(side, side) a square of round corners, 1 inside, falling to 0 at the border. Read-only, shared between calls."""
    return _fixed(_falling(_radius(side, (0.5, 0.5), (0.5, 0.5), power=6), 0.84, 0.98))


@lru_cache(maxsize=16)
def oval_mask(side: int) -> FloatArray:
    """(side, side) where a face lies in a crop of ArcFace's alignment. Read-only, shared between calls.

    For faces of which nothing but the five landmarks is known; a mesh reaches 0.32 to both sides, 0.36 up and down.
    """
    oval = _falling(_radius(side, (0.5, 0.565), (0.42, 0.46), power=2.4), 0.75, 1.0)
    return _fixed(np.minimum(oval, rim_mask(side)))


def outline_mask(points: FloatArray, side: int) -> FloatArray:
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


def _falling(values: FloatArray, high: float, low: float) -> FloatArray:
    """1 up to `high`, 0 from `low` on, smooth between."""
    ramp = np.clip((low - values) / (low - high), 0, 1)
    return (ramp * ramp * (3 - 2 * ramp)).astype(np.float32)


def _fixed(mask: FloatArray) -> FloatArray:
    mask.flags.writeable = False
    return mask
