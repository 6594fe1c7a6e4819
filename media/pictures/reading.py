"""Picture files as arrays: (H, W, C) with C = 1 (grey), 3 (RGB) or 4 (RGB and alpha), uint8 or uint16, upright."""

from __future__ import annotations

import errno
import os
import struct
import warnings
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from io import BytesIO
from typing import BinaryIO, Final, NamedTuple

import cv2
import numpy as np
from PIL import Image, features
from PIL.JpegImagePlugin import JpegImageFile

from ...pipeline.errors import ImageError, MultiFaceSwapError
from ...pipeline.quotes import excerpt, named
from ...pipeline.types import Picture, Size
from ..files import PLAYLIST, is_playlist, open_bounded, open_file
from ..limits import MAX_OF_KIND, MAX_PIXELS, require_pixels, require_pixels_of_kind
from ..picture_formats import format_of
from .bounds import require_bounded
from .chunks import PNG_SIGNATURE, bare_png, jp2_is_tiled, jp2_profile, may_have_exif, png_size
from .colour import colours_of, to_srgb
from .deep import deep_pixels, is_deep, is_deep_grey
from .deep_bands import is_interlaced
from .directories import is_bounded_exif
from .opencv import decoded
from .slices import read_whole
from .turning import is_turned, upright

_MAX_BYTES = 10 * MAX_PIXELS
"""Uncompressed 16-bit RGB and alpha has 8 bytes a pixel."""
_FROM_FILE: Final = (PNG_SIGNATURE[:4], b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"BM")
"""What files begin with that may be as large as their pixels."""
READABLE = ("jpeg", "png", "webp", "avif", "tiff", "bmp", "gif", "jpeg2000")
"""The formats that are always tried: Pillow hands some others to outside programs. Beside them tga, which only its name
tells, and heif, which needs a package."""
_HEIF_CURE: Final = "HEIC and HEIF need pillow-heif: pip install 'multifaceswap[heic]', or pip install pillow-heif"
_HEIC: Final = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs")
_AVIF: Final = (b"avif", b"avis")
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    AttributeError,
    EOFError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    AssertionError,
    struct.error,
    zlib.error,
    cv2.error,
)
"""What decoders raise on damaged files."""
ORIENTATION_TAG = 0x0112
_BAND_PIXELS: Final = 1 << 18


class DecodedPicture(NamedTuple):
    """A picture file's pixels, and what the file was."""

    pixels: Picture
    """As of `read_picture`."""
    image_format: str
    """One of `READABLE`, tga or heif."""
    as_stored: bool
    """Whether the file has its pixels as they are shown; otherwise they were turned as its EXIF orientation says, or
    their colours became sRGB."""


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """The first picture of a file: (H, W, C), C = 1, 3 or 4, uint8, or uint16 where the file has 16 bits a channel.

    EXIF orientation is applied; palettes and transparency become RGB or RGB and alpha, CMYK and LAB become sRGB by
    their profile. RGB and grey stay in the file's own colour space: see `read_metadata`. Raises ImageError, for more
    than 100 megapixels, or those of `MAX_OF_KIND`, before decoding.
    """
    with picture_file(path) as file:
        return _decoded(file, os.fspath(path)).pixels


def decode_picture(data: bytes, name: str) -> Picture:
    """As `read_picture`, of a file's bytes; `name` is what errors call it."""
    return decode_file(data, name).pixels


def decode_file(data: bytes, name: str, formats: tuple[str, ...] | None = None) -> DecodedPicture:
    """As `decode_picture`, of a file in one of the `formats`, with what the file was. Raises ImageError."""
    return _decoded(BytesIO(data), name, formats)


