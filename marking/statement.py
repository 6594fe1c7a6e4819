"""What a result says of itself, in XMP and in tags.

The names are those of the IPTC Photo Metadata Standard 2025.1, the source types IPTC's of the same name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from .. import __version__
from ..media.xmp import Packet
from ..media.xmp_kept import FoundXmp

SYSTEM: Final = "ComfyUI-MultiFaceSwap"
WITH_AI: Final = "compositeWithTrainedAlgorithmicMedia"
"""A picture in which a trained network made something."""
SYNTHETIC: Final = "compositeSynthetic"
"""A composite with synthetic parts, in which no network made pixels."""
ALL_AI: Final = "trainedAlgorithmicMedia"
"""A picture that is wholly a network's."""
_SOURCE_TYPES: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_IPTC: Final = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_SOURCE_TYPE: Final = f"{{{_IPTC}}}DigitalSourceType"
_USED: Final = f"{{{_IPTC}}}AISystemUsed"
_VERSION_USED: Final = f"{{{_IPTC}}}AISystemVersionUsed"
_TAGS: Final = ("DIGITAL_SOURCE_TYPE", "AI_SYSTEM_USED", "AI_SYSTEM_VERSION_USED")
_BETWEEN: Final = "; "


class Statement(NamedTuple):
    """How a picture or clip was made."""

    source_type: str
    """`WITH_AI` or `SYNTHETIC`."""

    @property
    def uri(self) -> str:
        """The source type as IPTC writes it."""
        return _SOURCE_TYPES + self.source_type

    def xmp(self, packet: bytes | None) -> bytes:
        """The packet with the statement: what a target says of AI in it stays said. Raises XmpError for a damaged one.

        A target that is all AI's, or in part, makes a result that is so in part, whatever the engine.
        """
        found = Packet.empty() if packet is None else Packet.of(packet)
        old = (found.get(_SOURCE_TYPE) or "").rpartition("/")[2]
        said = Statement(WITH_AI) if old in (WITH_AI, ALL_AI) else self
        used = {_USED: SYSTEM, _VERSION_USED: __version__}
        texts = {name: _with(found.get(name), text) for name, text in used.items()}
        found.set({_SOURCE_TYPE: said.uri, **texts}, {_IPTC: "Iptc4xmpExt"})
        return found.to_bytes()

    @property
    def tags(self) -> Mapping[str, str]:
        """For formats that hold no XMP."""
        return dict(zip(_TAGS, (self.uri, SYSTEM, __version__), strict=True))


class Said(NamedTuple):
    """What XMP says of how something was made; None where it doesn't."""

    source_type: str | None
    system: str | None
    version: str | None


def said_by(found: FoundXmp) -> Said:
    """What the first packet says. Raises XmpError for a damaged one."""
    if not found.packets:
        return Said(None, None, None)
    packet = Packet.of(found.packets[0])
    return Said(packet.get(_SOURCE_TYPE), packet.get(_USED), packet.get(_VERSION_USED))


def said_by_tags(tags: Mapping[str, str]) -> Said | None:
    """What a clip's tags say; None where they say nothing of it."""
    found = Said(*(tags.get(name) for name in _TAGS))
    return found if any(found) else None


def _with(old: str | None, new: str) -> str:
    return new if not old else old if new in old.split(_BETWEEN) else f"{old}{_BETWEEN}{new}"
