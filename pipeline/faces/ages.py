"""How ranges of ages are written, and whom they keep."""

from __future__ import annotations

import re
from typing import Final

from ..errors import SettingsError
from ..quotes import quoted
from ..types import OLDEST, AgeRange, Face

EXAMPLES: Final = "20-39, 25 or 70+"
_RANGE: Final = re.compile(r"\s*([0-9]{1,3})\s*(?:(\+)|-\s*([0-9]{1,3}))?\s*", re.ASCII)


def parse_ages(text: str) -> AgeRange | None:
    """Both ends in years: `20-39`, `25` or `70+`; None for an empty text, which stands for all ages.

    Raises SettingsError for any other text, and for a range that runs backwards or beyond 120 years.
    """
    if not text.strip():
        return None
    match = _RANGE.fullmatch(text)
    if match is None:
        raise SettingsError(f"expected years such as {EXAMPLES}, or nothing for all ages, got {quoted(text)}")
    low = int(match[1])
    high = OLDEST if match[2] else int(match[3] or low)
    if not low <= high <= OLDEST:
        raise SettingsError(f"expected years from 0 to {OLDEST}, the lower ones first, got {quoted(text)}")
    return AgeRange(low, high)


def is_of_age(face: Face, ages: str) -> bool:
    """Whether a filter keeps the face: it may be of such an age by its guess.

    Raises SettingsError for a filter that can't be read, and where the face's age wasn't asked for.
    """
    wanted = parse_ages(ages)
    if wanted is not None and face.age is None:
        raise SettingsError(
            f"detect_age: {ages!r} was asked for, but these faces were detected without age: switch on age in face "
            "detection"
        )
    return wanted is None or face.age is None or face.age.meets(wanted)