def _decoded(file: BinaryIO, name: str, formats: tuple[str, ...] | None = None) -> DecodedPicture:
    with opened(file, name, formats) as image:
        colours = colours_of(image, is_grey=is_deep_grey(file, image))
        is_webp = image.format == "WEBP" and not _is_animated(image)
        is_deep_png = image.format == "PNG" and is_deep(file, image) and not is_interlaced(file)
        if not (is_webp or is_deep_png):
            image.load()
        orientation = _orientation(image) if may_have_exif(file) else 1
        # MPO is what Pillow calls a JPEG with further pictures after the first.
        image_format = "jpeg" if image.format == "MPO" else str(image.format).lower()
        as_stored = not is_turned(orientation) and image.mode not in ("CMYK", "LAB")
        profile = colours.from_profile
        if is_deep(file, image):
            picture = deep_pixels(file, image, name, profile, orientation)
        elif is_webp:
            # For Pillow every WebP is an animation, of which libwebp holds two frames.
            picture = upright([decoded(read_whole(file), np.uint8)], Size(*image.size), orientation)
        else:
            picture = upright(_plain_rows(image, name, profile), Size(*image.size), orientation)
    return DecodedPicture(picture, image_format, as_stored)


class PictureHeader(NamedTuple):
    """What a picture file says of itself before its pixels."""

    size: Size
    """Before it is turned upright."""
    media_type: str
    """image/png and the like."""


def looked_at(data: bytes, name: str) -> PictureHeader:
    """The header of a picture in bytes; `name` is what errors call it. Raises ImageError, also for one too large."""
    with opened(BytesIO(data), name) as image:
        kind = "JPEG" if image.format == "MPO" else str(image.format)
        return PictureHeader(Size(*image.size), Image.MIME.get(kind, "application/octet-stream"))


def picture_size(path: str | os.PathLike[str]) -> Size:
    """A picture's size as its header says, before it is turned upright. Raises ImageError."""
    with _read_errors(path), open_file(path) as file:
        start = file.read(24)
        if not start:
            raise ImageError(f"{named(path)}: the file is empty")
        if (size := png_size(start)) is not None:
            require_pixels(size, named(path))
            return size
        file.seek(0)
        with opened(file, os.fspath(path)) as image:
            return Size(*image.size)


def reads_heif() -> bool:
    """Whether the package is there that reads HEIC and HEIF."""
    return find_spec("pillow_heif") is not None


@contextmanager
def picture_file(path: str | os.PathLike[str]) -> Generator[BinaryIO]:
    """A file to be decoded, whole in memory where its format packs pixels well. Raises ImageError."""
    with _read_errors(path), open_bounded(path, _MAX_BYTES) as file:
        start = file.read(4)
        if not start:
            raise ImageError(f"{named(path)}: the file is empty")
        yield file if start.startswith(_FROM_FILE) else BytesIO(read_whole(file))


@contextmanager
def _read_errors(path: str | os.PathLike[str]) -> Generator[None]:
    try:
        yield
    except IsADirectoryError as error:
        raise ImageError(f"{named(path)}: is a folder, not a picture") from error
    except OSError as error:
        too_large = "too large a file for a picture of 100 megapixels"
        reason = too_large if error.errno == errno.EFBIG else f"can't be read: {_one_line(error)}"
        raise ImageError(f"{named(path)}: {reason}") from error


@contextmanager
def opened(file: BinaryIO, name: str, formats: tuple[str, ...] | None = None) -> Generator[Image.Image]:
    """The picture with its header read; any error then or in the block becomes an ImageError of one line.

    Of a file that isn't `BytesIO` the header alone is looked into for what is costly to decode.
    """
    shown = named(name)
    known = formats or _readable(file, name)
    try:
        require_bounded(file, shown)
        bare, profile = bare_png(file)
        # Pillow warns of pictures from 89 megapixels on, and of much that doesn't matter.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(bare, formats=known) as image:
                require_pixels(Size(*image.size), shown)
                if kind := _heavy_kind(image, file):
                    require_pixels_of_kind(Size(*image.size), kind, shown)
                if image.format == "JPEG2000" and isinstance(file, BytesIO):
                    profile = jp2_profile(file.getvalue())
                if profile:
                    image.info["icc_profile"] = profile
                yield image
    except MultiFaceSwapError:
        raise
    except Image.DecompressionBombError as error:
        raise ImageError(f"{shown}: larger than 100 megapixels: make it smaller first") from error
    except Image.UnidentifiedImageError as error:
        if is_playlist(name):
            raise ImageError(f"{shown}: {PLAYLIST}") from error
        listed = ", ".join(known).upper()
        raise ImageError(f"{shown}: not a picture, or of a kind that can't be read (expected {listed})") from error
    except MemoryError as error:
        raise ImageError(f"{shown}: there is not enough memory to open it") from error
    except DAMAGE as error:
        raise ImageError(f"{shown}: the picture is damaged or cut short: {_one_line(error)}") from error


