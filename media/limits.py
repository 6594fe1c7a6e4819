"""How large pictures and frames may be."""

from __future__ import annotations

from typing import Final

from ..pipeline.errors import ImageError
from ..pipeline.types import Size

MAX_PIXELS: Final = 100 * 2**20
"""Cameras sold as "100 megapixels" give 11648×8736, a little more than 100 million.

A picture of 100 million pixels is read, and its faces are found, in less than 1 GiB; where parts are wholly
transparent, beside a copy of it.
"""
_MEGAPIXEL: Final = 2**20
MAX_OF_KIND: Final = {
    "AVIF": 64 * _MEGAPIXEL,
    "HEIF": 64 * _MEGAPIXEL,
    "progressive JPEG without subsampling": 75 * _MEGAPIXEL,
    "animated WebP": 50 * _MEGAPIXEL,
    "JPEG 2000 in one piece": 40 * _MEGAPIXEL,
}
"""What the decoders of some kinds hold a pixel is more: 12, 12, 8, 16 and 18 bytes beside the picture's own."""


def require_pixels(size: Size, name: str) -> None:
    """Raise ImageError for more than 100 megapixels; `name` is what the error calls the picture or clip."""
    if size.width * size.height > MAX_PIXELS:
        raise ImageError(f"{name}: {size} is larger than 100 megapixels: make it smaller first")


def require_pixels_of_kind(size: Size, kind: str, name: str) -> None:
    """Raise ImageError for more pixels than a kind of file may have, one of `MAX_OF_KIND`."""
    most = MAX_OF_KIND[kind]
    if size.width * size.height > most:
        megapixels = f"{most // _MEGAPIXEL} megapixels, the most of {kind}"
        raise ImageError(f"{name}: {size} is larger than {megapixels}: make it smaller first, or save it as PNG")
