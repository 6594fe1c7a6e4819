"""What colours mean: by an ICC profile that goes along, or as sRGB where it can't."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import numpy as np
from PIL import Image, ImageCms

from ...pipeline.quotes import excerpt
from ...pipeline.types import Picture
from .depth import to_uint8

if TYPE_CHECKING:
    from PIL._imagingcms import CmsProfile

_SPACES: Final = {"CMYK": b"CMYK", "LAB": b"Lab ", "L": b"GRAY", "LA": b"GRAY", "1": b"GRAY"}
"""Which colour space a profile must be of, as its header writes it, by Pillow's mode; RGB for all others."""
_WORDS: Final = {b"CMYK": "CMYK", b"Lab ": "LAB", b"GRAY": "grey"}
_INTENT: Final = ImageCms.Intent.PERCEPTUAL
"""What browsers and picture viewers show."""
_SAME: Final = 2
"""Levels by which two profiles may differ and still count as one."""


class Colours(NamedTuple):
    """What becomes of a file's colours."""

    profile: bytes | None = None
    """The ICC profile that the pixels are in once they are read; None for sRGB."""
    from_profile: bytes | None = None
    """The ICC profile through which they become sRGB as they are read."""
    notes: tuple[str, ...] = ()


def colours_of(image: Image.Image, *, is_grey: bool = False) -> Colours:
    """What becomes of an opened picture's colours, whose pixels needn't be decoded; `is_grey`: they are grey with alpha
    whatever Pillow calls them."""
    mode = "LA" if is_grey else {"La": "LA", "I;16": "L", "I;16B": "L"}.get(image.mode, image.mode)
    space = _SPACES.get(mode, b"RGB ")
    profile, problem = _checked(image, space)
    becomes_srgb = mode in ("CMYK", "LAB") or (space == b"GRAY" and image.has_transparency_data and profile is not None)
    if not becomes_srgb:
        return Colours(profile, notes=problem)
    how = "" if profile or space != b"CMYK" else " without a profile: its colours are a guess"
    return Colours(None, profile, (*problem, f"{_WORDS[space]} became sRGB{how}"))


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """CMYK, LAB, or grey with or without alpha, as RGB or RGBA. Raises OSError where the profile can't be used."""
    if image.mode not in ("L", "LA", "La", "1"):
        return _transformed(image, _opened(profile), _srgb())
    alpha = image.convert("RGBA").getchannel("A") if image.has_transparency_data else None
    colours = _transformed(image.convert("L"), _opened(profile), _srgb())
    if alpha is not None:
        colours.putalpha(alpha)
    return colours


def converted(pixels: Picture, profile: bytes | None, wanted: bytes | None) -> Picture:
    """Pixels (H, W, C) from one profile into another of RGB, None for sRGB: the very same where they mean the same,
    else uint8. Grey becomes RGB, alpha stays. Raises OSError for a profile that can't be used."""
    if profile == wanted:
        return pixels
    source, target = _profile_of(profile), _profile_of(wanted)
    is_grey = profile is not None and _space_of(profile) == b"GRAY"
    if _alike(source, target, is_grey=is_grey):
        return pixels
    pixels = to_uint8(pixels)
    colours = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels[..., :3]
    changed = np.asarray(_transformed(_image(colours[..., 0] if is_grey else colours), source, target))
    return np.dstack([changed, pixels[..., 3]]) if pixels.shape[2] == 4 else changed


def _checked(image: Image.Image, space: bytes) -> tuple[bytes | None, tuple[str, ...]]:
    """The picture's profile where it can be used; else why it can't."""
    if "icc_profile" not in image.info or image.info["icc_profile"] == b"":
        return None, ()
    profile = image.info["icc_profile"]
    try:
        found = _space_of(profile) if isinstance(profile, bytes) else b""
        if found == space:
            _transformed(Image.new(_mode_of(space), (1, 1)), _opened(profile), _srgb())
    except OSError:
        found = b""
    if not found:
        return None, ("its ICC profile is damaged: it was left out",)
    if found != space:
        return None, (f"its ICC profile is for {_name(found)} and not for {_name(space)}: it was left out",)
    return profile, ()


def _space_of(profile: bytes) -> bytes:
    """The colour space of a profile as its header says it (ICC.1, 7.2.6). Raises OSError for a damaged one."""
    _opened(profile)
    return profile[16:20]


def _name(space: bytes) -> str:
    return _WORDS.get(space, excerpt(space.decode("latin-1").strip()))


def _mode_of(space: bytes) -> str:
    return next((mode for mode, known in _SPACES.items() if known == space), "RGB")


def _alike(source: ImageCms.ImageCmsProfile, target: ImageCms.ImageCmsProfile, *, is_grey: bool) -> bool:
    """Whether two profiles mean the same by the same numbers."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    colours = np.repeat(grid[..., :1], 3, axis=2) if is_grey else grid
    changed = np.asarray(_transformed(_image(colours[..., 0] if is_grey else colours), source, target), np.int16)
    return bool(np.abs(changed - colours).max() <= _SAME)


def _image(pixels: Picture) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels))


def _transformed(
    image: Image.Image, profile: ImageCms.ImageCmsProfile, wanted: ImageCms.ImageCmsProfile
) -> Image.Image:
    try:
        changed = ImageCms.profileToProfile(
            image, profile, wanted, _INTENT, "RGB", flags=ImageCms.Flags.BLACKPOINTCOMPENSATION
        )
    except ImageCms.PyCMSError as error:
        raise OSError(f"its ICC profile can't be used: {excerpt(error)}") from error
    if changed is None:
        raise OSError("its ICC profile can't be used")
    return changed


def _profile_of(profile: bytes | None) -> ImageCms.ImageCmsProfile:
    return _srgb() if profile is None else _opened(profile)


def _opened(profile: bytes) -> ImageCms.ImageCmsProfile:
    try:
        return ImageCms.ImageCmsProfile(BytesIO(profile))
    except (OSError, ImageCms.PyCMSError) as error:
        raise OSError("its ICC profile is damaged") from error


def _srgb() -> ImageCms.ImageCmsProfile:
    made = cast("CmsProfile", ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownMemberType]
    return ImageCms.ImageCmsProfile(made)
