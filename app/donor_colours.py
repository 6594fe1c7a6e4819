"""Donors' colours in what the target's numbers mean: an Adobe RGB donor looks the same in an sRGB target."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..media.pictures import converted
from ..pipeline.types import Picture
from .pictures import Donors

_GREY = b"GRAY"


@dataclass(frozen=True, slots=True)
class DonorColours:
    """The ICC profiles of donors, and the donors as they were last seen in a target's."""

    profiles: tuple[bytes | None, ...] = ()
    """One a picture of the donors; None for sRGB."""
    _last: dict[bytes | None, tuple[Picture, ...]] = field(default_factory=dict[bytes | None, tuple[Picture, ...]])
    """Targets of a folder are mostly alike."""

    def seen_in(self, profile: bytes | None, donors: Donors) -> Donors:
        """The donors with their pictures in a target's profile, None for sRGB: the very same where all mean the same.

        A grey target takes them in sRGB, and so does one whose profile can't be written to.
        """
        wanted = None if profile is not None and profile[16:20] == _GREY else profile
        if all(own == wanted for own in self.profiles):
            return donors
        if wanted not in self._last:
            pairs = list(zip(donors.pictures, self.profiles, strict=True))
            self._last.clear()
            self._last[wanted] = tuple(_converted(picture, own, wanted) for picture, own in pairs)
        return donors._replace(pictures=self._last[wanted])


def _converted(picture: Picture, profile: bytes | None, wanted: bytes | None) -> Picture:
    try:
        return converted(picture, profile, wanted)
    except OSError:
        # Scanners' profiles lead one way only.
        return converted(picture, profile, None)
