"""The API's settings: names, values, ranges and defaults in one table that node, command line and tests read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final, Literal, NoReturn

from ...pipeline.errors import IndexListError, SettingsError, require_choice, require_range
from ...pipeline.faces.index_list import parse_indexes

SettingValue = str | float
"""A whole number or a boolean is a float, too."""
SettingKind = Literal["indexes", "choice", "number", "integer", "boolean"]
_ADVICE: Final = "Write face numbers separated by commas: 0 or 0,1,2."
API_FORMATS: Final = ("jpeg", "png", "webp")
"""Of pictures that are sent and that come back."""
_GENDERS: Final = ("no", "female", "male")
_ORDERS: Final = ("large-small", "small-large", "top-bottom", "bottom-top", "left-right", "right-left")
_DETECTORS: Final = ("retinaface_resnet50", "retinaface_mobile0.25", "YOLOv5l", "YOLOv5n")
_RESTORERS: Final = ("disable", "codeformer-v0.1.0.pth", "GFPGANv1.4.pth", "GFPGANv1.3.pth")


@dataclass(frozen=True, slots=True)
class SegmindSetting:
    """What one setting accepts."""

    kind: SettingKind
    default: SettingValue
    text: str
    """What it does, for help and tooltips."""
    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = 0
    step: float = 1
    """Of a slider."""

    def check(self, name: str, value: object) -> SettingValue:
        """The value as the API takes it.

        SettingsError, IndexListError for an index list, names the setting, the value and what is accepted.
        """
        if self.kind == "choice":
            require_choice(name, str(value), self.choices)
            return str(value)
        if self.kind == "indexes":
            return _numbers(name, value)
        if self.kind == "boolean":
            return value if isinstance(value, bool) else _wrong(name, value, "true or false")
        return self._number(name, value)

    def _number(self, name: str, value: object) -> float | int:
        whole = self.kind == "integer"
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            _wrong(name, value, "a whole number" if whole else "a number")
        require_range(name, value, self.low, self.high)
        return value if whole else float(value)


def _wrong(name: str, value: object, expected: str) -> NoReturn:
    raise SettingsError(f"{name}: expected {expected}, got {value!r}")


def _numbers(name: str, text: object) -> str:
    """An index list without spaces. The API knows comma-separated face numbers alone: no ranges, no -1, no `*`."""
    if not isinstance(text, str):
        _wrong(name, text, "face numbers such as 0,1,2")
    more = next((position for position, character in enumerate(text) if character in "-*"), None)
    if more is not None:
        raise IndexListError(text, more, f"{name}: the hosted API takes only face numbers separated by commas", _ADVICE)
    try:
        return str(parse_indexes(text))
    except IndexListError as error:
        raise IndexListError(text, error.position, f"{name}: {error.reason}", _ADVICE) from error


SETTINGS: Final[Mapping[str, SegmindSetting]] = MappingProxyType(
    {
        "input_faces_index": SegmindSetting("indexes", "0", "Faces of the target that are changed: 0 or 0,1,2"),
        "source_faces_index": SegmindSetting("indexes", "0", "Faces of the source that are put there: 0 or 0,1,2"),
        "detection_face_order": SegmindSetting("choice", "large-small", "How faces are numbered, from 0", _ORDERS),
        "facedetection": SegmindSetting("choice", "retinaface_resnet50", "Detector", _DETECTORS),
        "detect_gender_input": SegmindSetting("choice", "no", "Number only such target faces", _GENDERS),
        "detect_gender_source": SegmindSetting("choice", "no", "Number only such source faces", _GENDERS),
        "face_restore": SegmindSetting("choice", "disable", "Restorer for the swapped faces", _RESTORERS),
        "face_restore_weight": SegmindSetting("number", 0.75, "Weight of the restorer", low=0, high=1, step=0.05),
        "interpolation": SegmindSetting(
            "choice", "Bilinear", "How pixels are resampled", ("Nearest", "Bilinear", "Bicubic", "Lanczos")
        ),
        "image_format": SegmindSetting("choice", "jpeg", "Format of the picture that comes back", API_FORMATS),
        "image_quality": SegmindSetting("integer", 95, "Quality of the picture that comes back", low=10, high=100),
        "base64": SegmindSetting("boolean", False, "Have the picture sent as base64 text in place of bytes"),
    }
)
"""Every setting but the two pictures, in the API's order (https://www.segmind.com/models/faceswap-v3-multifaceswap)."""

