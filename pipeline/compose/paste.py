"""Writes a changed crop back into its picture: the region of interest only, whatever the picture's size."""

from __future__ import annotations

import cv2
import numpy as np

from ..bands import full_scale
from ..geometry import Region, bounds, compose, corners, inverse, transform_points, warp
from ..types import DEFAULT_INTERPOLATION, FloatArray, ImageF32, Interpolation, Mask, Matrix, Picture, Size
from .masks import in_range

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Rec. 601, as Pillow and OpenCV turn colour to grey."""
_PIXELS_AT_ONCE = 16384


def paste(
    out: Picture,
    image: ImageF32,
    mask: Mask,
    matrix: Matrix,
    interpolation: Interpolation = DEFAULT_INTERPOLATION,
    *,
    changed: Mask | None = None,
    limit: Mask | None = None,
) -> Region | None:
    """Blend a crop into `out` (H, W, C) in place; `out` is the caller's own copy.

    `image` (h, w, 3) and `mask` (h, w) are the crop and its weight, both in [0, 1]; `matrix` leads from the picture to
    the crop. `limit` (H, W) scales the weight in the picture; `changed` (H, W) collects, by maximum, the weight with
    which pixels were written. Where the weight is 0 no bit changes; integers are rounded to nearest. Alpha is kept.
    Returns the region that holds all pixels written to; None where there is none.
    """
    region = _touched(mask, matrix, Size.of(out))
    if region is None:
        return None
    to_crop = compose(to_region(region), inverse(matrix))
    alpha = warp(mask, to_crop, region.size)
    if limit is not None:
        alpha = alpha * limit[region.slices]
    alpha = in_range(alpha)  # averages of float32 end a little above 1
    colours = _colours(out[region.slices])
    swapped = _in_channels(warp(image, to_crop, region.size, interpolation), colours.shape[2])
    _blend(colours, swapped, alpha)
    if changed is not None:
        np.maximum(changed[region.slices], alpha, out=changed[region.slices])
    return region


def to_region(region: Region) -> Matrix:
    """From picture coordinates to region coordinates."""
    return np.array([[1.0, 0.0, -region.left], [0.0, 1.0, -region.top]])


def _touched(mask: Mask, matrix: Matrix, size: Size) -> Region | None:
    left, top, width, height = cv2.boundingRect((mask > 0).view(np.uint8))
    if not width:
        return None
    # One crop pixel more: interpolation carries weight half a crop pixel outwards.
    used = Region(left, top, left + width, top + height).grown(1)
    region = bounds(transform_points(inverse(matrix), corners(used))).within(size)
    return None if region.empty else region


def _colours(region: Picture) -> Picture:
    return region if region.shape[2] == 1 else region[..., :3]


def _in_channels(image: ImageF32, channels: int) -> FloatArray:
    return image if channels == 3 else (image @ _LUMA)[..., None]


def _blend(target: Picture, image: ImageF32, alpha: Mask) -> None:
    """A few rows at a time, so that all that is made on the way stays in the processor's cache."""
    step = max(_PIXELS_AT_ONCE // alpha.shape[1], 1)
    for top in range(0, len(alpha), step):
        rows = slice(top, top + step)
        _blend_rows(target[rows], image[rows], alpha[rows])


def _blend_rows(target: Picture, image: ImageF32, alpha: Mask) -> None:
    """In [0, 1] whatever the target's dtype: the same picture gets the same result as whole numbers and as floats."""
    base = target.astype(np.float32)
    if target.dtype.kind == "u":
        base /= np.float32(full_scale(target))
    # One weight a channel: arrays of one shape are worked through several times as fast.
    weight = alpha[..., None] if base.shape[2] == 1 else cv2.merge([alpha] * 3)
    image = np.clip(image, 0, 1)
    image -= base
    image *= weight
    image += base
    if target.dtype.kind == "u":
        # Where the weight is 0, this is the whole number that it was.
        image *= np.float32(full_scale(target))
        np.copyto(target, np.rint(image, out=image), casting="unsafe")
    else:
        np.copyto(target, image, casting="unsafe", where=weight > 0)
