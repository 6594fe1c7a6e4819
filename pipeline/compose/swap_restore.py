"""The swap at high resolution: a swapped crop goes through a restorer before it is pasted.

swap → (into the restorer's crop of the target) → restore → paste: the picture itself is resampled once and written
once, and the restorer sees the face in the alignment that it was trained on, with its surroundings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..geometry import compose, inverse
from ..protocols import Restorer
from ..types import Crop, ImageF32, Mask, Patch, Picture, Size
from .masks import combined, square_mask
from .paste import paste
from .restore import Batches, RestoreSettings, corrected, cut_face


class SwapRestore(NamedTuple):
    """What swapped crops are handed through."""

    restorer: Restorer
    settings: RestoreSettings


class _Mounted(NamedTuple):
    """A swapped face in the restorer's crop of its target."""

    crop: Crop
    """The target's own pixels."""
    image: ImageF32
    """The same with the swapped face in it."""
    mask: Mask
    """(H, W) where it is."""


def restore_swaps(
    boost: SwapRestore, pictures: Sequence[Picture], crops: Sequence[Crop], patches: Sequence[Patch]
) -> list[tuple[Crop, Patch]]:
    """The patches restored, each with the crop of the restorer's alignment that it now goes into.

    `pictures` hold the crops in turn; `patches` are finished but for the paste. How far the swapped face is restored is
    the settings' `weight`; its colours stay those of the patch. One that the restorer fails at keeps its own crop.
    """
    mounted = [_mounted(boost, *one) for one in zip(pictures, crops, patches, strict=True)]
    notes: list[str] = []
    restored = Batches(boost.restorer, boost.settings.weight, notes.append).restore([one.image for one in mounted])
    done = [
        (crop, _unrestored(patch, image)) if isinstance(image, str) else _done(boost, one, picture, patch, image)
        for one, picture, crop, patch, image in zip(mounted, pictures, crops, patches, restored, strict=True)
    ]
    if notes:
        crop, patch = done[0]
        done[0] = crop, patch._replace(notes=(*patch.notes, *notes))
    return done


def _unrestored(patch: Patch, why: str) -> Patch:
    return patch._replace(notes=(*patch.notes, f"swapped and not restored: {why}"))


def _mounted(boost: SwapRestore, picture: Picture, crop: Crop, patch: Patch) -> _Mounted:
    wider = cut_face(picture, crop.face, boost.restorer, boost.settings.interpolation)
    image, mask = wider.image.copy(), np.zeros(wider.image.shape[:2], np.float32)
    link = compose(crop.matrix, inverse(wider.matrix))
    paste(image, patch.image, patch.mask, link, boost.settings.interpolation, changed=mask)
    return _Mounted(wider, image, mask)


def _done(boost: SwapRestore, one: _Mounted, picture: Picture, patch: Patch, restored: ImageF32) -> tuple[Crop, Patch]:
    if boost.settings.colour_correct:
        restored = corrected(restored, one.crop._replace(image=one.image), Size.of(picture))
    # A part of the target that was left in on purpose is in the restored picture already: no second share of it.
    whole = one.mask / max(float(one.mask.max()), 1e-6)
    return one.crop, Patch(restored, combined([whole, square_mask(len(whole))]), notes=patch.notes)
