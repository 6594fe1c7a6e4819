"""Pictures on their way to the API, and the one that comes back."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ...media.pictures import decode_file, encode_picture, to_uint8
from ...pipeline.errors import ImageError, SettingsError
from ...pipeline.types import Picture, Size
from .endpoint import is_web_url
from .errors import ResultError
from .settings import API_FORMATS


@dataclass(frozen=True, slots=True)
class Media:
    """A picture on its way to the API: its bytes, or the URL where the API fetches it itself."""

    data: bytes
    mime: str
    url: str = ""
    size: Size | None = None
    """None of a URL."""

    @property
    def digest(self) -> str:
        """SHA-256 of what it is, in hexadecimal."""
        return hashlib.sha256(self.url.encode() or self.data).hexdigest()

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
    try:
        return _from_pixels(picture)
    except ImageError as error:
        raise ImageError(f"{name}: {error}") from error


def _from_file(data: bytes, name: str) -> Media:
    """Turned pictures are turned upright, CMYK becomes sRGB: nothing says that the API honours either."""
    decoded = decode_file(data, name, API_FORMATS)
    if not decoded.as_stored:
        return _from_pixels(decoded.pixels)
    return Media(data, f"image/{decoded.image_format}", size=Size.of(decoded.pixels))


def _from_pixels(picture: Picture) -> Media:
    return Media(encode_picture(to_uint8(picture), "png")[0], "image/png", size=Size.of(picture))


def decode_result(data: bytes) -> Received:
    """The picture that came back; ResultError where it isn't one, is cut short, or has more than 100 megapixels."""
    if not data:
        raise ResultError("it is empty")
    name = "the result"
    try:
        decoded = decode_file(data, name, API_FORMATS)
    except ImageError as error:
        raise ResultError(f"{_kind(data)}: {str(error).removeprefix(f'{name}: ')}") from error
    pixels = to_uint8(decoded.pixels)
    return Received(data, np.repeat(pixels, 3, 2) if pixels.shape[2] == 1 else pixels, decoded.image_format)


def decode_base64(text: str) -> bytes | None:
    """The bytes of base64 text or a data URI; None where it is neither."""
    _, marker, payload = text.partition(";base64,") if text.startswith("data:") else ("", "", text)
    try:
        return base64.b64decode("".join((payload if marker else text).split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _kind(data: bytes) -> str:
    start = data[:200].lstrip().lower()
    if start.startswith((b"<!doctype", b"<html")):
        return "it is a web page and not a picture"
    return f"its {len(data)} bytes are not a whole JPEG, PNG or WebP picture"
