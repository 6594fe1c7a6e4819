"""Keeps what lies before a face, such as hair, as it is: patches bounded by what a parser takes for the face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ..geometry import compose, extract_crop, inverse, resized, warp
from ..protocols import Parser
from ..types import Crop, Mask, Matrix, Patch, Picture, Size
from .masks import combined

_LEAST: Final = 0.05
"""Share of the engine's mask: a parser that leaves less has not seen the face."""


def bounded(
    parser: Parser, pictures: Sequence[Picture], crops: Sequence[Crop], patches: Sequence[Patch], done: str
) -> list[Patch]:
    """The patches with what the parser takes for the face among their bounds; `pictures` hold the crops in turn.

    A face that the parser doesn't see gets no bound, and a note says that it was `done` without it. Raises what the
    parser raises.
    """
    if not patches:
        return []
    aligned = [_aligned(parser, picture, crop) for picture, crop in zip(pictures, crops, strict=True)]
    seen = parser.parse(aligned)
    return [_bounded(*one, done) for one in zip(patches, crops, aligned, seen, strict=True)]


def _aligned(parser: Parser, picture: Picture, crop: Crop) -> Crop:
    placement = parser.place(crop.face)
    return Crop(extract_crop(picture, placement), placement.matrix, crop.face)


def _bounded(patch: Patch, crop: Crop, aligned: Crop, seen: Mask, done: str) -> Patch:
    bound = _carried(seen, aligned, crop, Size.of(patch.mask))
    if np.minimum(patch.mask, bound).sum() < _LEAST * patch.mask.sum():
        return patch._replace(notes=(*patch.notes, f"face parsing sees no face here: {done} without it"))
    patch = patch._replace(bounds=(*patch.bounds, bound))
    if patch.skin is None:
        return patch
    own, target = patch.skin
    return patch._replace(skin=(own, np.minimum(target, resized(combined([], [bound]), Size.of(target)))))


def _carried(mask: Mask, aligned: Crop, crop: Crop, size: Size) -> Mask:
    """A hard mask of one crop, of any size, as a hard mask of another crop of the same picture, in `size`."""
    own, wanted = _scaled(aligned, Size.of(mask)), _scaled(crop, size)
    return (warp(mask, compose(wanted, inverse(own)), size) > 0.5).astype(np.float32)


def _scaled(crop: Crop, size: Size) -> Matrix:
    """From the picture to a mask of the crop: masks may be finer or coarser than their crops."""
    return crop.matrix * np.array([[size.width / crop.image.shape[1]], [size.height / crop.image.shape[0]]])