def _heavy_kind(image: Image.Image, file: BinaryIO) -> str | None:
    """What of `MAX_OF_KIND` the file is; of one that is only looked into, as far as its header says it."""
    if image.format == "WEBP":
        return "animated WebP" if _is_animated(image) else None
    if image.format == "JPEG2000" and isinstance(file, BytesIO):
        return None if jp2_is_tiled(file.getvalue()) else "JPEG 2000 in one piece"
    if isinstance(image, JpegImageFile):
        is_large = image.info.get("progressive") and len({layer[1:3] for layer in image.layer}) == 1 < len(image.layer)
        return "progressive JPEG without subsampling" if is_large else None
    return image.format if image.format in MAX_OF_KIND else None


def _is_animated(image: Image.Image) -> bool:
    return getattr(image, "n_frames", 1) > 1


def exif_of(image: Image.Image) -> Image.Exif:
    """A picture's EXIF. Raises what decoders raise on damaged files; ValueError where tags share what they hold."""
    if image.format == "PNG" and "exif" not in image.info:
        image.load()  # it may come after the pixels
    block = image.info.get("exif")
    if block is None and isinstance(text := image.info.get("Raw profile type exif"), str):
        block = bytes.fromhex("".join(text.split("\n")[3:]))
    if isinstance(block, bytes) and not is_bounded_exif(block):
        raise ValueError("its EXIF is out of all proportion")
    return image.getexif()


def _readable(file: BinaryIO, name: str) -> tuple[str, ...]:
    """The formats to try. Raises ImageError for one that needs a package that isn't there."""
    start = file.read(64)
    file.seek(0)
    if start[4:8] != b"ftyp":
        # A TGA has no mark of its own: anything might be taken for one.
        return (*READABLE, "tga") if format_of(name) == "tga" else READABLE
    brands = [start[place : place + 4] for place in (8, *range(16, min(int.from_bytes(start[:4], "big"), 64), 4))]
    if any(brand in _HEIC for brand in brands):
        _register_heif(name)
        return (*READABLE, "heif")
    if any(brand in _AVIF for brand in brands) and not features.check("avif"):
        raise ImageError(f"{named(name)}: AVIF needs a Pillow that was built with it: pip install --upgrade Pillow")
    return READABLE


def _register_heif(name: str) -> None:
    try:
        import_module("pillow_heif").register_heif_opener()
    except ImportError as error:
        raise ImageError(f"{named(name)}: {_HEIF_CURE}") from error


def _one_line(error: BaseException) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return excerpt(reason) or type(error).__name__


def _orientation(image: Image.Image) -> int:
    # Read after decoding: Pillow and OpenCV turn TIFFs themselves, and Pillow then takes the tag away. A broken EXIF
    # block is no reason to refuse a picture whose pixels are fine.
    with suppress(*DAMAGE):
        return int(exif_of(image).get(ORIENTATION_TAG, 1))
    return 1


def _plain_rows(image: Image.Image, name: str, profile: bytes | None) -> Iterator[Picture]:
    """The rows (h, W, C), a band at a time: Pillow gives a whole picture twice, in pieces and joined."""
    if image.mode == "I;16" and image.format == "JPEG2000":
        yield np.asarray(image)[..., None]
        return
    if image.mode[0] in "IF":
        raise ImageError(
            f"{named(name)}: pixels of kind {image.mode} can't be used: save it with 8 or 16 bits a channel"
        )
    shown = to_srgb(image, profile) if profile else image
    wanted = _target_mode(shown)
    # Pillow copies a picture that has the wanted mode already.
    last = shown if shown.mode == wanted else shown.convert(wanted)
    for before in (image, shown):
        if before is not last:
            before.close()  # as large as what came of it
    step = max(_BAND_PIXELS // last.width, 1)
    for top in range(0, last.height, step):
        band = np.asarray(last.crop((0, top, last.width, min(top + step, last.height))))
        yield band.reshape(*band.shape[:2], -1)
    last.close()


def _target_mode(image: Image.Image) -> str:
    if image.has_transparency_data:
        return "RGBA"
    return "L" if image.mode in ("1", "L") else "RGB"
