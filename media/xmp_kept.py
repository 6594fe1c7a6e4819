"""What of a picture's or clip's XMP still holds once its pixels are other ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from .xmp import Packet, XmpError

_XMP: Final = "http://ns.adobe.com/xap/1.0/"
_TIFF: Final = "http://ns.adobe.com/tiff/1.0/"
_EXIF: Final = "http://ns.adobe.com/exif/1.0/"
_PHOTOSHOP: Final = "http://ns.adobe.com/photoshop/1.0/"
_GOOGLE: Final = "http://ns.google.com/photos/"
_DC: Final = "http://purl.org/dc/elements/1.1/"
_FORMAT: Final = f"{{{_DC}}}format"
_ORIENTATION: Final = f"{{{_TIFF}}}Orientation"
_GONE: Final = (
    "http://ns.adobe.com/camera-raw-settings/1.0/",
    "http://ns.adobe.com/camera-raw-saved-settings/1.0/",
    "http://ns.adobe.com/xap/1.0/g/img/",
    "http://ns.adobe.com/xmp/note/",
    "http://ns.adobe.com/hdr-gain-map/1.0/",
    "http://ns.apple.com/",
    _GOOGLE,
)
"""What namespaces begin with whose properties are about the old pixels: how a raw file was developed, copies of the
picture, its depth, its gain map, its moving part."""
_STILL_TRUE: Final = f"{_GOOGLE}1.0/panorama/"
_GONE_NAMES: Final = frozenset(
    {
        (_XMP, "Thumbnails"),
        ("http://ns.adobe.com/xap/1.0/mm/", "InstanceID"),  # each saved file has its own
        ("http://purl.org/dc/terms/", "provenance"),  # where the Content Credentials of the old pixels are
        (_TIFF, "NativeDigest"),
        (_EXIF, "NativeDigest"),
        (_PHOTOSHOP, "LegacyIPTCDigest"),
    }
)
_OF_SIDES: Final = frozenset(
    {
        (_TIFF, "ImageWidth"),
        (_TIFF, "ImageLength"),
        (_EXIF, "PixelXDimension"),
        (_EXIF, "PixelYDimension"),
        ("http://www.metadataworkinggroup.com/schemas/regions/", "Regions"),
        ("http://ns.microsoft.com/photo/1.2/", "RegionInfo"),
    }
)
"""What counts from the sides of the picture as its file has it."""


class FoundXmp(NamedTuple):
    """What a file has of XMP."""

    packets: Sequence[bytes] = ()
    """As the file has them; the first counts."""
    extension: bytes | None = None
    """What goes on from the first, in a JPEG."""
    notes: tuple[str, ...] = ()
    media_type: str | None = None
    """The file's, e.g. image/jpeg."""


class KeptXmp(NamedTuple):
    """What goes along with new pixels."""

    packet: bytes | None
    notes: tuple[str, ...]


def kept_xmp(found: FoundXmp, turned: bool) -> KeptXmp:
    """The XMP that still holds for new pixels, upright; `turned`: the old ones were stored otherwise.

    A damaged packet is left out, and a note says so.
    """
    notes = list(found.notes)
    if len(found.packets) > 1:
        notes.append(f"XMP: the file has {len(found.packets)} packets, only the first is carried")
    try:
        packet = Packet.of(found.packets[0]) if found.packets else None
    except XmpError as error:
        return KeptXmp(None, (*notes, f"XMP left out: it {error}"))
    if packet is None:
        return KeptXmp(None, tuple(notes))
    if found.extension is not None:
        try:
            packet.add(Packet.of(found.extension))
        except XmpError as error:
            notes.append(f"the second part of the XMP left out: it {error}")
    is_said = packet.get(_ORIENTATION) is not None
    packet.remove(lambda namespace, name: _is_untrue(namespace, name, turned))
    if is_said:
        packet.set({_ORIENTATION: "1"}, {_TIFF: "tiff"})
    return KeptXmp(packet.to_bytes(), tuple(notes))


def with_format(packet: bytes, media_type: str) -> bytes:
    """The packet; where it says which kind of file it is in, it says this kind."""
    if b"format" not in packet:
        return packet
    found = Packet.of(packet)
    if found.get(_FORMAT) in (None, media_type):
        return packet
    found.set({_FORMAT: media_type}, {_DC: "dc"})
    return found.to_bytes()


def _is_untrue(namespace: str, name: str, turned: bool) -> bool:
    is_old = namespace.startswith(_GONE) and namespace != _STILL_TRUE
    return is_old or (namespace, name) in _GONE_NAMES or (turned and (namespace, name) in _OF_SIDES)
