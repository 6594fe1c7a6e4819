"""The engines that put a donor's face onto a crop of the target by a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ...pipeline.compose.masks import has_holes, is_empty, outline_mask, oval_mask, rim_mask
from ...pipeline.errors import SettingsError
from ...pipeline.geometry import transform_points
from ...pipeline.types import (
    ColourMatch,
    Crop,
    CropSpec,
    Donor,
    Face,
    FloatArray,
    Mask,
    Patch,
    Picture,
    Placement,
    Size,
    View,
)
from ..alignment import published_placement
from ..runtime.onnx import Session
from .network import SwapNetwork
from .pixel_shuffle import pixel_shuffle, pixel_unshuffle
from .sources import Source

PIXEL_BOOSTS: Final = (0, 256, 512, 1024)
"""Sides of the crops that can be swapped, in pixels; 0 for the model's own."""
_INSTEAD = "where the face lies is used instead"


class NeuralSwapper:
    """A network of the catalog. Keeps the target's pose, expression and light by itself.

    Its methods raise as those of `Swapper` do.
    """

    needs_mesh = False
    colour: ColourMatch = "none"

    def __init__(self, network: SwapNetwork, source: Source, spec: CropSpec, *, pixel_boost: int = 0) -> None:
        """`spec`: the crops that the network takes."""
        if pixel_boost not in PIXEL_BOOSTS:
            raise SettingsError(f"pixel_boost: expected one of {', '.join(map(str, PIXEL_BOOSTS))}, got {pixel_boost}")
        self._network = network
        self._source = source
        self._spec = spec
        self._factor = max(pixel_boost // network.size, 1)

    @property
    def sessions(self) -> tuple[Session, ...]:
        return (self._network.session, *self._source.sessions)

    def place(self, face: Face) -> Placement:
        """The alignment that the network was trained on, with each pixel divided where pixels are boosted."""
        matrix, size = published_placement(face, self._spec)
        return Placement(matrix * self._factor, Size(size.width * self._factor, size.height * self._factor))

    def prepare(self, frame: Picture, face: Face, others: Sequence[View] = ()) -> Donor:
        """What the network takes of the donor. Raises EngineError, OutOfMemoryError, and SettingsError for a saved face
        that lacks it."""
        return self._source.prepare(frame, face, others)

    def swap(self, crops: Sequence[Crop], donors: Sequence[Donor], strength: float) -> list[Patch]:
        """One patch a crop. `strength` leads from the target's identity (0) to the donor's (1) and beyond both.

        At 0 the target is left as it is, not made again with its own identity. Where the network takes a picture, it is
        the share of the new face, 0 to 1.
        """
        if not self._source.leads and not 0 <= strength <= 1:
            raise SettingsError(f"strength: this engine takes no identity, expected 0 to 1, got {strength:g}")
        if not crops or strength == 0:
            return [Patch(crop.image, np.zeros(crop.image.shape[:2], np.float32)) for crop in crops]
        parts = np.concatenate([pixel_unshuffle(crop.image, self._factor) for crop in crops])
        sources = np.repeat(self._source.feed(crops, donors, strength), self._factor**2, axis=0)
        # Several crops are tried one by one by the caller, so that one's fault isn't the others'.
        images, masks, wrong = self._network.run(parts, sources, mask_or_none=len(crops) == 1)
        own = [None] * len(crops) if masks is None else self._joined(masks, len(crops))
        share = 1.0 if self._source.leads else strength
        made = zip(crops, self._joined(images, len(crops)), own, strict=True)
        return [self._patch(crop, image, mask, share, wrong) for crop, image, mask in made]

    def _joined(self, parts: FloatArray, count: int) -> list[FloatArray]:
        return [pixel_shuffle(own, self._factor) for own in np.split(parts, count)]

    def _patch(self, crop: Crop, image: FloatArray, own: Mask | None, share: float, wrong: str) -> Patch:
        mask, notes = self._mask(crop, own, wrong)
        blended = image if share == 1 else crop.image + np.float32(share) * (image - crop.image)
        return Patch(np.asarray(blended, np.float32), mask, notes=notes)

    def _mask(self, crop: Crop, own: Mask | None, wrong: str) -> tuple[Mask, tuple[str, ...]]:
        """The network's own mask, else the face's outline, else where faces lie; never up to the crop's border. And a
        note where its own can't be used."""
        side = len(crop.image)
        if own is not None:
            fault = "is empty" if is_empty(own) else "has holes" if has_holes(own) else ""
            if not fault:
                return np.minimum(own, rim_mask(side)), ()
            wrong = f"the mask of {self._network.session.path.name} {fault}"
        notes = (f"{wrong}: {_INSTEAD}",) if wrong else ()
        if crop.face.mesh is not None:
            return outline_mask(transform_points(crop.matrix, crop.face.mesh[:, :2]), side), notes
        return oval_mask(self._spec.template, side), notes
