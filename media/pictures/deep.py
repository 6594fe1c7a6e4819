"""Pictures of 16 bits a channel, which Pillow reduces to 8 for anything but grey."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from ...pipeline.errors import ImageError
from ...pipeline.quotes import named
from ...pipeline.types import FloatArray, Picture
from .colour import to_srgb
from .deep_bands import deep_bands
from .slices import Span, read_span
from .turning import upright

_BITS, _PHOTOMETRIC, _PLANES, _EXTRA_SAMPLES = 258, 262, 284, 338
"""A TIFF's tags (TIFF 6.0)."""
_PNG_DEPTH, _PNG_KIND = Span(24, 25), Span(24, 26)
"""Where a PNG says how many bits a channel has, and which channels there are."""
_WHITE_IS_ZERO: Final = 0
_SEPARATE: Final = 2
_ASSOCIATED: Final = 1
_FULL: Final = 65_535


def is_deep(file: BinaryIO, image: Image.Image) -> bool:
    """Whether the file has 16 bits a channel that `deep_pixels` reads."""
    if isinstance(image, TiffImageFile):
        bits = image.tag_v2.get(_BITS, (8,))
        return set(bits) == {16} and image.mode in ("I;16", "I;16B", "RGB", "RGBA")
    return image.format == "PNG" and read_span(file, _PNG_DEPTH) == bytes([16])


def is_deep_grey(file: BinaryIO, image: Image.Image) -> bool:
    """Whether a PNG is grey with alpha in 16 bits, which Pillow calls RGB with alpha."""
    return image.format == "PNG" and read_span(file, _PNG_KIND) == bytes([16, 4])


def deep_pixels(file: BinaryIO, image: Image.Image, name: str, profile: bytes | None, orientation: int) -> Picture:
    """The pixels (H, W, C), uint16, upright, of a file that Pillow has decoded, as OpenCV gives half a picture of some
    cut ones.

    Grey becomes sRGB through its `profile`. `name` is what errors call the file. Raises ImageError, and ValueError for
    what is damaged.
    """
    if isinstance(image, TiffImageFile) and image.tag_v2.get(_PLANES) == _SEPARATE and len(image.getbands()) > 1:
        raise ImageError(
            f"{named(name)}: 16 bits a channel in separate planes can't be read: save it with interleaved channels"
        )
    image.close()  # its 8-bit pixels are as large as half of what comes
    bands = deep_bands(file, image, named(name))
    shown = _shown(image, _srgb_greys(profile) if profile else None)
    return upright(map(shown, bands.rows), bands.size, bands.orientation or orientation)


def _shown(image: Image.Image, greys: Picture | None) -> Callable[[Picture], Picture]:
    """What makes rows as they are stored into rows as they are shown; only a PNG's grey has a profile."""

    def shown(pixels: Picture) -> Picture:
        if isinstance(image, TiffImageFile):
            return _of_tiff(pixels, image)
        meant = _with_transparent_grey(pixels, image)
        return meant if greys is None else _through(meant, greys)

    return shown


def _of_tiff(pixels: Picture, image: TiffImageFile) -> Picture:
    """White as the largest number, and colours that aren't multiplied by alpha."""
    if pixels.shape[2] == 1 and image.tag_v2.get(_PHOTOMETRIC) == _WHITE_IS_ZERO:
        return _FULL - pixels
    if pixels.shape[2] == 4 and _ASSOCIATED in image.tag_v2.get(_EXTRA_SAMPLES, ()):
        alpha = pixels[..., 3:].astype(np.float64)
        colours = np.rint(pixels[..., :3] * (_FULL / np.maximum(alpha, 1)))
        return np.dstack([np.minimum(colours, _FULL).astype(np.uint16), pixels[..., 3]])
    return pixels


def _with_transparent_grey(pixels: Picture, image: Image.Image) -> Picture:
    """With alpha where a PNG says of one grey that it is transparent."""
    grey = image.info.get("transparency")
    if pixels.shape[2] != 1 or not isinstance(grey, int):
        return pixels
    return np.dstack([pixels] * 3 + [np.where(pixels == grey, 0, _FULL).astype(np.uint16)])


def _srgb_greys(profile: bytes) -> Picture:
    """What the 65536 greys of a profile are in sRGB, by the curve that 256 of them take."""
    greys = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    curve: FloatArray = np.asarray(to_srgb(greys, profile).convert("L"), np.float32)[0]
    levels = np.arange(_FULL + 1, dtype=np.float32) / 257
    return np.rint(np.interp(levels, np.arange(256, dtype=np.float32), curve) * 257).astype(np.uint16)


def _through(pixels: Picture, greys: Picture) -> Picture:
    """Grey in three channels with alpha as sRGB."""
    grey = greys[pixels[..., 0].astype(np.intp)]
    return np.dstack([grey, grey, grey, pixels[..., 3]])
