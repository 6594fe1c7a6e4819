"""What the mesh says of each pixel of a crop."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from ....pipeline.types import FloatArray, Mask
from .texture import Texture
from .topology import Topology, smoothstep
from .warp import Raster

_TARGET_SIDE = (0.0, 0.3)
"""Facing of the target's skin from which on it is swapped."""


class Fields(NamedTuple):
    """(h, w) in [0, 1] at the size of the raster, unless said otherwise."""

    places: tuple[FloatArray, ...]
    """(h, w, 2) of each layer, in its picture."""
    shares: tuple[Mask, ...]
    """Of each layer but the first."""
    normals: FloatArray
    """(h, w, 3) normals of the skin, about of length 1; 0 outside the mesh."""
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
    layers, others = [layer.places for layer in texture.layers], texture.layers[1:]
    shares = [layer.share for layer in others]
    weights = [seen * texture.quality, topology.swapped, topology.forehead, topology.sides, seen]
    spread = raster.spread(np.hstack([texture.normals, np.stack([*weights, *shares], 1), *layers]))
    fields = np.moveaxis(spread[..., 3 : -2 * len(layers)], 2, 0)
    visible, shown = _softened(fields[0], 0.018), tuple(_softened(share, 0.01) for share in fields[len(weights) :])
    places = np.split(spread[..., -2 * len(layers) :], len(layers), axis=2)
    return Fields(tuple(places), shown, spread[..., :3], visible, *fields[1 : len(weights)])


def _softened(field: Mask, sigma: float) -> Mask:
    """Blurred by a share of the longer side."""
    return np.asarray(cv2.GaussianBlur(field, (0, 0), sigma * max(field.shape)), np.float32)
