"""What the mesh says of each pixel of a crop."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from ....pipeline.types import FloatArray, Mask
from .topology import Topology, smoothstep
from .warp import Raster, Texture

_TARGET_SIDE = (0.0, 0.3)
"""Facing of the target's skin from which on it is swapped."""


class Fields(NamedTuple):
    """(h, w) in [0, 1] at the size of the raster, unless said otherwise."""

    first: FloatArray
    """(h, w, 2) places in the donor's picture."""
    second: FloatArray
    """(h, w, 2) places on the donor's other side."""
    normals: FloatArray
    """(h, w, 3) normals of the skin, about of length 1; 0 outside the mesh."""
    share: Mask
    """Of the second."""
    visible: Mask
    """Whether the target's skin faces the viewer and the donor has something to show there."""
    swapped: Mask
    """Whether it belongs to the part of the face that is swapped."""
    forehead: Mask
    """Whether it lies above the brows."""
    sides: Mask
    """Whether it lies at the rim, not at the chin."""
    seen: Mask
    """Whether the target's skin faces the viewer."""


def fields_of(raster: Raster, texture: Texture, topology: Topology) -> Fields:
    """Spread what is known of the mesh points over the raster."""
    seen = smoothstep(*_TARGET_SIDE, texture.seen)
    weights = np.stack(
        [texture.share, seen * texture.quality, topology.swapped, topology.forehead, topology.sides, seen], 1
    )
    spread = raster.spread(np.hstack([texture.first, texture.second, texture.normals, weights]))
    fields = np.moveaxis(spread[..., 7:], 2, 0)
    side = max(fields.shape[1:])
    share = np.asarray(cv2.GaussianBlur(fields[0, ...], (0, 0), 0.01 * side), np.float32)
    visible = np.asarray(cv2.GaussianBlur(fields[1, ...], (0, 0), 0.018 * side), np.float32)
    return Fields(spread[..., :2], spread[..., 2:4], spread[..., 4:7], share, visible, *fields[2:])
