"""What a picture file holds beside its pixels, to be written with what the pixels become."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from PIL import Image

from .reading import DAMAGE, ORIENTATION_TAG, content_of, opened

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
# These hold an orientation of their own, which no longer fits pixels that were turned upright.
_RAW_PROFILE = b"Raw profile type"
_NOT_CARRIED = (_RAW_PROFILE, b"XML:com.adobe.xmp")
_MAX_DPI = 65_535
"""What JPEG holds."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What goes from a picture into another one that is made of it."""

    profile: bytes | None = None
    """The ICC profile that the pixels of `read_picture` are in."""
    exif: bytes | None = None
    """As in a JPEG, from `Exif` on, for pixels that are upright; without a thumbnail, which would show the old ones."""
    dpi: tuple[float, float] | None = None
    texts: tuple[tuple[bytes, bytes], ...] = ()
    """A PNG's chunks of text, such as `parameters` and `workflow`: kind and content as they are."""
    frames: int = 1
    """How many pictures the file holds."""

    @property
    def note(self) -> str | None:
        """What `read_picture` leaves out."""
        return f"{self.frames} frames: only the first is used" if self.frames > 1 else None

    @property
    def keywords(self) -> str:
        """What the texts are called."""
        names = (content.partition(b"\0")[0].decode("latin-1") for _, content in self.texts)
        return ", ".join(dict.fromkeys(names))


def read_metadata(path: str | os.PathLike[str]) -> Metadata:
    """What the file holds beside the pixels of its first picture. Damaged parts are left out; errors as `read_picture`.

    EXIF is taken from jpeg, png and webp: that of a TIFF is about the file itself.
    """
    data = content_of(path)
    with opened(data, os.fspath(path)) as image:
        exif = _exif(image) if _may_have_exif(data) else None
        return Metadata(_profile(image), exif, _dpi(image), tuple(_texts(data)), _frames(image))


def _profile(image: Image.Image) -> bytes | None:
    profile = image.info.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile[16:20] in (b"RGB ", b"GRAY") else None


def _exif(image: Image.Image) -> bytes | None:
    if image.format == "TIFF":
        return None
    with suppress(*DAMAGE):
        exif = image.getexif()
        if ORIENTATION_TAG in exif:
            exif[ORIENTATION_TAG] = 1
        return exif.tobytes() if len(exif) else None
    return None


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    with suppress(*DAMAGE):
        across, down = (float(value) for value in image.info["dpi"])
        if all(math.isfinite(value) and 1 <= value <= _MAX_DPI for value in (across, down)):
            return across, down
    return None


def _frames(image: Image.Image) -> int:
    # A JPEG's further pictures are previews and maps of brightness, which no viewer shows.
    if image.format in ("JPEG", "MPO"):
        return 1
    with suppress(*DAMAGE):
        return int(getattr(image, "n_frames", 1))
    return 1


def _may_have_exif(data: bytes) -> bool:
    # In a PNG, Pillow looks for it after the pixels too, which it decodes on the way.
    return not data.startswith(_SIGNATURE) or any(
        kind == b"eXIf" or content.startswith(_RAW_PROFILE) for kind, content in _chunks(data)
    )


def _texts(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    return ((kind, text) for kind, text in _chunks(data) if kind in _TEXTS and not text.startswith(_NOT_CARRIED))


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and content of what a PNG is made of; nothing of other files."""
    start = len(_SIGNATURE)
    while data.startswith(_SIGNATURE) and start + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, start)
        kind, content = data[start + 4 : start + 8], data[start + 8 : start + 8 + length]
        if len(content) == length:
            yield kind, content
        start += 12 + length
