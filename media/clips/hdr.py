"""HDR10's static metadata, from a frame into the options of encoders that write it into the pictures.

The structures are FFmpeg's AVMasteringDisplayMetadata and AVContentLightMetadata, the units SMPTE ST 2086's
(libavutil/mastering_display_metadata.h).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import Final, NamedTuple

MASTERING: Final = "MASTERING_DISPLAY_METADATA"
LIGHT: Final = "CONTENT_LIGHT_LEVEL"
_PARAMS: Final = {"libx264": "x264-params", "libx265": "x265-params", "libsvtav1": "svtav1-params"}


class Mastering(NamedTuple):
    """The display that a film was finished on."""

    points: tuple[tuple[Fraction, Fraction], ...]
    """CIE x and y of red, green, blue and white."""
    darkest: Fraction
    """Candela a square metre."""
    brightest: Fraction


def mastering_of(beside: Mapping[str, bytes]) -> Mastering | None:
    """The display that a frame's side data names in full; None where it doesn't."""
    numbers = _integers(beside.get(MASTERING, b""))
    if len(numbers) < 22 or not (numbers[20] and numbers[21]) or not all(numbers[1:20:2]):
        return None
    values = [Fraction(*pair) for pair in zip(numbers[:20:2], numbers[1:20:2], strict=True)]
    return Mastering(tuple(zip(values[:8:2], values[1:8:2], strict=True)), values[8], values[9])


def light_of(beside: Mapping[str, bytes]) -> tuple[int, int] | None:
    """The brightest pixel and the brightest mean of a frame, in candela a square metre; None where nothing is said."""
    numbers = _integers(beside.get(LIGHT, b""))
    return (numbers[0], numbers[1]) if len(numbers) >= 2 and any(numbers[:2]) else None


def hdr_options(encoder: str, options: Mapping[str, str], beside: Mapping[str, bytes]) -> dict[str, str]:
    """Options that have the encoder write what a frame's side data says; none where it says nothing."""
    name, mastering, light = _PARAMS.get(encoder), mastering_of(beside), light_of(beside)
    if name is None or not (mastering or light):
        return {}
    params = [options[name]] if name in options else []
    if mastering:
        params.append(_display(encoder, mastering))
    if light:
        key = {"libx264": "cll", "libx265": "max-cll"}.get(encoder, "content-light")
        params.append(f"{key}={light[0]},{light[1]}")
    return {name: ":".join(params)}


def _display(encoder: str, mastering: Mastering) -> str:
    """As the encoders read it: green, blue, red, white point, then the brightest and the darkest light."""
    red, green, blue, white = mastering.points
    chroma, light = (1, 1) if encoder == "libsvtav1" else (50000, 10000)

    def pair(first: Fraction, second: Fraction, unit: int) -> str:
        numbers = (first * unit, second * unit)
        return ",".join(f"{float(one):.6g}" if unit == 1 else str(round(one)) for one in numbers)

    named = zip(("G", "B", "R", "WP"), (green, blue, red, white), strict=True)
    colours = "".join(f"{name}({pair(*point, chroma)})" for name, point in named)
    key = "master-display" if encoder == "libx265" else "mastering-display"
    return f"{key}={colours}L({pair(mastering.brightest, mastering.darkest, light)})"


def _integers(data: bytes) -> tuple[int, ...]:
    return struct.unpack(f"={len(data) // 4}i", data[: len(data) // 4 * 4])
