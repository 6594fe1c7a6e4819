"""An invisible mark in swapped faces: a faint pattern that is fixed to the face, found again by `watermark_detection`.

Spread spectrum (Cox, Kilian, Leighton, Shamoon, "Secure spread spectrum watermarking for multimedia", 1997), with the
pattern's place chosen by what the face shows already (informed embedding: Cox, Miller, McKellips, 1999).
"""

from __future__ import annotations

from functools import reduce
from typing import Final

import cv2
import numpy as np

from ..pipeline.bands import full_scale
from ..pipeline.compose.paste import to_region
from ..pipeline.geometry import Region, bounds, compose, corners, extract_crop, inverse, transform_points, warp
from ..pipeline.types import Face, Mask, Matrix, Picture, Size
from .watermark_pattern import KEY, SIDE, luma, pattern, placement, spectrum, window
from .whitening import agreement

PSNR: Final = 45.2
"""dB of the pattern alone over what was swapped of a face. Rounded to 8 bits it leaves 44.8, and over those pixels alone
whose numbers it changes more than 42."""
_SMOOTH: Final = 0.6
_ROUGH: Final = 1.3
_FROM_TEXTURE: Final = 50
_DARKEST: Final = 0.35
_BRIGHT: Final = 0.25
_PEAK: Final = 3.0
_PIXELS_AT_ONCE: Final = 1 << 18


def embed(picture: Picture, face: Face, changed: Mask, key: str = KEY) -> None:
    """Mark a face that was swapped in `picture` (H, W, C), in place: the same amount in all colours, alpha stays.

    `changed` (H, W) in [0, 1] is how much of each pixel was swapped, and so how much of the pattern it takes: where it
    is 0, no bit changes. Integers are rounded to nearest.
    """
    place = placement(face)
    mask = extract_crop(changed[..., None], place)[..., 0] * window()
    if mask.any():
        marks = _marks(luma(extract_crop(picture, place)), mask, key)
        _add(picture, marks, _region(mask, place.matrix, Size.of(picture)), place.matrix, changed)


def _marks(grey: Mask, mask: Mask, key: str) -> Mask:
    """(256, 256) what is added to a crop, in [0, 1], before it is weighted with what was changed."""
    marks = _where_it_agrees(grey, key) * _strengths(grey) * window()
    limit = _PEAK * float(marks.std())
    marks = np.clip(marks, -limit, limit)
    shown = marks[mask > 0] * (mask / np.maximum(window(), 1e-6))[mask > 0]
    return marks * np.float32(10 ** (-PSNR / 20) / max(float(np.sqrt(np.mean(shown * shown))), 1e-12))


def _where_it_agrees(grey: Mask, key: str) -> Mask:
    """The pattern, shifted to where the face itself agrees with it best: the search starts from there."""
    best = np.argmax(agreement(_flattened(grey), spectrum(key)))
    return np.roll(pattern(key), np.unravel_index(best, (SIDE, SIDE)), (0, 1))


def _flattened(grey: Mask) -> Mask:
    """As `whitening.whitened`, for this purpose as good, in a thirtieth of the time."""
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 2.5)
    local = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 4)) + np.float32(0.002)
    return np.clip(fine / local, -1, 1) * window()


def _strengths(grey: Mask) -> Mask:
    """(256, 256) how much of the pattern each place hides: more where there is texture, less where it is dark."""
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 2)
    texture = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 4))
    return np.clip(0.5 + _FROM_TEXTURE * texture, _SMOOTH, _ROUGH) * np.clip(grey / _BRIGHT, _DARKEST, 1)


def _region(mask: Mask, matrix: Matrix, size: Size) -> Region:
    """The part of a picture that shows what of a crop has a mask."""
    left, top, width, height = cv2.boundingRect((mask > 0).view(np.uint8))
    used = Region(left, top, left + width, top + height)
    return bounds(transform_points(inverse(matrix), corners(used))).within(size)


def _add(picture: Picture, marks: Mask, region: Region, matrix: Matrix, changed: Mask) -> None:
    """A few rows at a time: large faces take little memory."""
    if region.empty:
        return
    step = max(_PIXELS_AT_ONCE // region.size.width, 1)
    for top in range(region.top, region.bottom, step):
        rows = region._replace(top=top, bottom=min(top + step, region.bottom))
        added = warp(marks, compose(to_region(rows), inverse(matrix)), rows.size, "Bicubic") * changed[rows.slices]
        _add_rows(picture[rows.slices], added)


def _add_rows(picture: Picture, added: Mask) -> None:
    full = np.float32(full_scale(picture))
    planes = [picture[..., channel].astype(np.float32) for channel in range(min(picture.shape[2], 3))]
    # No colour reaches its end before the others: a tint would be seen sooner than the pattern.
    below, above = reduce(np.minimum, planes), full - reduce(np.maximum, planes)
    amounts = np.clip(added * full, -np.maximum(below, 0), np.maximum(above, 0))
    for channel, plane in enumerate(planes):
        plane += amounts
        whole = np.rint(plane, out=plane) if picture.dtype.kind == "u" else plane
        np.copyto(picture[..., channel], whole, casting="unsafe", where=added != 0)
