"""How large pictures and frames may be."""

from __future__ import annotations

from typing import Final

from ..pipeline.errors import ImageError
from ..pipeline.types import Size

MAX_PIXELS: Final = 100 * 2**20
"""Cameras sold as "100 megapixels" give 11648×8736, a little more than 100 million."""


def require_pixels(size: Size, name: str) -> None:
    """Raise ImageError for more than 100 megapixels; `name` is what the error calls the picture or clip."""
    if size.width * size.height > MAX_PIXELS:
        raise ImageError(f"{name}: {size} is larger than 100 megapixels: make it smaller first")
