"""What restorers share that work on a face's own pixels instead of a published alignment's size."""

from __future__ import annotations

import numpy as np

from ...pipeline.geometry import scale_of
from ...pipeline.templates import FFHQ_512
from ...pipeline.types import CropSpec, Face, ImageF32, Placement
from ..alignment import published_placement

_LEAST = 64


def own_pixels(face: Face, most: int) -> Placement:
    """FFHQ's alignment with about one pixel for each that the face has in its picture, sides of 64 to `most` pixels."""
    whole = published_placement(face, CropSpec(FFHQ_512, _LEAST))
    side = round(_LEAST / max(scale_of(whole.matrix), 1e-6) / 8) * 8
    return published_placement(face, CropSpec(FFHQ_512, min(max(side, _LEAST), most)))


def blended(crop: ImageF32, restored: ImageF32, share: float) -> ImageF32:
    """(H, W, 3): the share of the restored crop in a blend with the crop."""
    return np.asarray(crop + (restored - crop) * np.float32(share), np.float32) if share < 1 else restored
