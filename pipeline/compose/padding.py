"""Takes a rim off the swapped face, in its own directions."""

from __future__ import annotations

import numpy as np

from ..geometry import similarity, transform_points
from ..padding import Padding
from ..templates import ARCFACE_128
from ..types import Crop, Mask, Patch, Size
from .occlusion import scaled, within


def padded(patch: Patch, crop: Crop, padding: Padding) -> Patch:
    """The patch with the rest of the face among its bounds; unchanged where the padding or its mask is empty."""
    inside = patch.mask > 0.5
    if not any(padding) or not inside.any():
        return patch
    across, down = _axes(crop, Size.of(patch.mask))
    bound = np.ones(patch.mask.shape, np.float32)
    for along, before, behind in ((across, padding.left, padding.right), (down, padding.top, padding.bottom)):
        low, high = float(along[inside].min()), float(along[inside].max())
        step = (high - low) / 100
        bound[(along < low + before * step) | (along > high - behind * step)] = 0
    return within(patch, bound)


def _axes(crop: Crop, size: Size) -> tuple[Mask, Mask]:
    """(H, W) each: how far every pixel lies to the face's right as the picture shows it, and towards its chin."""
    landmarks = transform_points(scaled(crop, size), crop.face.landmarks)
    turn = similarity(landmarks, ARCFACE_128)[:, :2]
    turn = turn / np.hypot(*turn[0])
    x, y = np.arange(size.width) + 0.5, (np.arange(size.height) + 0.5)[:, None]
    across, down = (np.asarray(row[0] * x + row[1] * y, np.float32) for row in turn)
    return across, down
