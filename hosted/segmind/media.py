"""Pictures on their way to the API, and the one that comes back."""

from __future__ import annotations

import base64
import binascii
import hashlib
import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import Final, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from ...pipeline.errors import ImageError, SettingsError
from ...pipeline.types import Picture, Size
from .endpoint import is_web_url
from .errors import ResultError

MAX_PIXELS: Final = 100 * 2**20
"""As for picture files."""
_MIME: Final = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
_ORIENTATION: Final = 0x0112
# What Pillow raises on damaged files.
_DAMAGE: Final = (OSError, SyntaxError, ValueError, TypeError, EOFError, LookupError, ArithmeticError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Media:
    """A picture on its way to the API: its bytes, or the URL where the API fetches it itself."""

    data: bytes
    mime: str
    url: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of what it is, in hexadecimal."""
        return hashlib.sha256(self.url.encode() or self.data).hexdigest()

    def size(self) -> Size | None:
        """Width and height; None of a URL."""
        return None if self.url else Size(*_opened(self.data, whole=False).size)

    def data_uri(self) -> str:
        return f"data:{self.mime};base64,{base64.b64encode(self.data).decode()}"


class Received(NamedTuple):
    """A picture that came back."""

    data: bytes
    pixels: Picture
    """(H, W, 3) RGB or (H, W, 4) RGBA, uint8."""
    image_format: str
    """jpeg, png or webp."""


def as_media(picture: Picture | bytes | str, name: str) -> Media:
    """A picture as the API takes it.

    `picture`: (H, W), (H, W, 1), (H, W, 3) RGB or (H, W, 4) RGBA of uint8, uint16 or float in [0, 1]; or the bytes of
    a JPEG, PNG or WebP file, which are sent as they are; or an http(s) URL. Raises ImageError and SettingsError.
    """
    if isinstance(picture, str):
        if not is_web_url(picture):
            raise SettingsError(f"{name}: expected a picture or its http(s) URL, got the text {picture[:40]!r}")
        return Media(b"", "", picture)
    if isinstance(picture, bytes):
        return _from_file(picture, name)
    return Media(_png(_eight_bits(picture, name)), _MIME["PNG"])


def _from_file(data: bytes, name: str) -> Media:
    """Turned pictures are turned upright: nothing says that the API heeds a file's orientation."""
    try:
        image = _opened(data)
        if image.getexif().get(_ORIENTATION, 1) == 1:
            return Media(data, _MIME[str(image.format)])
        upright = ImageOps.exif_transpose(image)
    except _DAMAGE as error:
        raise ImageError(f"{name}: expected a JPEG, PNG or WebP picture: {_one_line(error)}") from error
    return Media(_png(np.asarray(upright.convert(_mode(upright)))), _MIME["PNG"])


def _eight_bits(picture: Picture, name: str) -> Picture:
    pixels = picture[..., 0] if picture.ndim == 3 and picture.shape[2] == 1 else picture
    if not pixels.size or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))):
        raise ImageError(f"{name}: expected (H, W) or (H, W, C) with C = 1, 3 or 4, got {picture.shape}")
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if pixels.dtype == np.uint8:
        return pixels
    if not np.isfinite(pixels).all():
        raise ImageError(f"{name}: expected values in [0, 1], got some that are no numbers")
    return np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def _png(pixels: Picture) -> bytes:
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", compress_level=4)
    return buffer.getvalue()


def decode_result(data: bytes) -> Received:
    """The picture that came back; ResultError where it is none, is cut short, or has more than 100 megapixels."""
    if not data:
        raise ResultError("it is empty")
    try:
        image = _opened(data)
        upright = ImageOps.exif_transpose(image)
        pixels = np.asarray(upright.convert(_mode(upright)))
    except _DAMAGE as error:
        raise ResultError(f"{_kind(data)}: {_one_line(error)}") from error
    return Received(data, pixels, str(image.format).lower())


def decode_base64(text: str) -> bytes | None:
    """The bytes of base64 text or a data URI; None where it is neither."""
    _, marker, payload = text.partition(";base64,") if text.startswith("data:") else ("", "", text)
    try:
        return base64.b64decode("".join((payload if marker else text).split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _opened(data: bytes, *, whole: bool = True) -> Image.Image:
    # Pillow warns of pictures from 89 megapixels on, and refuses twice that; the limit here lies between.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            image = Image.open(BytesIO(data), formats=tuple(_MIME))
    except Image.DecompressionBombError as error:
        raise ValueError("more than 100 megapixels") from error
    if image.width * image.height > MAX_PIXELS:
        raise ValueError(f"{image.width}×{image.height} pixels are more than 100 megapixels")
    if whole:
        image.load()
    return image


def _mode(image: Image.Image) -> str:
    return "RGBA" if image.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in image.info else "RGB"


def _kind(data: bytes) -> str:
    start = data[:200].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        return "it is a web page and no picture"
    return f"its {len(data)} bytes are no whole JPEG, PNG or WebP picture"


def _one_line(error: BaseException) -> str:
    if isinstance(error, Image.UnidentifiedImageError):
        return "unknown format"
    return " ".join(str(error).split()) or type(error).__name__
