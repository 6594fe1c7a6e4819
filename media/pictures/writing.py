"""Arrays as picture files: a file appears complete or not at all, and what its format can't hold is reported."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, features

from ...pipeline.errors import ImageError, SettingsError, require_choice, require_range
from ...pipeline.quotes import excerpt, named
from ...pipeline.types import Picture, Size
from ..atomic import write_atomic
from ..picture_formats import FORMATS, MPO, format_of
from .chunks import lost_without, png_chunk
from .colour import converted
from .depth import to_uint8
from .metadata import Metadata
from .xmp import described, held_xmp

Finish = Callable[[bytes, str], bytes]
_NO_METADATA = Metadata()
_AFTER_HEADER = 33
"""Where a PNG's second chunk begins."""
_METRES_AN_INCH = 0.0254
_MAX_JPEG_EXIF = 65_533
_MAX_SIDE = {"jpeg": 65_500, "webp": 16_383, "avif": 32_768, "png": 2**31 - 1}
"""Of AVIF what its readers take."""
_NO_DPI = ("webp", "avif")
_SCREEN_DPI = (72, 96)
"""What programs write where nobody chose a resolution."""


def write_picture(
    path: str | os.PathLike[str],
    picture: Picture,
    *,
    image_format: str | None = None,
    image_quality: int = 95,
    metadata: Metadata = _NO_METADATA,
    finish: Finish | None = None,
) -> tuple[str, ...]:
    """Write (H, W) or (H, W, C), uint8, uint16 or float in [0, 1], and say what the format could not hold.

    Without `image_format` (jpeg, png, webp, avif) the extension decides. `image_quality`, 10 to 100, is for all but
    png, which is lossless, to 16 bits. `metadata` is what `read_metadata` gave. `finish` makes the bytes that are
    written of the file's bytes and its format. Raises SettingsError, ImageError and what `finish` raises.
    """
    path = Path(path)
    chosen = picture_format(path, image_format)
    data, lost = encode_picture(picture, chosen, image_quality, metadata)
    write_file(path, finish(data, chosen) if finish else data)
    return tuple(f"{named(path.name)}: {loss}" for loss in lost)


def encode_picture(
    picture: Picture, image_format: str, image_quality: int = 95, metadata: Metadata = _NO_METADATA
) -> tuple[bytes, tuple[str, ...]]:
    """The bytes of a picture file and what it could not hold. Arguments are, and it raises, as of `write_picture`."""
    require_choice("image_format", image_format, tuple(FORMATS))
    require_range("image_quality", image_quality, 10, 100)
    pixels, lost = _fitted(_pixels(picture), image_format)
    pixels, metadata, lost_extras = _held(pixels, metadata, image_format)
    if image_format == "png":
        data = _deep_png(pixels) if pixels.dtype == np.uint16 else _encoded(pixels, image_format)
        data = data[:_AFTER_HEADER] + b"".join(_chunks(metadata)) + data[_AFTER_HEADER:]
    else:
        extras = {"icc_profile": metadata.profile, "exif": metadata.exif or b"", "dpi": metadata.dpi or (0, 0)}
        if image_format == "avif":
            packet, _ = held_xmp(metadata.xmp, image_format)
            return _encoded(pixels, image_format, image_quality, xmp=packet or b"", **extras), (*lost, *lost_extras)
        data = _encoded(pixels, image_format, image_quality, **extras)
    data, lost_xmp = described(data, image_format, metadata.xmp)
    return data, (*lost, *lost_extras, *lost_xmp)


def picture_format(path: str | os.PathLike[str], image_format: str | None = None) -> str:
    """jpeg, png, webp or avif: the one named, else by extension. Raises SettingsError where it can't tell or they
    differ, and where this Pillow can't write it."""
    by_extension = format_of(os.fspath(path))
    if by_extension in FORMATS and image_format and by_extension != image_format:
        raise SettingsError(f"{named(path)}: the extension says {by_extension}, image_format says {image_format}")
    chosen = image_format or (None if Path(path).suffix.lower() == MPO else by_extension)
    if chosen is None or (image_format is None and chosen not in FORMATS):
        raise SettingsError(f"{named(path)}: can't tell the format: end the name in {', '.join(FORMATS.values())}")
    if chosen == "avif" and not features.check("avif"):
        raise SettingsError(f"{named(path)}: avif needs a Pillow that was built with it: pip install --upgrade Pillow")
    return chosen


def require_fits(size: Size, image_format: str) -> None:
    """Raise ImageError where a format can't hold a picture of this size."""
    if max(size) > _MAX_SIDE[image_format]:
        raise ImageError(f"{size}: {image_format} holds {_MAX_SIDE[image_format]} pixels a side: choose png")


