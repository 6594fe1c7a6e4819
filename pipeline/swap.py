"""The swap over one picture and over a batch: crop → swap → mask → colour → paste."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .colour import match_lighting, match_mean
from .errors import require_choice, require_range
from .geometry import INTERPOLATIONS, cut
from .masks import feathered
from .paste import paste
from .types import (
    ColourMatch,
    Crop,
    Donor,
    Face,
    FaceSet,
    FloatArray,
    IndexMap,
    Interpolation,
    Pair,
    Patch,
    Picture,
    Progress,
    Swapper,
    SwapResult,
)

COLOUR_MATCHES: tuple[ColourMatch, ...] = ("auto", "none", "lighting", "mean")
DonorKey = tuple[int, int]
_AT_ONCE = 8
"""Faces whose crops are held together: enough for a network, little memory."""


@dataclass(frozen=True, slots=True)
class SwapSettings:
    """How the swapped faces are blended in."""

    interpolation: Interpolation = "Bilinear"
    strength: float = 1.0
    """0 leaves the target's face, 1 gives the donor's."""
    mask_feather: float = 0.0
    """How much softer than the engine's own the mask's rim is, as a share of the crop's side, 0 to 0.5."""
    colour_match: ColourMatch = "auto"

    def __post_init__(self) -> None:
        require_choice("interpolation", self.interpolation, INTERPOLATIONS)
        require_choice("colour_match", self.colour_match, COLOUR_MATCHES)
        require_range("strength", self.strength, 0, 1)
        require_range("mask_feather", self.mask_feather, 0, 0.5)


def swap_batch(
    targets: Sequence[Picture],
    sources: Sequence[Picture],
    index_map: IndexMap,
    swapper: Swapper,
    settings: SwapSettings,
    *,
    limits: Sequence[FloatArray] | None = None,
    progress: Progress | None = None,
) -> SwapResult:
    """Swap exactly the pairs of `index_map`. `limits` (H, W) in [0, 1] a target bound where pixels may change."""
    index_map.require(targets, sources)
    donors = prepare_donors(sources, index_map, swapper)
    images = [target.copy() for target in targets]
    masks = [np.zeros(target.shape[:2], np.float32) for target in targets]
    report: list[str] = list(index_map.report)
    ticks = _counted(progress, index_map.count)
    for number, pair, patch, crop in swap_faces(targets, index_map, donors, swapper, settings):
        paste(
            images[number],
            patch.image,
            patch.mask,
            crop.matrix,
            settings.interpolation,
            changed=masks[number],
            limit=None if limits is None else limits[number],
        )
        report += [f"frame {number}, face {pair.target.index}: {note}" for note in patch.notes]
        next(ticks)
    changed = tuple(tuple(_changed(pair.target) for pair in pairs) for pairs in index_map.frames)
    return SwapResult(images, FaceSet(changed, index_map.target_size), masks, tuple(report))


class Swapped(NamedTuple):
    """One pair on its way back into its picture."""

    frame: int
    pair: Pair
    patch: Patch
    crop: Crop


def swap_faces(
    targets: Sequence[Picture],
    index_map: IndexMap,
    donors: Mapping[DonorKey, Donor],
    swapper: Swapper,
    settings: SwapSettings,
) -> Iterator[Swapped]:
    """The finished patches, picture after picture, the smallest face first: of two that overlap, the larger is nearer.

    The engine gets several faces at once, also of several pictures; crops are of the pictures as they came in.
    """
    jobs = [
        (number, pair)
        for number, pairs in enumerate(index_map.frames)
        for pair in sorted(pairs, key=lambda pair: pair.target.area)
    ]
    for at in range(0, len(jobs), _AT_ONCE):
        some = jobs[at : at + _AT_ONCE]
        crops = [cut_face(targets[number], pair.target, swapper, settings.interpolation) for number, pair in some]
        patches = swapper.swap(crops, [donors[_key(pair.source)] for _, pair in some], settings.strength)
        for (number, pair), crop, patch in zip(some, crops, patches, strict=True):
            yield Swapped(number, pair, finish(patch, crop, swapper, settings), crop)


def cut_face(target: Picture, face: Face, swapper: Swapper, interpolation: Interpolation) -> Crop:
    """The crop that the engine wants of a face."""
    placement = swapper.place(face)
    return Crop(cut(target, placement, interpolation), placement.matrix, face)


def finish(patch: Patch, crop: Crop, swapper: Swapper, settings: SwapSettings) -> Patch:
    """The patch with its mask feathered and its colours matched to the crop that it replaces."""
    mask = feathered(patch.mask, settings.mask_feather)
    weights = (mask, mask) if patch.skin is None else patch.skin
    match = swapper.colour if settings.colour_match == "auto" else settings.colour_match
    image = patch.image
    if match == "lighting":
        image = match_lighting(image, crop.image, *weights)
    elif match == "mean":
        image = match_mean(image, crop.image, mask)
    return patch._replace(image=image, mask=mask)


def prepare_donors(sources: Sequence[Picture], index_map: IndexMap, swapper: Swapper) -> dict[DonorKey, Donor]:
    """What the engine needs of every source face in use, each computed once."""
    used = {_key(pair.source): pair.source for pairs in index_map.frames for pair in pairs}
    return {key: swapper.prepare(sources[face.frame], face) for key, face in used.items()}


def _key(source: Face) -> DonorKey:
    return source.frame, source.index


def _changed(face: Face) -> Face:
    # Same place and shape, another person: what was known of the identity no longer holds.
    return replace(face, embedding=None)


def _counted(progress: Progress | None, total: int) -> Iterator[None]:
    for done in range(1, total + 1):
        if progress is not None:
            progress(done, total)
        yield
