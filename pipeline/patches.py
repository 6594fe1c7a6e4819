"""One face of a swap: cut out, and made ready to be put back."""

from __future__ import annotations

from dataclasses import dataclass

from .colour import match_lighting, match_mean
from .errors import require_choice, require_range
from .geometry import INTERPOLATIONS, cut
from .masks import feathered
from .types import ColourMatch, Crop, Face, Interpolation, Patch, Picture, Swapper

COLOUR_MATCHES: tuple[ColourMatch, ...] = ("auto", "none", "lighting", "mean")


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
