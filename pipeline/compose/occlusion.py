"""Keeps what lies before a face, such as hair, out of the swap: masks bounded by a parser's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ..geometry import align, compose, extract_crop, inverse, resized, warp
from ..templates import FFHQ_512
from ..types import Crop, CropSpec, FloatArray, Parser, Patch, Picture, Size
from .masks import feathered

_SPEC: Final = CropSpec(FFHQ_512, 512)
"""The alignment that parsers are trained on, whatever the engine's own."""
_SOFTNESS: Final = 0.08
"""How far the rim is softened inwards: of the depth of the face, as `feathered` counts."""
_LEAST: Final = 0.05
"""Share of the engine's mask: a parser that leaves less has not seen the face."""


def parsed(parser: Parser, pictures: Sequence[Picture], crops: Sequence[Crop], patches: Sequence[Patch]) -> list[Patch]:
    """The patches with their masks bounded by what the parser takes for the face; `pictures` hold the crops in turn.

    A face that the parser doesn't see keeps its mask, and a note says so.
    """
    if not patches:
        return []
    aligned = [_aligned(picture, crop) for picture, crop in zip(pictures, crops, strict=True)]
    seen = parser.parse(aligned)
    return [_bounded(*one) for one in zip(patches, crops, aligned, seen, strict=True)]


def _aligned(picture: Picture, crop: Crop) -> Crop:
    placement = align(crop.face, _SPEC)
    return Crop(extract_crop(picture, placement), placement.matrix, crop.face)


def _bounded(patch: Patch, crop: Crop, aligned: Crop, seen: FloatArray) -> Patch:
    size = Size.of(patch.mask)
    scale = np.array([[size.width / crop.image.shape[1]], [size.height / crop.image.shape[0]]])
    # Patches may be finer than the crops that they replace.
    matrix = compose(crop.matrix * scale, inverse(aligned.matrix))
    bound = warp(feathered(seen, _SOFTNESS), matrix, size)
    mask = np.minimum(patch.mask, bound)
    if mask.sum() < _LEAST * patch.mask.sum():
        return patch._replace(notes=(*patch.notes, "face parsing sees no face here: swapped without it"))
    if patch.skin is None:
        return patch._replace(mask=mask)
    own, target = patch.skin
    return patch._replace(mask=mask, skin=(own, np.minimum(target, resized(bound, Size.of(target)))))
