"""One face of a swap: cut out, and made ready to be put back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import require_choice, require_range
from ..faces.parts import PARTS
from ..geometry import INTERPOLATIONS, extract_crop, lies_within, resized, valid_mask
from ..padding import NO_PADDING, Padding
from ..protocols import FaceMarker, Swapper
from ..types import (
    DEFAULT_INTERPOLATION,
    STRENGTHS,
    Behind,
    ColourMatch,
    Crop,
    Face,
    ImageF32,
    Interpolation,
    Mask,
    Patch,
    Picture,
    Placement,
    Size,
)
from .colour import match_mean
from .grain import match_grain
from .lighting import match_lighting
from .masks import combined
from .seams import without_seam
from .tone import with_tone

COLOUR_MATCHES: tuple[ColourMatch, ...] = ("auto", "none", "lighting", "mean")


@dataclass(frozen=True, slots=True)
class SwapSettings:
    """How the swapped faces are blended in."""

    interpolation: Interpolation = DEFAULT_INTERPOLATION
    strength: float = 1.0
    """0 leaves the target's face, 1 gives the donor's; engines that take an identity go beyond both."""
    mask_feather: float = 0.0
    """How far the mask's rim is softened inwards: 0 leaves the engine's own, 0.5 falls from the middle to the rim."""
    colour_match: ColourMatch = "auto"
    keep: tuple[str, ...] = ()
    """Parts of the target's face that stay: names of `faces.parts`."""
    padding: Padding = NO_PADDING
    """How much of the swapped face's rim is taken off."""
    marker: FaceMarker | None = None
    """Marks the swapped faces once all of a picture's are in their places."""

    def __post_init__(self) -> None:
        require_choice("interpolation", self.interpolation, INTERPOLATIONS)
        require_choice("colour_match", self.colour_match, COLOUR_MATCHES)
        require_range("strength", self.strength, *STRENGTHS)
        require_range("mask_feather", self.mask_feather, 0, 0.5)
        for part in self.keep:
            require_choice("keep", part, PARTS)


def cut_face(target: Picture, face: Face, swapper: Swapper, interpolation: Interpolation) -> Crop:
    """The crop that the engine wants of a face."""
    return crop_of(target, face, swapper.place(face), interpolation)


def crop_of(
    picture: Picture, face: Face, placement: Placement, interpolation: Interpolation = DEFAULT_INTERPOLATION
) -> Crop:
    """The crop of a face that lies there, with what of it lies outside the picture."""
    size = Size.of(picture)
    outside = None if lies_within(placement, size) else valid_mask(*placement, size)
    return Crop(extract_crop(picture, placement, interpolation), placement.matrix, face, outside)


def finish(patch: Patch, crop: Crop, swapper: Swapper, settings: SwapSettings) -> Patch:
    """The patch with all its masks made one and its colours matched to the crop that it replaces."""
    return finished(patch, crop, settings, swapper.colour if settings.colour_match == "auto" else settings.colour_match)


def finished(patch: Patch, crop: Crop, settings: SwapSettings, match: ColourMatch) -> Patch:
    """As `finish`, with the colours matched in this way; `auto` leaves them."""
    mask = combined([patch.mask], patch.bounds, settings.mask_feather)
    seen = mask if crop.valid is None else mask * resized(crop.valid, Size.of(mask))
    # However weak the mask: what is compared is where it lies.
    full = max(float(mask.max()), 1e-12)
    weights = (mask / full, seen / full) if patch.skin is None else patch.skin
    image = patch.image
    if match == "lighting":
        # Bicubic crops leave the range, and logarithms end there.
        target = np.clip(crop.image, 0, 1)
        image = match_lighting(np.clip(image, 0, 1), target, *weights, patch.lips, patch.normals)
        image = without_seam(image, target, mask)
        image = image if patch.tone is None else with_tone(image, mask, patch.tone)
        image = match_grain(image, target, *weights)
    elif match == "mean":
        image = match_mean(image, crop.image, seen)
    if patch.behind is not None:
        limit = combined([], patch.bounds) if patch.bounds else np.ones_like(mask)
        image, mask = _before(patch.behind, image, mask, settings.strength, limit)
    return patch._replace(image=image, mask=mask, bounds=(), behind=None)


def _before(behind: Behind, image: ImageF32, mask: Mask, strength: float, limit: Mask) -> tuple[ImageF32, Mask]:
    """Image and mask that, pasted onto the target, give the patch pasted onto what is behind it, within the limit; of
    both as much as the strength says."""
    whole = np.asarray(mask + np.maximum(strength - mask, 0) * behind.share * limit, np.float32)
    weight = (mask / np.maximum(whole, 1e-6))[..., None]
    return np.asarray(behind.image + (image - behind.image) * weight, np.float32), whole
