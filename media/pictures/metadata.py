"""What a picture file holds beside its pixels, to be written with what the pixels become."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Final

from PIL import Image

from ...pipeline.quotes import listed
from ..xmp_kept import FoundXmp, kept_xmp
from .bounds import gif_frames
from .chunks import RAW_PROFILE, TEXTS, avif_colour, may_have_exif, png_chunks, png_colour, text_size
from .colour import colours_of
from .deep import is_deep_grey
from .directories import tiff_pages
from .reading import DAMAGE, ORIENTATION_TAG, exif_of, opened, picture_file
from .turning import is_turned
from .xmp import PNG_XMP, find_xmp

_MOST_TEXT: Final = 1 << 20
"""Bytes of a packed text, and of all texts 32 times as many: what Pillow, and so ComfyUI, opens again."""
_MOST_TEXTS: Final = 32 << 20
# EXIF in a text holds an orientation, which no longer fits pixels that were turned upright; XMP is carried by itself.
_NOT_CARRIED = (RAW_PROFILE, PNG_XMP)
_IPTC: Final = 0x0404
_MP_ENTRIES: Final = 0xB002
_MAX_DPI = 65_535
"""What JPEG holds."""
_PREVIEWS: Final = ("Large Thumbnail (VGA Equivalent)", "Large Thumbnail (Full HD Equivalent)")
"""Of a JPEG's further pictures: the same picture, smaller."""
_TIFF_EXIF: Final = (0x8769, 0x8825)
"""Where a TIFF has its EXIF and GPS tags."""


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
    colour: tuple[tuple[bytes, bytes], ...] = ()
    """A PNG's chunks that say what its colours mean, such as gAMA and cICP; an AVIF's cICP as that chunk."""
    xmp: bytes | None = None
    """A packet, for pixels that are upright and no longer those of the file."""
    media_type: str | None = None
    """Of the file that this comes from, e.g. image/jpeg."""
    notes: tuple[str, ...] = ()
    """What `read_picture` and this leave out or change, a line each."""

    @property
    def keywords(self) -> str:
        """What the texts are called."""
        return listed(dict.fromkeys(_keyword(content) for _, content in self.texts))


def read_metadata(path: str | os.PathLike[str]) -> Metadata:
    """What the file holds beside the pixels of its first picture. Damaged parts are left out; errors as `read_picture`.

    EXIF is taken from all but tiff: that of a TIFF is about the file itself.
    """
    with picture_file(path) as file, opened(file, os.fspath(path)) as image:
        colours = colours_of(image, is_grey=is_deep_grey(file, image))
        turned = _is_turned(image, file)
        exif = _exif(image) if may_have_exif(file) else None
        meaning = tuple(png_colour(file) or avif_colour(file, colours.profile))
        texts, too_large = _texts(file)
        xmp, said = kept_xmp(find_xmp(image, file), turned)
        notes = (*_frames(image, file), *colours.notes, *_left_out(image), *too_large, *said)
        return Metadata(colours.profile, exif, _dpi(image), texts, meaning, xmp, _media_type(image), notes)


def read_xmp(path: str | os.PathLike[str]) -> FoundXmp:
    """The XMP of a picture file as it is. Raises as `read_picture`."""
    with picture_file(path) as file, opened(file, os.fspath(path)) as image:
        return find_xmp(image, file)._replace(media_type=_media_type(image))


def xmp_of(data: bytes) -> FoundXmp:
    """As `read_xmp`, of a file's bytes."""
    file = BytesIO(data)
    with opened(file, "the picture") as image:
        return find_xmp(image, file)


def _media_type(image: Image.Image) -> str | None:
    return Image.MIME.get("JPEG" if image.format == "MPO" else str(image.format))


def _is_turned(image: Image.Image, file: BinaryIO) -> bool:
    with suppress(*DAMAGE):
        return may_have_exif(file) and is_turned(int(exif_of(image).get(ORIENTATION_TAG, 1)))
    return False


def _exif(image: Image.Image) -> bytes | None:
    if image.format == "TIFF":
        return None
    with suppress(*DAMAGE):
        exif = exif_of(image)
        if ORIENTATION_TAG in exif:
            exif[ORIENTATION_TAG] = 1
        return exif.tobytes() if len(exif) else None
    return None


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    with suppress(*DAMAGE):
        across, down = (float(value) for value in image.info["dpi"])
        if all(math.isfinite(value) and 1 < value <= _MAX_DPI for value in (across, down)):
            return across, down
    return None


def _frames(image: Image.Image, file: BinaryIO) -> Iterator[str]:
    with suppress(*DAMAGE):
        pictures = _number_of_pictures(image, file)
        if pictures is None or pictures > 1:
            kind = "pictures" if image.format in ("MPO", "HEIF") else "frames"
            yield f"{'more than one frame' if pictures is None else f'{pictures} {kind}'}: only the first is used"


def _number_of_pictures(image: Image.Image, file: BinaryIO) -> int | None:
    """None where it is more than one, and would take too long to say how many."""
    # Pillow steps through them, in the square of their number.
    if image.format == "TIFF":
        return tiff_pages(file)
    if image.format == "GIF":
        return gif_frames(file)
    return _pictures_of_jpeg(image) if image.format in ("JPEG", "MPO") else getattr(image, "n_frames", 1)


def _pictures_of_jpeg(image: Image.Image) -> int:
    """Without smaller copies of the first."""
    entries = getattr(image, "mpinfo", {}).get(_MP_ENTRIES, ())
    return sum(entry["Attribute"]["MPType"] not in _PREVIEWS for entry in entries)


def _left_out(image: Image.Image) -> Iterator[str]:
    """What no format is given."""
    left = {
        "EXIF": image.format == "TIFF" and any(tag in image.getexif() for tag in _TIFF_EXIF),
        "IPTC": _IPTC in image.info.get("photoshop", ()),
    }
    if named := [name for name, is_there in left.items() if is_there]:
        yield f"{' and '.join(named)} left out: not carried from {str(image.format).lower()}"


def _texts(file: BinaryIO) -> tuple[tuple[tuple[bytes, bytes], ...], list[str]]:
    """The chunks of text that are carried, and a line on those that are too large."""
    kept: list[tuple[bytes, bytes]] = []
    left_out: list[str] = []
    room = _MOST_TEXTS
    for kind, content in png_chunks(file, TEXTS):
        if content.startswith(_NOT_CARRIED):
            continue
        size = text_size(kind, content, min(_MOST_TEXT, room)) if room > 0 else None
        if size is None or size > room:
            left_out.append(_keyword(content))
            continue
        room -= size
        kept.append((kind, content))
    return tuple(kept), [f"texts left out: {listed(left_out)}: too large or damaged"] if left_out else []


def _keyword(content: bytes) -> str:
    return content[:80].partition(b"\0")[0].decode("latin-1")