MODES: Final = ("asynchronous", "synchronous")
"""v2: submit, poll, fetch; once accepted, nothing is lost. v1: one call that waits; what breaks it may be paid for."""
TRANSPORTS: Final = ("upload", "data-uri", "url")
"""How pictures travel: uploaded for lasting URLs; inside the request, which the API doesn't document; given as URLs."""
DEFAULT_TIMEOUT: Final = 600.0
DEFAULT_POLL_INTERVAL: Final = 1.0
DEFAULT_CONCURRENCY: Final = 4
MAX_CONCURRENCY: Final = 16
CALLS: Final[Mapping[str, SegmindSetting]] = MappingProxyType(
    {
        "mode": SegmindSetting(
            "choice",
            MODES[0],
            "How the API is called. asynchronous: an accepted request survives a lost connection. "
            "synchronous: one call that waits",
            MODES,
        ),
        "transport": SegmindSetting(
            "choice",
            TRANSPORTS[0],
            "How pictures travel: uploaded, inside the request, or as URLs that are given instead",
            TRANSPORTS,
        ),
        "timeout": SegmindSetting("number", DEFAULT_TIMEOUT, "Seconds for each picture", low=1, high=86_400),
        "poll_interval": SegmindSetting(
            "number", DEFAULT_POLL_INTERVAL, "Seconds between requests for the result", low=0.1, high=60, step=0.1
        ),
        "concurrency": SegmindSetting(
            "integer", DEFAULT_CONCURRENCY, "How many pictures of a batch are sent at once", low=1, high=MAX_CONCURRENCY
        ),
        "run_again": SegmindSetting(
            "integer",
            0,
            "Repeating the same call within an hour costs nothing; another number pays again",
            low=0,
            high=2**31 - 1,
        ),
    }
)
"""How calls are made: nothing of this is sent."""


def _default(name: str) -> Any:
    """Of the field's own type."""
    return SETTINGS[name].default


@dataclass(frozen=True, slots=True)
class SegmindSettings:
    """The API's settings, valid once constructed; SettingsError or IndexListError otherwise."""

    input_faces_index: str = _default("input_faces_index")
    source_faces_index: str = _default("source_faces_index")
    detection_face_order: str = _default("detection_face_order")
    facedetection: str = _default("facedetection")
    detect_gender_input: str = _default("detect_gender_input")
    detect_gender_source: str = _default("detect_gender_source")
    face_restore: str = _default("face_restore")
    face_restore_weight: float = _default("face_restore_weight")
    interpolation: str = _default("interpolation")
    image_format: str = _default("image_format")
    image_quality: int = _default("image_quality")
    base64: bool = _default("base64")

    def __post_init__(self) -> None:
        for name, setting in SETTINGS.items():
            object.__setattr__(self, name, setting.check(name, getattr(self, name)))

    def values(self) -> dict[str, SettingValue]:
        """Name and value of every setting, as the API takes them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def cautions(self) -> tuple[str, ...]:
        """Report lines on what these settings ask for and the API's documentation leaves open."""
        lines: list[str] = []
        if self.input_faces_index.count(",") != self.source_faces_index.count(","):
            lines.append("the API does not document how index lists of unequal length are paired")
        if self.face_restore == "disable" and self.interpolation != "Bilinear":
            lines.append("the API does not document whether interpolation acts while face_restore is disabled")
        return tuple(lines)
