"""Picture files as arrays: (H, W, C) with C = 1 (grey), 3 (RGB) or 4 (RGB and alpha), uint8 or uint16, upright."""

from __future__ import annotations

import glob
import os
import struct
import warnings
import zlib
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from ...pipeline.errors import ImageError
from ...pipeline.types import Picture

MAX_PIXELS = 100 * 2**20
"""Cameras sold as "100 megapixels" give 11648×8736, a little more than 100 million."""
EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"})
"""What `find_pictures` takes from a folder."""
_MAX_BYTES = 10 * MAX_PIXELS
"""Uncompressed 16-bit RGB and alpha has 8 bytes a pixel."""
READABLE = ("jpeg", "png", "webp", "tiff", "bmp", "gif")
"""The formats that are tried: Pillow hands some others to outside programs."""
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
    struct.error,
    zlib.error,
    cv2.error,
)
"""What decoders raise on damaged files."""
ORIENTATION_TAG = 0x0112
_TIFF_BITS = 258
_UPRIGHT: dict[int, Callable[[Picture], Picture]] = {
    2: lambda picture: picture[:, ::-1],
    3: lambda picture: picture[::-1, ::-1],
    4: lambda picture: picture[::-1],
    5: lambda picture: np.transpose(picture, (1, 0, 2)),
    6: lambda picture: np.rot90(picture, -1),
    7: lambda picture: np.transpose(np.rot90(picture, 2), (1, 0, 2)),
    8: np.rot90,
}


class DecodedPicture(NamedTuple):
    """A picture file's pixels, and what the file was."""

    pixels: Picture
    """As of `read_picture`."""
    image_format: str
    """One of `READABLE`."""
    is_upright: bool
    """Whether the file has its pixels as they are shown; otherwise they were turned as its EXIF orientation says."""


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """The first picture of a file: (H, W, C), C = 1, 3 or 4, uint8, or uint16 where the file has 16 bits a channel.

    EXIF orientation is applied; palettes, transparency and CMYK become RGB or RGB and alpha. RGB and grey stay in the
    file's own colour space: see `read_metadata`. Raises ImageError, for more than 100 megapixels before decoding.
    """
    return decode_picture(content_of(path), os.fspath(path))


def decode_picture(data: bytes, name: str) -> Picture:
    """As `read_picture`, of a file's bytes; `name` is what errors call it."""
    return decode_file(data, name).pixels


def decode_file(data: bytes, name: str, formats: tuple[str, ...] = READABLE) -> DecodedPicture:
    """As `decode_picture`, of a file in one of the `formats`, with what the file was. Raises ImageError."""
    with opened(data, name, formats) as image:
        image.load()
        picture = _deep_pixels(data) if _is_deep(data, image) else _plain_pixels(image, name)
        turn = _UPRIGHT.get(_orientation(image))
        # MPO is what Pillow calls a JPEG with further pictures after the first.
        image_format = "jpeg" if image.format == "MPO" else str(image.format).lower()
    return DecodedPicture(np.ascontiguousarray(turn(picture) if turn else picture), image_format, turn is None)


def find_pictures(paths: Iterable[str | os.PathLike[str]]) -> list[Path]:
    """Files as given; a folder becomes its pictures, sorted by name; `*` and `?` are expanded where no shell did it.

    Raises ImageError for a folder or pattern without a picture, and for an empty name.
    """
    return [picture for path in paths for picture in _found(path)]


def _found(given: str | os.PathLike[str]) -> list[Path]:
    if not os.fspath(given):
        # An unset variable gives one; as a path it would be the current folder.
        raise ImageError("a name is empty: expected a picture or a folder (. is the current one)")
    path = Path(given)
    if path.is_dir():
        matches = sorted(entry for entry in path.iterdir() if _is_listed(entry))
    elif glob.has_magic(str(path)) and not path.exists():
        matches = sorted(Path(match) for match in glob.glob(str(path)))
    else:
        return [path]
    if not matches:
        raise ImageError(f"{path}: there is no picture here")
    return matches


def _is_listed(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS and not path.name.startswith(".") and path.is_file()


def content_of(path: str | os.PathLike[str]) -> bytes:
    """A file's bytes. Raises ImageError."""
    try:
        if os.path.isdir(path):
            raise ImageError(f"{os.fspath(path)}: is a folder, not a picture")
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ImageError(f"{os.fspath(path)}: can't be read: {_one_line(error)}") from error
    if not data:
        raise ImageError(f"{os.fspath(path)}: the file is empty")
    if len(data) > _MAX_BYTES:
        raise ImageError(f"{os.fspath(path)}: too large a file for a picture of 100 megapixels")
    return data


@contextmanager
def opened(data: bytes, name: str, formats: tuple[str, ...] = READABLE) -> Generator[Image.Image]:
    """The picture with its header read; any error then or in the block becomes an ImageError of one line."""
    try:
        # Pillow warns of pictures from 89 megapixels on, and of much that doesn't matter.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(BytesIO(data), formats=formats) as image:
                _require_size(image, name)
                yield image
    except Image.DecompressionBombError as error:
        raise ImageError(f"{name}: larger than 100 megapixels: make it smaller first") from error
    except Image.UnidentifiedImageError as error:
        known = ", ".join(formats).upper()
        raise ImageError(f"{name}: not a picture, or of a kind that can't be read (expected {known})") from error
    except MemoryError as error:
        raise ImageError(f"{name}: there is not enough memory to open it") from error
    except DAMAGE as error:
        raise ImageError(f"{name}: the picture is damaged or cut short: {_one_line(error)}") from error


def _require_size(image: Image.Image, name: str) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise ImageError(f"{name}: {image.width}×{image.height} is larger than 100 megapixels: make it smaller first")


def _one_line(error: BaseException) -> str:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(reason.split()) or type(error).__name__


def _orientation(image: Image.Image) -> int:
    # Read after decoding: Pillow and OpenCV turn TIFFs themselves, and Pillow then takes the tag away. A broken EXIF
    # block is no reason to refuse a picture whose pixels are fine.
    with suppress(*DAMAGE):
        return int(image.getexif().get(ORIENTATION_TAG, 1))
    return 1


def _is_deep(data: bytes, image: Image.Image) -> bool:
    """Whether the file has 16 bits a channel, which Pillow reduces to 8 for anything but grey."""
    if isinstance(image, TiffImageFile):
        bits = image.tag_v2.get(_TIFF_BITS, (8,))
        return set(bits) == {16} and image.mode in ("I;16", "I;16B", "RGB", "RGBA")
    return image.format == "PNG" and data[24] == 16


def _deep_pixels(data: bytes) -> Picture:
    # After Pillow has decoded the same file: of some cut files OpenCV gives half a picture.
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.dtype != np.uint16:
        raise ValueError("its 16-bit pixels can't be decoded")
    return decoded[..., None] if decoded.ndim == 2 else decoded[..., [2, 1, 0, 3][: decoded.shape[2]]]


def _plain_pixels(image: Image.Image, name: str) -> Picture:
    if image.mode[0] in "IF":
        raise ImageError(f"{name}: pixels of kind {image.mode} can't be used: save it with 8 or 16 bits a channel")
    pixels = np.asarray(image.convert(_target_mode(image)))
    return pixels[..., None] if pixels.ndim == 2 else pixels


def _target_mode(image: Image.Image) -> str:
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return "RGBA"
    return "L" if image.mode in ("1", "L") else "RGB"
