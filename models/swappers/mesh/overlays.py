"""What lies over a face in thin lines, and is taken off where it isn't wanted: glasses, a donor's strands of hair."""

from __future__ import annotations

from math import ceil
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ....pipeline.compose.lines import lines_of
from ....pipeline.faces.regions import Area, dilated
from ....pipeline.geometry import resized
from ....pipeline.types import ImageF32, Mask, Mesh, Size

_SIDE = 192
_AROUND = 0.008
"""Of the crop's side: what lines shade beside them."""
_SOFT = 0.004
_REACH = 0.02
"""Of the crop's side: from how far around the skin's colours are taken."""


class Overlays(NamedTuple):
    """(h, w) each, smaller than the crop: 1 on what lies over a face and what it shades beside it; None where nothing
    does."""

    glasses: Mask | None
    strands: Mask | None
    """Of hair that hangs into the face."""


def overlays_of(image: ImageF32, mesh: Mesh) -> Overlays:
    """What lies over a face in its crop (H, W, 3); `mesh` (468, 3) is in pixels of the crop."""
    size = Size.of(image)
    scale = _SIDE / max(size)
    small = Size(ceil(size.width * scale), ceil(size.height * scale))
    x, y = small.width / size.width, small.height / size.height
    lines = lines_of(np.clip(resized(image, small), 0, 1), mesh * np.array([x, y, x]))
    return Overlays(_grown(lines.glasses), _grown(lines.strands))


def _grown(lines: Area) -> Mask | None:
    return dilated(lines, max(_AROUND * max(lines.shape), 1)).astype(np.float32) if lines.any() else None


def taken_off(image: ImageF32, lines: Mask) -> tuple[ImageF32, Mask]:
    """The picture (H, W, 3) without these lines (h, w), filled in from around, and (H, W) in [0, 1] where it changed.

    Filled in after Telea, "An Image Inpainting Technique Based on the Fast Marching Method", 2004.
    """
    size = Size.of(image)
    area = (resized(lines, size) > 0.5).astype(np.uint8)
    left, top, width, height = cv2.boundingRect(area)
    reach = max(round(_REACH * max(size)), 2)
    part = np.s_[max(top - reach, 0) : top + height + reach, max(left - reach, 0) : left + width + reach]
    result = image.copy()
    result[part] = _filled(image[part], area[part], reach)
    soft = cv2.GaussianBlur(area.astype(np.float32), (0, 0), max(_SOFT * max(size), 0.5))
    return result, np.asarray(soft, np.float32)


def _filled(image: ImageF32, area: NDArray[np.uint8], reach: float) -> ImageF32:
    levels = np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)
    filled = cv2.inpaint(levels, area, reach, cv2.INPAINT_TELEA).astype(np.float32) / 255
    return np.where(area[..., None] > 0, filled, image).astype(np.float32)
