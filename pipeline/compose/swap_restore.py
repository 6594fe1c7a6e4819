"""What swapped crops go through before they are pasted: a model for expressions, a restorer.

swap → (into the model's crop of the target) → model → paste: the picture itself is resampled once and written once, and
the model sees the face in the alignment that it was trained on, with its surroundings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from ..errors import NotFiniteError
from ..geometry import compose, inverse
from ..protocols import Expresser, Restorer
from ..types import DEFAULT_INTERPOLATION, Crop, ImageF32, Interpolation, Mask, Patch, Picture, Size
from .masks import combined, square_mask
from .paste import paste
from .restore import Batches, RestoreSettings, corrected, cut_face

Finished = list[tuple[Crop, Patch]]
_FAINTEST = 1e-2
"""Weight below which what was blended isn't worked out again: rounding would show."""


class SwapStage(Protocol):
    """Changes finished patches."""

    def apply(self, pictures: Sequence[Picture], crops: Sequence[Crop], patches: Sequence[Patch]) -> Finished:
        """The patches changed, each with the crop that it now goes into; `pictures` hold the crops in turn.

        One that the model fails at keeps its own crop, and a note says why. Raises what else the model raises.
        """
        ...


class SwapExpression(NamedTuple):
    """Brings the targets' expressions back onto swapped faces; their colours stay those of the patches."""

    expresser: Expresser
    weight: float
    """0 to 1."""
    interpolation: Interpolation = DEFAULT_INTERPOLATION

    def apply(self, pictures: Sequence[Picture], crops: Sequence[Crop], patches: Sequence[Patch]) -> Finished:
        """See SwapStage."""
        return [self._expressed(*one) for one in zip(pictures, crops, patches, strict=True)]

    def _expressed(self, picture: Picture, crop: Crop, patch: Patch) -> tuple[Crop, Patch]:
        mounted = _mounted(self.expresser, self.interpolation, picture, crop, patch)
        try:
            image = self.expresser.express(mounted.image, mounted.crop.image, self.weight)
        except NotFiniteError as error:
            return crop, _with_note(patch, f"swapped, but with the swap's own expression: {error}")
        return _done(mounted, corrected(image, mounted.swapped, Size.of(picture)), patch)


class SwapRestore(NamedTuple):
    """Restores swapped faces, as far as the settings' `weight` says; their colours stay those of the patches."""

    restorer: Restorer
    settings: RestoreSettings

    def apply(self, pictures: Sequence[Picture], crops: Sequence[Crop], patches: Sequence[Patch]) -> Finished:
        """See SwapStage."""
        interpolation = self.settings.interpolation
        faces = list(zip(pictures, crops, patches, strict=True))
        mounted = [_mounted(self.restorer, interpolation, *one) for one in faces]
        notes: list[str] = []
        restored = Batches(self.restorer, self.settings.weight, notes.append).restore([one.image for one in mounted])
        done = [self._restored(*one) for one in zip(pictures, crops, patches, mounted, restored, strict=True)]
        if notes:
            crop, patch = done[0]
            done[0] = crop, patch._replace(notes=(*patch.notes, *notes))
        return done

    def _restored(
        self, picture: Picture, crop: Crop, patch: Patch, mounted: _Mounted, image: ImageF32 | str
    ) -> tuple[Crop, Patch]:
        if isinstance(image, str):
            return crop, _with_note(patch, f"swapped and not restored: {image}")
        if self.settings.colour_correct:
            image = corrected(image, mounted.swapped, Size.of(picture))
        return _done(mounted, image, patch)


class _Mounted(NamedTuple):
    """A swapped face in a model's crop of its target."""

    crop: Crop
    """The target's own pixels."""
    image: ImageF32
    """The same with the swapped face in it."""
    mask: Mask
    """(H, W) where it is."""

    @property
    def swapped(self) -> Crop:
        return self.crop._replace(image=self.image)


def _with_note(patch: Patch, note: str) -> Patch:
    return patch._replace(notes=(*patch.notes, note))


def _mounted(
    model: Restorer | Expresser, interpolation: Interpolation, picture: Picture, crop: Crop, patch: Patch
) -> _Mounted:
    wider = cut_face(picture, crop.face, model, interpolation)
    image, mask = wider.image.copy(), np.zeros(wider.image.shape[:2], np.float32)
    link = compose(crop.matrix, inverse(wider.matrix))
    paste(image, patch.image, patch.mask, link, interpolation, changed=mask)
    return _Mounted(wider, image, mask)


def _done(one: _Mounted, image: ImageF32, patch: Patch) -> tuple[Crop, Patch]:
    # A part of the target that was left in on purpose is in the changed picture already: no second share of it.
    whole = one.mask / max(float(one.mask.max()), 1e-6)
    share = np.maximum(whole, _FAINTEST)[..., None]
    # At the rim the swapped face is blended into the crop already: the model's change alone is weighed once more.
    full = one.crop.image + (one.image - one.crop.image) / share + (image - one.image)
    return one.crop, Patch(np.asarray(full, np.float32), combined([whole, square_mask(len(whole))]), notes=patch.notes)
