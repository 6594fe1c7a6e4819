"""Every local setting once: nodes, command line, Python, batches, checks and documentation read it from here.

A new setting is a row, and the translations of its text in `locales`. What it needs to have an effect is a rule in
`effects.py`; what it does to the work is said in `plan.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, get_args

from ..media.environment import variables
from ..media.picture_formats import FORMATS
from ..models.licences import ENVIRONMENT, Licence
from ..pipeline.errors import SettingsError
from ..pipeline.faces.ages import EXAMPLES
from ..pipeline.faces.ordering import GENDERS, ORDERS
from ..pipeline.faces.pairing import MISSING, PAIRINGS
from ..pipeline.faces.parts import PARTS
from ..pipeline.quotes import listed
from ..pipeline.types import (
    DEFAULT_INTERPOLATION,
    STRENGTHS,
    Alignment,
    Average,
    ColourMatch,
    Glasses,
    Interpolation,
    SkinTone,
)
from .setting_types import DETECTOR, DISABLE, SCOPES, Scope, Setting, Value

__all__ = ["DETECTOR", "DISABLE", "ROWS", "SCOPES", "SETTINGS", "Scope", "Setting", "Value", "changed", "checked", "of"]

_FINDING: Final[tuple[Scope, ...]] = ("detect", "restore", "picture", "clip")
_WHOLE: Final[tuple[Scope, ...]] = ("picture", "clip")
_MAPPING: Final[tuple[Scope, ...]] = ("map", *_WHOLE)
_COMPARING: Final[tuple[Scope, ...]] = ("merge", *_MAPPING)
_SWAPPING: Final[tuple[Scope, ...]] = ("swap", *_WHOLE)
_CLIP: Final[tuple[Scope, ...]] = ("clip",)
_RESTORE: Final[tuple[Scope, ...]] = ("restore",)
_CROP: Final[tuple[Scope, ...]] = ("crop",)
_BLENDING: Final[tuple[Scope, ...]] = (*_SWAPPING, "paste")
_MOMENT: Final = "12.5 seconds, 1:02.5 or 0:01:02, or 120f for frame 120, counted from 0"
_LIST: Final = "0 or 0,2 or 0-3, -1 for the last, * for all"
_AGES: Final = f"{EXAMPLES} years: a guess, often years off. Empty: all"

ROWS: Final = (
    # Finding faces
    Setting("facedetection", "model", "builtin", "Detector. builtin needs no download.", _FINDING, model="detector"),
    Setting(
        "confidence",
        "number",
        0.0,
        "Faces that the detector is less sure of are left out; lower it where a face is missed. 0: the detector's own.",
        _FINDING,
        high=1,
        step=0.01,
    ),
    Setting("gender", "switch", False, "Also guess female or male, for the gender filter.", ("detect",)),
    Setting(
        "age",
        "switch",
        False,
        "Also guess the age, for the age filter: a network's guess, often years off. Needs a model file.",
        ("detect",),
    ),
    Setting(
        "attributes",
        "model",
        "auto",
        "What guesses gender and age. auto: the built-in dlib_gender, which guesses no age, or fairface where age is "
        "asked for.",
        ("detect", *_WHOLE),
        ("auto",),
        model="attributes",
    ),
    Setting(
        "landmarks",
        "model",
        DETECTOR,
        "Who measures the points that faces are aligned by: the detector, or a network for steep profiles, upside-down "
        "and looking-up faces, which needs its model file.",
        _FINDING,
        (DETECTOR,),
        model="landmarker",
    ),
    Setting("identity", "switch", False, "Also measure who it is, to recognise people.", ("detect",)),
    Setting("turns", "switch", False, "Also find faces that lie on their side or are upside down.", _FINDING),
    Setting("tiles", "switch", True, "Also search large pictures part by part, for small faces.", _FINDING),
    Setting(
        "min_size",
        "integer",
        0,
        "Leave out faces whose longer side has fewer pixels. 0: looks for 16 pixels, in pictures beyond 4K for more.",
        _FINDING,
        high=100_000,
    ),
    Setting(
        "detection_size",
        "integer",
        0,
        "Longer side, in pixels, of what a published detector sees at once. 0: its own.",
        _FINDING,
        high=8192,
        step=32,
        old_names=("size",),
    ),
    # Numbering faces
    Setting(
        "detection_face_order",
        "choice",
        "large-small",
        "How faces are numbered, from 0: by size or by place in the picture. reading: rows, each from left to right.",
        ("order", *_WHOLE),
        ORDERS,
    ),
    Setting("detect_gender", "choice", "no", "Keep only faces guessed to be of this gender.", ("order",), GENDERS),
    Setting(
        "detect_gender_input", "choice", "no", "Number only target faces guessed to be of this gender.", _WHOLE, GENDERS
    ),
    Setting(
        "detect_gender_source",
        "choice",
        "no",
        "Number only source faces guessed to be of this gender.",
        _WHOLE,
        GENDERS,
    ),
    Setting(
        "detect_age",
        "ages",
        "",
        f"Keep only faces guessed to be of this age, {_AGES}.",
        ("order",),
    ),
    Setting(
        "detect_age_input",
        "ages",
        "",
        f"Number only target faces guessed to be of this age, {_AGES}.",
        _WHOLE,
    ),
    Setting(
        "detect_age_source",
        "ages",
        "",
        f"Number only source faces guessed to be of this age, {_AGES}.",
        _WHOLE,
    ),
    Setting(
        "limit", "integer", 0, "Keep at most that many faces a picture, the first ones. 0: all.", ("order",), high=1000
    ),
    # Who becomes whom
    Setting(
        "input_faces_index",
        "indexes",
        "0",
        f"Target faces to change: {_LIST}. Counted afresh in each picture, and in clips in each scene.",
        _MAPPING,
    ),
    Setting(
        "source_faces_index",
        "indexes",
        "0",
        f"Source faces to put there: {_LIST}. Counted through all source pictures.",
        _MAPPING,
    ),
    Setting(
        "pairing",
        "choice",
        "pairwise",
        "pairwise: first to first, or one source for all. round-robin: the sources start over.",
        _MAPPING,
        PAIRINGS,
    ),
    Setting(
        "missing",
        "choice",
        "skip",
        "Where a face isn't there: skip leaves the pair out and reports it, error stops.",
        _MAPPING,
        MISSING,
    ),
    Setting(
        "identity_threshold",
        "number",
        0.0,
        "How far from a reference face a face may be and still be that person, as the report gives it. "
        "0: what suits the embedder.",
        _COMPARING,
        high=2,
        step=0.01,
        old_names=("threshold",),
        node_id="threshold",
    ),
    Setting(
        "embedder",
        "model",
        "auto",
        "Network that tells people apart. auto: the one whose identities the faces carry, else the built-in dlib128.",
        _COMPARING,
        ("auto",),
        model="embedder",
    ),
    # The swap
    Setting(
        "swap_model",
        "model",
        "mesh",
        "Engine. mesh needs no download; the others need their model files.",
        _SWAPPING,
        model="swapper",
    ),
    Setting(
        "interpolation",
        "choice",
        DEFAULT_INTERPOLATION,
        "How pixels are resampled when faces are cut out and put back.",
        (*_SWAPPING, "restore", "crop", "paste"),
        get_args(Interpolation),
    ),
    Setting(
        "strength",
        "number",
        1.0,
        "0 leaves the target's face, 1 gives the new one. Engines that take an identity go beyond: above 1 away from "
        "the target's, below 0 away from the donor's.",
        _SWAPPING,
        low=STRENGTHS[0],
        high=STRENGTHS[1],
        step=0.05,
    ),
    Setting("strength", "number", 1.0, "0 leaves the picture, 1 gives the edited crop.", ("paste",), high=1, step=0.05),
    Setting(
        "mask_feather",
        "number",
        0.0,
        "Softens the rim further inwards, as a share of the face's size.",
        _BLENDING,
        high=0.5,
        step=0.01,
    ),
    Setting(
        "colour_match",
        "choice",
        "auto",
        "How colours follow the target's light: place by place, its mean, or not. auto: what suits the engine; "
        "edited crops keep theirs.",
        _BLENDING,
        get_args(ColourMatch),
    ),
    Setting(
        "mirror",
        "switch",
        True,
        "mesh may show the source's other side where that fits the pose better.",
        _SWAPPING,
    ),
    Setting(
        "pixel_boost",
        "choice",
        "off",
        "Side, in pixels, of the faces that neural engines make, in several passes. off: the engine's own.",
        _SWAPPING,
        ("off", "256", "512", "1024"),
    ),
    Setting(
        "average",
        "choice",
        "mean",
        "How the identities of a donor's several pictures become one, for engines that take an identity.",
        _SWAPPING,
        get_args(Average),
    ),
    Setting(
        "parse_mask",
        "switch",
        False,
        "Keeps hair and hands in front of a face; needs the model parsing_bisenet.pth.",
        (*_SWAPPING, "restore"),
    ),
    Setting(
        "occluder",
        "model",
        "auto",
        "What lies before a face stays: strands of hair and things of another colour (builtin), or hair and hands "
        "(bisenet, a model). auto: builtin with mesh, none with other engines.",
        _SWAPPING,
        ("auto", "none"),
        model="parser",
    ),
    Setting(
        "keep",
        "parts",
        "",
        f"Parts of the target's face that stay, separated by commas: {', '.join(PARTS)} with the eyes behind them.",
        _SWAPPING,
    ),
    Setting(
        "mask_padding",
        "padding",
        "0",
        "Percent of the swapped face to take off at its top, right, bottom and left: 10,0,0,0. One number: all sides.",
        _SWAPPING,
    ),
    Setting(
        "skin_tone",
        "choice",
        "target",
        "Whose skin tone mesh gives the face. donor: fades to the target's at the rim, where both are near enough.",
        _SWAPPING,
        get_args(SkinTone),
    ),
    Setting(
        "glasses",
        "choice",
        "donor",
        "Whose glasses a face wears with mesh: the donor's, and the target's are taken off; the target's; or none.",
        _SWAPPING,
        get_args(Glasses),
    ),
    Setting(
        "watermark",
        "switch",
        False,
        "Puts an invisible mark into swapped faces, by which mark check knows them again in copies.",
        _SWAPPING,
    ),
    # Restoration
    Setting(
        "expression",
        "number",
        0.0,
        "How far the target's own expression comes back onto the swapped face, by the model live_portrait. 0: not.",
        _SWAPPING,
        high=1,
        step=0.05,
    ),
    Setting(
        "face_restore",
        "model",
        DISABLE,
        "Sharpens swapped faces before they are put back. sharpen needs no model file, the others do.",
        _SWAPPING,
        (DISABLE,),
        model="restorer",
    ),
    Setting(
        "face_restore",
        "model",
        "codeformer-v0.1.0.pth",
        "Restorer. sharpen needs no model file, the others do. disable gives the pictures back as they are.",
        _RESTORE,
        (DISABLE,),
        model="restorer",
    ),
    Setting(
        "face_restore_weight",
        "number",
        0.75,
        "CodeFormer: 0 restores most, 1 stays closest. Others: the restored face's share.",
        (*_SWAPPING, "restore"),
        high=1,
        step=0.05,
    ),
    Setting("visibility", "number", 1.0, "How much of the restored face is blended in.", _RESTORE, high=1, step=0.05),
    Setting("colour_correct", "switch", True, "Takes back the tint that restorers give.", _RESTORE),
    # Crops
    Setting("crop_size", "integer", 512, "Side of the square crops, in pixels.", _CROP, low=256, high=2048, step=8),
    Setting(
        "alignment",
        "choice",
        "ffhq",
        "How faces lie in their crops. ffhq: straightened, with hair, as restorers want them. arcface: straightened, "
        "close. upright: as the picture has them, with the room of crop_margin.",
        _CROP,
        get_args(Alignment),
    ),
    Setting(
        "crop_margin",
        "number",
        0.5,
        "Room on each side of a face with upright, as a share of its longer side.",
        _CROP,
        high=2,
        step=0.05,
    ),
    # Clips
    Setting("track", "switch", True, "Follows people through each scene; off, every frame is by itself.", _CLIP),
    Setting("smooth", "switch", True, "Steadies landmarks and masks, without lag.", _CLIP),
    Setting(
        "max_gap",
        "integer",
        5,
        "Fills in a face that is missing for up to that many frames.",
        _CLIP,
        high=50,
        old_names=("bridge",),
        node_id="bridge",
    ),
    Setting("hardware", "switch", True, "Lets the GPU encode where it can.", _CLIP),
    Setting("start", "moment", "0", f"The part to keep begins here: {_MOMENT}.", _CLIP),
    Setting("end", "moment", "", "The part to keep ends before this, written as start is. Empty: to the end.", _CLIP),
    Setting(
        "duration",
        "number",
        0.0,
        "How many seconds to keep, instead of an end. 0: to the end.",
        _CLIP,
        high=1e6,
        step=0.1,
        in_nodes=False,
    ),
    Setting(
        "resume",
        "switch",
        True,
        "Goes on where the same work was cut off, and keeps what a stop leaves.",
        _CLIP,
        in_nodes=False,
    ),
    # Files
    Setting(
        "image_format",
        "choice",
        "auto",
        "Format of pictures. auto: by the output's extension, in folders by that of each target.",
        ("file",),
        ("auto", *FORMATS),
    ),
    Setting("image_quality", "integer", 95, "Quality of jpeg, webp and avif.", ("file",), low=10, high=100),
    Setting(
        "mark",
        "switch",
        True,
        "Says in the file that faces were changed by AI: as XMP, and signed (C2PA) where signing is set up.",
        ("file", "clip"),
    ),
    Setting(
        "licence",
        "choice",
        "any",
        "permissive: only models whose stated licences allow commercial use. All others are refused.",
        ("session",),
        ("any", "permissive"),
        in_nodes=False,
    ),
    Setting(
        "device",
        "device",
        "auto",
        "What models run on: auto, cpu, cuda, cuda:1, tensorrt, rocm, migraphx, coreml or directml.",
        ("session",),
    ),
)

SETTINGS: Final[Mapping[Scope, Mapping[str, Setting]]] = MappingProxyType(
    {scope: MappingProxyType({row.name: row for row in ROWS if scope in row.scopes}) for scope in SCOPES}
)
"""The settings of each scope by name, in the order of the table."""


def of(*scopes: Scope) -> dict[str, Setting]:
    """The settings of several scopes together, in the order of the table; where two differ, the first scope's."""
    return {name: row for scope in reversed(scopes) for name, row in SETTINGS[scope].items()}


