"""The engines that put an ArcFace identity onto a crop of the target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Final

import numpy as np

from ...pipeline import templates
from ...pipeline.compose.masks import outline_mask, oval_mask, rim_mask
from ...pipeline.errors import EngineError, SettingsError
from ...pipeline.geometry import transform_points
from ...pipeline.types import ColourMatch, Crop, Donor, Face, FloatArray, Mask, Patch, Picture, Placement, Size, Vector
from ..alignment import published_placement
from ..embedders.arcface import ArcFace
from ..runtime.onnx import Session
from ..runtime.onnx_file import read_initializer
from .network import IDENTITY, SwapNetwork
from .pixel_shuffle import pixel_shuffle, pixel_unshuffle

PIXEL_BOOSTS: Final = (0, 256, 512, 1024)
"""Sides of the crops that can be swapped, in pixels; 0 for the model's own."""
_MAP_NAMES = ("buff2fs", "emap")


class NeuralSwapper:
    """InSwapper, ReSwapper and HyperSwap. Keeps the target's pose, expression and light by itself.

    Its methods raise as those of `Swapper` do.
    """

    needs_mesh = False
    colour: ColourMatch = "none"

    def __init__(self, network: SwapNetwork, embedder: ArcFace, *, maps: bool = False, pixel_boost: int = 0) -> None:
        """`maps`: the file holds a table that leads from ArcFace's space to the network's."""
        if pixel_boost not in PIXEL_BOOSTS:
            raise SettingsError(f"pixel_boost: expected one of {', '.join(map(str, PIXEL_BOOSTS))}, got {pixel_boost}")
        self._network = network
        self._embedder = embedder
        self._maps = maps
        self._factor = max(pixel_boost // network.size, 1)

    @property
    def sessions(self) -> tuple[Session, ...]:
        return (self._network.session, *self._embedder.sessions)

    def place(self, face: Face) -> Placement:
        """InsightFace's alignment for the model's size, with each pixel divided where pixels are boosted."""
        matrix, size = published_placement(face, templates.arcface(self._network.size))
        return Placement(matrix * self._factor, Size(size.width * self._factor, size.height * self._factor))

    def prepare(self, frame: Picture, face: Face) -> Donor:
        """The source's identity in the network's space, from the face's own embedding where the embedder made it.

        Raises EngineError, OutOfMemoryError.
        """
        return Donor(face, embedding=self._identity(self._embedding(frame, face)))

    def swap(self, crops: Sequence[Crop], donors: Sequence[Donor], strength: float) -> list[Patch]:
        """One patch a crop. `strength` in [0, 1] leads in a straight line from the target's identity to the donor's.

        At 0 the target is left as it is, not made again with its own identity.
        """
        if not crops or strength <= 0:
            return [Patch(crop.image, np.zeros(crop.image.shape[:2], np.float32)) for crop in crops]
        parts = np.concatenate([pixel_unshuffle(crop.image, self._factor) for crop in crops])
        identities = np.repeat(self._blended(crops, donors, strength), self._factor**2, axis=0)
        images, masks = self._network.run(parts, identities)
        own = [None] * len(crops) if masks is None else self._joined(masks, len(crops))
        made = zip(crops, self._joined(images, len(crops)), own, strict=True)
        return [Patch(image, _mask(crop, mask)) for crop, image, mask in made]

    def _joined(self, parts: FloatArray, count: int) -> list[FloatArray]:
        return [pixel_shuffle(own, self._factor) for own in np.split(parts, count)]

    def _blended(self, crops: Sequence[Crop], donors: Sequence[Donor], strength: float) -> FloatArray:
        wanted = np.stack([_required(donor) for donor in donors])
        if strength >= 1:
            return wanted
        own = np.stack([self._identity(self._embedding(crop.image, _in_crop(crop))) for crop in crops])
        return _unit(strength * wanted + (1 - strength) * own)

    def _embedding(self, picture: Picture, face: Face) -> Vector:
        known = face.embedding
        if known is not None and known.model == self._embedder.name:
            if known.vector.shape != (IDENTITY,):
                found = known.vector.size
                raise SettingsError(f"a face's identity of {known.model}: expected {IDENTITY} numbers, got {found}")
            return known.vector
        return self._embedder.embed(picture, [face])[0].vector

    def _identity(self, embedding: Vector) -> Vector:
        unit = _unit(embedding)
        mapped = _unit(unit @ self._map) if self._maps else unit
        if not mapped.any() or not np.isfinite(mapped).all():
            file = self._network.session.path.name
            raise EngineError(f"{file}: a face's identity has no direction, so that there is nothing to swap by")
        return mapped

    @cached_property
    def _map(self) -> FloatArray:
        return read_initializer(self._network.session.path, (IDENTITY, IDENTITY), _MAP_NAMES)


def _mask(crop: Crop, own: Mask | None) -> Mask:
    """The network's own mask, else the face's outline, else where faces lie; never up to the crop's border."""
    side = len(crop.image)
    if own is not None:
        return np.minimum(own, rim_mask(side))
    if crop.face.mesh is not None:
        return outline_mask(transform_points(crop.matrix, crop.face.mesh[:, :2]), side)
    return oval_mask(side)


def _in_crop(crop: Crop) -> Face:
    return replace(crop.face, landmarks=transform_points(crop.matrix, crop.face.landmarks))


def _required(donor: Donor) -> Vector:
    if donor.embedding is None:
        raise SettingsError("this donor has no identity: it was prepared by another engine")
    return donor.embedding


def _unit(vectors: FloatArray) -> FloatArray:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(length, 1e-12)).astype(np.float32)
