"""Soft masks of crops, (H, W) in [0, 1]."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from .types import FloatArray


def feathered(mask: FloatArray, share: float) -> FloatArray:
    """The mask with a rim softened inwards by `share` of its side; 0 leaves it as it is. Never grows."""
    if share <= 0:
        return mask
    radius = max(round(share * max(mask.shape) / 2), 1)
    inner = cv2.erode(np.pad(mask, 1), np.ones((2 * radius + 1,) * 2, np.uint8), borderValue=0)
    soft = cv2.GaussianBlur(inner, (0, 0), radius / 2)[1:-1, 1:-1]
    return np.minimum(soft, mask)


@lru_cache(maxsize=16)
def box_mask(side: int, margin: float = 0.04, feather: float = 0.12) -> FloatArray:
    """(side, side) 1 in the middle, falling to 0 `margin` before the border over `feather`, as shares of the side.

    Read-only, shared between calls: for models whose crop borders must not show.
    """
    position = (np.arange(side, dtype=np.float32) + 0.5) / side
    inward = np.clip((np.minimum(position, 1 - position) - margin) / feather, 0, 1)
    ramp = inward * inward * (3 - 2 * inward)
    mask = np.outer(ramp, ramp)
    mask.flags.writeable = False
    return mask


@lru_cache(maxsize=16)
def rim_mask(side: int) -> FloatArray:
    """(side, side) a square of round corners, 1 inside, falling to 0 at the border. Read-only, shared between calls."""
    return _fixed(_falling(_radius(side, (0.5, 0.5), (0.5, 0.5), power=6), 0.84, 0.98))


@lru_cache(maxsize=16)
def oval_mask(side: int) -> FloatArray:
    """(side, side) where a face lies in a crop of ArcFace's alignment. Read-only, shared between calls.

    For faces of which nothing but the five landmarks is known.
    """
    oval = _falling(_radius(side, (0.5, 0.56), (0.44, 0.52), power=2.4), 0.75, 1.0)
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
