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
from ..pipeline.geometry import (
    Region,
    bounds,
    compose,
    corners,
    extract_crop,
    inverse,
    scale_of,
    transform_points,
    warp,
)
from ..pipeline.types import Face, Mask, Matrix, Picture, Size
from .watermark_pattern import KEY, SIDE, luma, pattern, placement, spectrum, window
from .watermark_strength import amplitude, concealment, strongest_agreement

_LASTING: Final = 128
"""Pixels from which on faces keep their mark in a JPEG of quality 75; of 96, one in ten did."""
_PEAK: Final = 3.0
_PIXELS_AT_ONCE: Final = 1 << 18


def mark_face(picture: Picture, face: Face, changed: Mask, *, fixed: bool = False) -> str | None:
    """As `embed`; a line for the report, empty but where the mark may not last, and None where nothing was marked."""
    if not embed(picture, face, changed, fixed=fixed):
        return None
    side = float((face.box[2:] - face.box[:2]).max())
    return "" if side >= _LASTING else f"smaller than {_LASTING} pixels: copies may lose its watermark"


def embed(picture: Picture, face: Face, changed: Mask, *, fixed: bool = False, key: str = KEY) -> bool:
    """Mark a face that was swapped in `picture` (H, W, C), in place: the same amount in all colours, alpha stays.

    `changed` (H, W) in [0, 1] is how much of each pixel was swapped, and so how much of the pattern it takes: where it
    is 0, no bit changes. Integers are rounded to nearest. `fixed` puts the pattern in one place of the face, for
    frames of a clip, and not where the face agrees with it best. False where nothing of the face was swapped.
    """
    place = placement(face)
    mask = extract_crop(changed[..., None], place)[..., 0] * (window() > 0)
    if not mask.any():
        return False
    side = round(SIDE / scale_of(place.matrix))
    marks = _marks(luma(extract_crop(picture, place)), mask, side, key, fixed)
    _add(picture, marks, _region(mask, place.matrix, Size.of(picture)), place.matrix, changed)
    return True


def _marks(grey: Mask, mask: Mask, side: int, key: str, fixed: bool) -> Mask:
    """(256, 256) what is added to a crop, in [0, 1], before it is weighted with what was changed."""
    shift = (0, 0) if fixed else strongest_agreement(grey, spectrum(key))
    marks = np.roll(pattern(key), shift, (0, 1)) * concealment(grey) * window()
    limit = _PEAK * float(marks.std())
    marks = np.clip(marks, -limit, limit)
    marks /= max(float(np.sqrt(np.mean(marks[mask > 0] ** 2))), 1e-6)
    return marks * np.float32(amplitude(grey, marks * mask, shift, spectrum(key), side))


def _region(mask: Mask, matrix: Matrix, size: Size) -> Region:
    """The part of a picture that shows what of a crop has a mask."""
    left, top, width, height = cv2.boundingRect((mask > 0).view(np.uint8))
    used = Region(left, top, left + width, top + height)
    return bounds(transform_points(inverse(matrix), corners(used))).within(size)


def _add(picture: Picture, marks: Mask, region: Region, matrix: Matrix, changed: Mask) -> None:
    """A few rows at a time: large faces take little memory."""
    step = max(_PIXELS_AT_ONCE // max(region.size.width, 1), 1)
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
    if picture.dtype.kind == "u":
        amounts = np.rint(amounts)  # and not the sums, whose halves go to the even number: one up, another down
    for channel, plane in enumerate(planes):
        np.copyto(picture[..., channel], plane + amounts, casting="unsafe", where=amounts != 0)
