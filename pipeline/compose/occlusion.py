"""Keeps what is to stay as it is: hair, by what a parser takes for the face, other faces, and parts of the face."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from ..errors import NotFiniteError
from ..faces.parts import Area, areas_of
from ..geometry import compose, extract_crop, inverse, resized, transform_points, warp
from ..protocols import Parser
from ..types import Crop, Mask, Matrix, Patch, Picture, Points, Size
from .masks import combined, rising

_PART_RIM: Final = 0.06
"""Of the mask's side: how far around the parts that stay the swapped face fades in."""
_NO_MESH: Final = "no mesh fits this face"
_LEAST: Final = 0.05
"""Share of the engine's mask: a parser that leaves less has not seen the face."""


def bounded(
    parser: Parser, pictures: Sequence[Picture], crops: Sequence[Crop], patches: Sequence[Patch], done: str
) -> list[Patch]:
    """The patches with what the parser takes for the face among their bounds; `pictures` hold the crops in turn.

    A face that the parser doesn't see, or of which it says NaN, gets no bound, and a note says that it was `done`
    without it. Raises what else the parser raises.
    """
    if not patches:
        return []
    shown = [crop.face.mesh is not None or not parser.needs_mesh for crop in crops]
    faces = zip(pictures, crops, shown, strict=True)
    aligned = [_aligned(parser, picture, crop) for picture, crop, known in faces if known]
    seen = iter(zip(aligned, _parsed(parser, aligned), strict=True))
    return [
        _bounded(patch, crop, *next(seen), parser.rim, done) if known else _unknown(patch)
        for patch, crop, known in zip(patches, crops, shown, strict=True)
    ]


def _unknown(patch: Patch) -> Patch:
    return patch._replace(notes=(*patch.notes, f"{_NO_MESH}: what lies before it could not be kept"))


def _parsed(parser: Parser, crops: Sequence[Crop]) -> list[Mask | str]:
    """What the parser takes for the face in each crop, or why it says nothing of it."""
    try:
        return list(parser.parse(crops))
    except NotFiniteError as error:
        if len(crops) == 1:
            return [str(error)]
    return [one for crop in crops for one in _parsed(parser, [crop])]


def _aligned(parser: Parser, picture: Picture, crop: Crop) -> Crop:
    placement = parser.place(crop.face)
    return Crop(extract_crop(picture, placement), placement.matrix, crop.face)


def _bounded(patch: Patch, crop: Crop, aligned: Crop, seen: Mask | str, rim: float, done: str) -> Patch:
    if isinstance(seen, str):
        return patch._replace(notes=(*patch.notes, f"{done} without face parsing: {seen}"))
    bound = _carried(seen, aligned, crop, Size.of(patch.mask))
    if np.minimum(patch.mask, bound).sum() < _LEAST * patch.mask.sum():
        return patch._replace(notes=(*patch.notes, f"face parsing sees no face here: {done} without it"))
    if rim == 0:
        return within(patch, bound)
    return patch if bound.all() else _faded(patch, bound, rim)


def behind(patch: Patch, crop: Crop, faces: Sequence[Points]) -> Patch:
    """The patch with other faces, given by their outlines (N, 2) in the picture, among its bounds; unchanged where it
    doesn't reach them."""
    if not faces:
        return patch
    bound = _outside([Area((outline,)) for outline in faces], crop, Size.of(patch.mask))
    hidden = patch.mask[bound == 0].sum()
    if not hidden:
        return patch
    if hidden > (1 - _LEAST) * patch.mask.sum():
        patch = patch._replace(notes=(*patch.notes, "another face lies in front and hides it"))
    return within(patch, bound)


def with_parts(patch: Patch, crop: Crop, names: tuple[str, ...]) -> Patch:
    """The patch with the named parts of the target's face among its bounds; a note where no mesh tells where they
    are."""
    if not names:
        return patch
    mesh = crop.face.mesh
    if mesh is None:
        return patch._replace(notes=(*patch.notes, f"{_NO_MESH}: {', '.join(names)} could not be kept"))
    bound = _outside(areas_of(mesh, names), crop, Size.of(patch.mask))
    return _faded(patch, bound, _PART_RIM)


def _outside(areas: Sequence[Area], crop: Crop, size: Size) -> Mask:
    """A hard mask (H, W) of the crop: 0 in the areas, 1 elsewhere."""
    bound = np.ones((size.height, size.width), np.float32)
    to_mask = scaled(crop, size)
    for area in areas:
        outlines = [np.rint((transform_points(to_mask, one) - 0.5) * 16).astype(np.int32) for one in area.outlines]
        cv2.fillPoly(bound, outlines, 0.0, shift=4)
    # Wider by the reach of interpolation on the way back into the picture.
    return np.asarray(cv2.erode(bound, np.ones((5, 5), np.uint8)), np.float32)


def within(patch: Patch, bound: Mask) -> Patch:
    """The patch with a hard mask (H, W) of its size among its bounds."""
    return _beside(patch._replace(bounds=(*patch.bounds, bound)), combined([], [bound]))


def _faded(patch: Patch, bound: Mask, rim: float) -> Patch:
    """The patch that fades in around what is bound, over that share of its longer side."""
    soft = rising(bound, rim)
    if patch.behind is not None:
        patch = patch._replace(behind=patch.behind._replace(share=np.minimum(patch.behind.share, soft)))
    return _beside(patch._replace(mask=np.minimum(patch.mask, soft)), soft)


def _beside(patch: Patch, bound: Mask) -> Patch:
    """The patch whose colours are compared with the target's within the soft bound."""
    if patch.skin is None:
        return patch
    own, target = patch.skin
    return patch._replace(skin=(own, np.minimum(target, resized(bound, Size.of(target)))))


def _carried(mask: Mask, aligned: Crop, crop: Crop, size: Size) -> Mask:
    """A hard mask of one crop, of any size, as a hard mask of another crop of the same picture, in `size`."""
    own, wanted = scaled(aligned, Size.of(mask)), scaled(crop, size)
    return (warp(mask, compose(wanted, inverse(own)), size) > 0.5).astype(np.float32)


def scaled(crop: Crop, size: Size) -> Matrix:
    """From the picture to a mask of the crop: masks may be finer or coarser than their crops."""
    return crop.matrix * np.array([[size.width / crop.image.shape[1]], [size.height / crop.image.shape[0]]])