def write_file(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file that appears complete or not at all, on the disk when this returns; missing folders are made.

    Raises ImageError.
    """
    try:
        write_atomic(path, data, durable=True)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise ImageError(
            f"{named(path)}: can't be written: {excerpt(getattr(error, 'strerror', None) or error)}"
        ) from error


def _pixels(picture: Picture) -> Picture:
    pixels = picture[..., None] if picture.ndim == 2 else picture
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or not pixels.size:
        raise ImageError(f"expected a picture of (H, W) or (H, W, C) with C = 1, 3 or 4, got {picture.shape}")
    return pixels if pixels.dtype == np.uint16 else to_uint8(pixels)


def _fitted(pixels: Picture, image_format: str) -> tuple[Picture, tuple[str, ...]]:
    """The pixels as the format can hold them, and what was lost."""
    require_fits(Size.of(pixels), image_format)
    lost: list[str] = []
    if image_format != "png" and pixels.dtype == np.uint16:
        pixels = to_uint8(pixels)
        lost.append(f"{image_format} holds 8 bits a channel: the picture's 16 bits were rounded (png keeps them)")
    if image_format == "jpeg" and pixels.shape[2] == 4:
        pixels = pixels[..., :3]
        lost.append("jpeg can't hold transparency: it was left out (png, webp and avif keep it)")
    return pixels, tuple(lost)


def _held(pixels: Picture, metadata: Metadata, image_format: str) -> tuple[Picture, Metadata, tuple[str, ...]]:
    """The pixels and what of the metadata the format can hold, and what was lost."""
    lost = list(_lost(metadata, image_format))
    if metadata.profile is not None and metadata.profile[16:20] != (b"GRAY" if pixels.shape[2] == 1 else b"RGB "):
        metadata = replace(metadata, profile=None)
    if metadata.profile is not None and pixels.shape[2] == 1 and image_format in ("webp", "avif"):
        pixels, metadata = converted(pixels, metadata.profile, None), replace(metadata, profile=None)
        lost.append(f"{image_format} can't hold a grey profile: grey became sRGB (png and jpeg keep it)")
    if image_format == "jpeg" and metadata.exif and len(metadata.exif) > _MAX_JPEG_EXIF:
        metadata = replace(metadata, exif=None)
        lost.append("jpeg can't hold that much EXIF: it was left out (png, webp and avif keep it)")
    return pixels, metadata, tuple(lost)


def _lost(metadata: Metadata, image_format: str) -> Iterator[str]:
    """What only a PNG holds, and the resolution."""
    if image_format == "png":
        return
    if metadata.texts:
        yield f"{image_format} can't hold a PNG's texts ({metadata.keywords}): they were left out (png keeps them)"
    if colour := lost_without(metadata.colour, metadata.profile):
        yield (
            f"what the colours mean ({', '.join(colour)}) was left out, they may look different: {image_format} as "
            "written here can't hold it (png keeps it)"
        )
    if metadata.dpi and image_format in _NO_DPI and round(metadata.dpi[0]) not in _SCREEN_DPI:
        dots = "×".join(f"{value:g}" for value in dict.fromkeys(round(dots) for dots in metadata.dpi))
        yield f"{image_format} can't hold the resolution ({dots} dpi): it was left out (png and jpeg keep it)"


def _encoded(pixels: Picture, image_format: str, quality: int = 95, **metadata: object) -> bytes:
    # JPEG and AVIF of high quality keep colours at full resolution, WebP keeps the colours of transparent pixels, and
    # PNG gets no larger than at the usual level 6 but is written a third faster.
    options: dict[str, dict[str, object]] = {
        "jpeg": {"quality": quality, "subsampling": "4:4:4" if quality >= 90 else "4:2:0"},
        "webp": {"quality": quality, "exact": True},
        "avif": {"quality": quality, "subsampling": "4:4:4" if quality >= 90 else "4:2:0"},
        "png": {"compress_level": 4},
    }
    buffer = BytesIO()
    image = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels))
    image.save(buffer, image_format, **metadata, **options[image_format])
    return buffer.getvalue()


def _deep_png(pixels: Picture) -> bytes:
    """16 bits a channel, which Pillow writes for grey alone."""
    blue_first = pixels[..., [2, 1, 0, 3][: pixels.shape[2]]] if pixels.shape[2] > 1 else pixels
    return cv2.imencode(".png", np.ascontiguousarray(blue_first))[1].tobytes()


def _chunks(metadata: Metadata) -> Iterator[bytes]:
    """The metadata as a PNG holds them, behind its header."""
    for kind, content in metadata.colour:
        yield png_chunk(kind, content)
    if metadata.profile:
        yield png_chunk(b"iCCP", b"ICC\0\0" + zlib.compress(metadata.profile))
    if metadata.dpi:
        yield png_chunk(b"pHYs", struct.pack(">IIB", *(round(dots / _METRES_AN_INCH) for dots in metadata.dpi), 1))
    if metadata.exif:
        yield png_chunk(b"eXIf", metadata.exif.removeprefix(b"Exif\0\0"))
    for kind, content in metadata.texts:
        yield png_chunk(kind, content)
