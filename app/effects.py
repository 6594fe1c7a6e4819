"""When a setting has no effect, so that the report can say so: a rule for each thing that settings need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from ..models.catalog import find
from ..models.spec import SwapperParams
from .settings import DISABLE, SETTINGS, Scope, Value, changed, of

_FINDING: Final = ("facedetection", "confidence", "turns", "tiles", "min_size", "detection_size", "landmarks")


class Case(NamedTuple):
    """What a piece of work is done to."""

    faces: bool = False
    """Faces are handed over, so that none are looked for."""
    boxes: bool = False
    """Boxes of another detector are handed over, in which faces are measured."""
    source_faces: bool = False
    """The same for the sources."""
    references: bool = False
    """There are faces of people to recognise."""
    merged: bool = False
    """Some donor is shown by several faces."""
    image_format: str = ""
    """What a picture is written as; empty where none is."""


class _Rule(NamedTuple):
    names: tuple[str, ...]
    scopes: tuple[Scope, ...]
    reason: Callable[[str, Mapping[str, Value], Case], str]
    """Why a setting does nothing; empty where it acts."""


def without_effect(values: Mapping[str, Value], scope: Scope, case: Case) -> tuple[str, ...]:
    """A line for each setting that was changed and does nothing here."""
    return tuple(
        f"{name} {_shown(value)} has no effect: {reason}"
        for name, value in changed(values, [scope]).items()
        for reason in [_reason(name, values, scope, case)]
        if reason
    )


def asked_guesses(values: Mapping[str, Value], case: Case) -> tuple[bool, bool]:
    """Whether anything asks for genders, and whether anything asks for ages."""
    sides = ("input",) if case.source_faces else ("input", "source")
    gender = any(values.get(f"detect_gender_{side}", "no") != "no" for side in sides)
    return gender or bool(values.get("gender")), bool(
        values.get("age") or any(values.get(f"detect_age_{side}") for side in sides)
    )


def only_for(values: Mapping[str, Value], theirs: Scope, what: str, *here: Scope) -> tuple[str, ...]:
    """A line for each changed setting of one scope that the others don't know: `what` has no use for it."""
    rows = of(*here)
    return tuple(
        f"{name} {_shown(value)} has no effect on {what}"
        for name, value in changed(values, [theirs]).items()
        if name not in rows
    )


def _shown(value: Value) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else f"{value}"


def _reason(name: str, values: Mapping[str, Value], scope: Scope, case: Case) -> str:
    found = (rule.reason(name, values, case) for rule in _RULES if name in rule.names and scope in rule.scopes)
    return next((reason for reason in found if reason), "")


def _engine(name: str, values: Mapping[str, Value], _case: Case) -> str:
    row = find("swapper", str(values["swap_model"]))
    known = row.params_of(SwapperParams)
    if name not in known.options:
        return f"{row.name} has no {name.replace('_', ' ')}"
    too_small = name == "pixel_boost" and int(str(values[name])) <= known.size
    return f"{row.name} makes faces of {known.size} pixels by itself" if too_small else ""


def _single(_name: str, _values: Mapping[str, Value], case: Case) -> str:
    return "" if case.merged else "no donor is shown by several faces"


def _uncoloured(_name: str, values: Mapping[str, Value], _case: Case) -> str:
    match = values["colour_match"]
    return "" if match in ("auto", "lighting") else f"colour_match is {match}"


def _restorer(_name: str, values: Mapping[str, Value], _case: Case) -> str:
    return f"face_restore is {DISABLE}" if values["face_restore"] == DISABLE else ""


def _tracking(_name: str, values: Mapping[str, Value], _case: Case) -> str:
    return "" if values["track"] else "track is off"


def _telling_apart(_name: str, values: Mapping[str, Value], case: Case) -> str:
    acts = values["track"] or case.references or case.merged
    return "" if acts else "track is off and there are no reference faces"


def _recognising(_name: str, _values: Mapping[str, Value], case: Case) -> str:
    return "" if case.references or case.merged else "there are no reference faces"


def _searching(_name: str, _values: Mapping[str, Value], case: Case) -> str:
    return "the faces are handed over, none are looked for" if case.faces else ""


def _beside_boxes(_name: str, _values: Mapping[str, Value], case: Case) -> str:
    return "the faces are measured in the boxes that are handed over" if case.boxes else ""


def _source_search(_name: str, _values: Mapping[str, Value], case: Case) -> str:
    return "the source faces are handed over" if case.source_faces else ""


def _guessing(_name: str, values: Mapping[str, Value], case: Case) -> str:
    return "" if any(asked_guesses(values, case)) else "no gender or age is asked for"


def _framed(_name: str, values: Mapping[str, Value], _case: Case) -> str:
    return "" if values["alignment"] == "upright" else f"alignment is {values['alignment']}"


def _lossy(_name: str, _values: Mapping[str, Value], case: Case) -> str:
    return "png is lossless" if case.image_format == "png" else ""


def _every_restorer_setting() -> Iterator[str]:
    return (name for name in SETTINGS["restore"] if name != "face_restore")


_RULES: Final = (
    _Rule(("mirror", "pixel_boost", "skin_tone", "glasses", "average"), ("swap", "picture", "clip"), _engine),
    _Rule(("average",), ("swap", "picture", "clip"), _single),
    _Rule(("skin_tone",), ("swap", "picture", "clip"), _uncoloured),
    _Rule(("face_restore_weight",), ("swap", "picture", "clip"), _restorer),
    _Rule(tuple(_every_restorer_setting()), ("restore",), _restorer),
    _Rule(_FINDING, ("restore",), _searching),
    _Rule(("facedetection", "tiles", "detection_size"), ("detect",), _beside_boxes),
    _Rule(("smooth", "max_gap"), ("clip",), _tracking),
    _Rule(("identity_threshold", "embedder"), ("clip",), _telling_apart),
    _Rule(("identity_threshold", "embedder"), ("map", "picture"), _recognising),
    _Rule(("detect_gender_source", "detect_age_source"), ("picture", "clip"), _source_search),
    _Rule(("attributes",), ("detect", "picture", "clip"), _guessing),
    _Rule(("crop_margin",), ("crop",), _framed),
    _Rule(("image_quality",), ("file",), _lossy),
)