def checked(given: Mapping[str, object], *scopes: Scope) -> dict[str, Value]:
    """All settings of the scopes: those given, checked, under their present names, and the defaults of the others.

    Raises SettingsError for an unknown name and for a value that isn't accepted, IndexListError for a list.
    """
    rows = of(*scopes)
    present = {old: name for name, row in rows.items() for old in row.old_names}
    named = {present.get(name, name): value for name, value in given.items()}
    twice = [row for row in named if sum(present.get(name, name) == row for name in given) > 1]
    if twice:
        raise SettingsError(f"{listed(twice)}: given under two names, expected one")
    unknown = [name for name in named if name not in rows]
    if unknown:
        raise SettingsError(f"{listed(unknown)}: no such setting here, expected {', '.join(rows)}")
    return {name: row.check(named.get(name)) for name, row in rows.items()}


def changed(values: Mapping[str, Value], scopes: Iterable[Scope]) -> dict[str, Value]:
    """The values that aren't the defaults."""
    rows = of(*scopes)
    return {name: value for name, value in values.items() if name in rows and value != rows[name].default}


def licence_of(chosen: str | None) -> Licence:
    """Which models may be used: `permissive` where either this or the environment says so. Raises SettingsError."""
    row = SETTINGS["session"]["licence"]
    asked = {str(row.check(value or None)) for value in (chosen, variables().get(ENVIRONMENT))}
    return "permissive" if "permissive" in asked else "any"
