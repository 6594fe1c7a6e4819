"""Edited crops of faces back into their pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

import numpy as np

from ..bands import to_float
from ..faces.depth import from_behind
from ..geometry import lies_within, resized, valid_mask
from ..types import Crop, Face, FaceSet, ImageF32, Mask, Patch, Picture, Placement, Progress, Size, SwapResult
from .crops import SwapSettings, finished
from .face_crops import FaceCrop, FaceCrops, cut, face_mask
from .masks import fading
from .occlusion import behind
from .paste import paste
from .restore import untouched

_ROUNDING: Final = 1.01 / 255
"""Up to a level of 8 bits, a crop that went through a file or half precision counts as it was."""
_AROUND: Final = 0.02
"""Of the crop's longer side: how far around what was edited the rest of the crop is blended in."""


def paste_batch(
    pictures: Sequence[Picture],
    edited: Sequence[Picture],
    crops: FaceCrops,
    settings: SwapSettings,
    *,
    masks: Sequence[Mask] | None = None,
    shown: Sequence[Picture] | None = None,
    progress: Progress | None = None,
) -> SwapResult:
    """Put each edited crop (h, w, C), of any size, back where it was cut out; in each picture from behind to front.

    `masks` (h, w) in [0, 1], of the edited crops' sizes, say how much of each is pasted: by default the face's. Where a
    crop of the size that was cut is as it was, nothing changes. `shown` are the pictures as the crops were cut from
    them. Raises MismatchError for other pictures and for another number of crops.
    """
    crops.require(pictures, edited)
    result = untouched(pictures)
    notes: dict[int, Sequence[str]] = {}
    pasted: list[list[Face]] = [[] for _ in pictures]
    for done, number in enumerate(_from_behind(crops), 1):
        crop = crops.crops[number]
        seen = (pictures if shown is None else shown)[crop.frame]
        patch = _patch(edited[number], seen, crop, crops, None if masks is None else masks[number], settings)
        if patch.mask.any():
            _write(result, patch, crop, crops, settings)
            pasted[crop.frame].append(replace(crop.face, embedding=None))
        notes[number] = [f"frame {crop.frame}, face {crop.face.index}: {note}" for note in patch.notes]
        if progress is not None:
            progress(done, crops.count)
    faces = FaceSet(tuple(tuple(faces) for faces in pasted), crops.size)
    return replace(result, faces=faces, report=tuple(note for number in sorted(notes) for note in notes[number]))


def _from_behind(crops: FaceCrops) -> Iterator[int]:
    """The crops' numbers, picture after picture."""
    for _, group in groupby(range(crops.count), lambda number: crops.crops[number].frame):
        numbers = list(group)
        own = [crops.crops[number] for number in numbers]
        yield from (numbers[n] for n in from_behind([one.face for one in own], [one.in_front for one in own]))


def _patch(
    image: Picture, seen: Picture, crop: FaceCrop, crops: FaceCrops, mask: Mask | None, settings: SwapSettings
) -> Patch:
    """The edited crop with the mask that it is pasted with, which is empty where there is nothing to paste."""
    pixels = np.clip(to_float(image), 0, 1)
    placement = _scaled(crop, crops.side, Size.of(pixels))
    given = cut(seen, placement, crops.interpolation)
    own = resized(face_mask(crop, crops.side), placement.size) if mask is None else mask
    patch = Patch(pixels, own, notes=() if own.any() else ("its mask is empty: nothing was pasted",))
    if own.any() and placement.size == Size(crops.side, crops.side):
        patch = _edited(patch, given)
    if not patch.mask.any():
        return patch
    size = Size.of(seen)
    outside = None if lies_within(placement, size) else valid_mask(*placement, size)
    whole = Crop(given, placement.matrix, crop.face, outside)
    return finished(behind(patch, whole, crop.in_front), whole, settings, settings.colour_match)


def _scaled(crop: FaceCrop, side: int, size: Size) -> Placement:
    """Where the crop lies at another size."""
    return Placement(crop.matrix * (np.array(size, np.float64) / side)[:, None], size)


def _edited(patch: Patch, given: ImageF32) -> Patch:
    """The patch with the mask of what differs from the crop that was given."""
    differs = np.abs(patch.image - given).max(2) > _ROUNDING
    if not differs.any():
        return patch._replace(mask=np.zeros_like(patch.mask), notes=("its crop is as it was: nothing was pasted",))
    mask = patch.mask if differs.all() else patch.mask * fading(differs.astype(np.float32), _AROUND)
    notes = () if mask.any() else ("nothing was edited within its mask: nothing was pasted",)
    return patch._replace(mask=mask, notes=notes)


def _write(result: SwapResult, patch: Patch, crop: FaceCrop, crops: FaceCrops, settings: SwapSettings) -> None:
    paste(
        result.images[crop.frame],
        patch.image,
        patch.mask * np.float32(settings.strength),
        _scaled(crop, crops.side, Size.of(patch.image)).matrix,
        settings.interpolation,
        changed=result.masks[crop.frame],
        limit=None if crops.limits is None else crops.limits[crop.frame],
    )
