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
_NAMES: Final = (_SOURCE_TYPE, _USED, _VERSION_USED)
_TAGS: Final = ("DIGITAL_SOURCE_TYPE", "AI_SYSTEM_USED", "AI_SYSTEM_VERSION_USED")
_BETWEEN: Final = "; "


class Said(NamedTuple):
    """What a file says of how it was made; None where it doesn't."""

    source_type: str | None = None
    system: str | None = None
    version: str | None = None


_NOTHING: Final = Said()


class Statement(NamedTuple):
    """How a picture or clip was made."""

    source_type: str
    """`WITH_AI` or `SYNTHETIC`."""

    @property
    def uri(self) -> str:
        """The source type as IPTC writes it."""
        return _SOURCE_TYPES + self.source_type

    def after(self, target: Said) -> Statement:
        """A target that is all AI's, or in part, makes a result that is so in part, whatever the engine."""
        old = (target.source_type or "").rstrip("/").rpartition("/")[2]
        return Statement(WITH_AI) if old in (WITH_AI, ALL_AI) else self

    def xmp(self, packet: bytes | None, target: Said = _NOTHING) -> bytes:
        """The packet with the statement: what `target` says of AI, which the packet may lack, stays said.

        Raises XmpError for a damaged one.
        """
        found = Packet.empty() if packet is None else Packet.of(packet)
        old = _said(found)
        texts: dict[str, str] = dict(zip(_NAMES, self._texts(old if any(old) else target), strict=True))
        found.set(texts, {_IPTC: "Iptc4xmpExt"})
        return found.to_bytes()

    def tags(self, target: Said = _NOTHING) -> Mapping[str, str]:
        """For formats that hold no XMP; as `xmp`."""
        return dict(zip(_TAGS, self._texts(target), strict=True))

    def _texts(self, target: Said) -> tuple[str, str, str]:
        return self.after(target).uri, _with(target.system, SYSTEM), _with(target.version, __version__)


def said_by(found: FoundXmp) -> Said:
    """What the first packet says. Raises XmpError for a damaged one."""
    return _said(Packet.of(found.packets[0])) if found.packets else _NOTHING


def said_by_tags(tags: Mapping[str, str]) -> Said | None:
    """What a clip's tags say; None where they say nothing of it."""
    found = Said(*(tags.get(name) for name in _TAGS))
    return found if any(found) else None


def _said(packet: Packet) -> Said:
    return Said(*(packet.get(name) for name in _NAMES))


def _with(old: str | None, new: str) -> str:
    return new if not old else old if new in old.split(_BETWEEN) else f"{old}{_BETWEEN}{new}"
