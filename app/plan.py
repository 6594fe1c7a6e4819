"""What settings come to: which models are opened with which options, and the settings of each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from ..marking.watermark import mark_face
from ..models.catalog import find, names
from ..models.spec import AttributesParams, SwapperParams
from ..models.spec import Kind as ModelKind
from ..pipeline.clip.assignment import AssignmentRules
from ..pipeline.clip.moments import Moment, parse_moment, require_rising
from ..pipeline.clip.settings import ClipSettings
from ..pipeline.compose.crops import SwapSettings
from ..pipeline.compose.face_crops import CropSettings
from ..pipeline.compose.restore import RestoreSettings
from ..pipeline.errors import SettingsError
from ..pipeline.faces.parts import parse_parts
from ..pipeline.padding import parse_padding
from ..pipeline.types import Alignment, ColourMatch, Interpolation
from .effects import Case, asked_guesses, without_effect
from .settings import DETECTOR, DISABLE, SETTINGS, Scope, Value, checked


class ModelChoice(NamedTuple):
    """A model of the catalog, and how it is opened."""

    kind: ModelKind
    name: str
    options: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The settings of one piece of work, checked, and what they come to."""

    scope: Scope
    values: Mapping[str, Value]
    case: Case

    @classmethod
    def of(cls, scope: Scope, given: Mapping[str, object], case: Case | None = None) -> Plan:
        """Raises SettingsError for an unknown setting or value, or one that is certain to fail."""
        plan = cls(scope, MappingProxyType(checked(given, scope)), case or Case())
        plan.require_possible()
        return plan

    @property
    def notes(self) -> tuple[str, ...]:
        """A line for each setting that was changed and has no effect."""
        return without_effect(self.values, self.scope, self.case)

    def require_possible(self) -> None:
        """Raise SettingsError where a setting can't act with the model that was chosen."""
        size, detector = self.values.get("detection_size"), self.values.get("facedetection")
        if size and self._searches and find("detector", str(detector)).params is None:
            raise SettingsError(f"detection_size: {detector} looks at pictures of its own size, expected 0, got {size}")
        self._require_strength()
        self._require_ages()
        if self.scope == "clip":
            if self.values["end"] and self.values["duration"]:
                raise SettingsError("end, duration: both say where the part ends, expected one of them")
            require_rising(*self.part)

    def _require_strength(self) -> None:
        if "swap_model" in self.values and not 0 <= float(self.values["strength"]) <= 1:
            row, value = find("swapper", str(self.values["swap_model"])), self.values["strength"]
            if not row.params_of(SwapperParams).identity:
                raise SettingsError(f"strength: {row.name} takes no identity, expected 0 to 1, got {value:g}")

    def _require_ages(self) -> None:
        guesser = self.attributes
        if guesser is None or not asked_guesses(self.values, self.case)[1]:
            return
        if not find(guesser.kind, guesser.name).params_of(AttributesParams).ages:
            able = [name for name in names("attributes") if find("attributes", name).params_of(AttributesParams).ages]
            raise SettingsError(f"attributes: {guesser.name} guesses no age, expected auto or {' or '.join(able)}")

    def models(self) -> Iterator[ModelChoice]:
        """Every model that this work opens, but those that ship and are always there."""
        if "facedetection" in self.values and self._searches:
            yield self.detector
        if "swap_model" in self.values:
            yield self.swapper
        if "embedder" in self.values and self.recognises and self.values["embedder"] != "auto":
            yield self.embedder
        guesser = self.attributes
        if guesser is not None and not find(guesser.kind, guesser.name).built_in:
            yield guesser
        yield from (choice for choice in (self.landmarker,) if choice is not None)
        yield from self.parsers
        if self.expression is not None:
            yield self.expression
        yield from (choice for choice in (self.restorer,) if choice is not None)

    @property
    def detector(self) -> ModelChoice:
        options = [("turns", "turns"), ("tiles", "tiles"), ("min_size", "min_size")]
        options += [(name, option) for name, option in _IF_SET if self.values[name]]
        return ModelChoice(
            "detector", str(self.values["facedetection"]), {option: self.values[name] for name, option in options}
        )

    @property
    def analyses(self) -> bool:
        """Whether faces are looked at beyond where they are, for which they need a mesh."""
        return bool(self.attributes or self.values["identity"])

    @property
    def recognises(self) -> bool:
        """Whether people are told apart by their looks, or made ready for it."""
        merges = self.case.merged and "embedder" in self.values
        return self.case.references or merges or bool(self.values.get("track") or self.values.get("identity"))

    @property
    def meshes(self) -> bool:
        """Whether meshes are fitted, beside those that the built-in detector finds by itself."""
        if self.scope == "detect":
            return self.analyses or self.landmarker is not None
        return self.scope in ("swap", "picture", "clip", "restore") and self._restores

    @property
    def attributes(self) -> ModelChoice | None:
        """What guesses genders and ages; None where nothing asks for them."""
        gender, age = asked_guesses(self.values, self.case)
        name = str(self.values.get("attributes"))
        chosen = (_AGES if age else _GENDERS) if name == "auto" else name
        return ModelChoice("attributes", chosen) if gender or age else None

    @property
    def landmarker(self) -> ModelChoice | None:
        """What measures the landmarks of faces that are found; None where the detector's stay."""
        name = str(self.values.get("landmarks", DETECTOR))
        finds = self._restores and not self.case.faces
        return ModelChoice("landmarker", name) if finds and name != DETECTOR else None

    @property
    def lists(self) -> tuple[str, str, str, str]:
        """Both index lists, how they are paired, and what a missing face is."""
        a, b, c, d = (str(self.values[name]) for name in _LISTS)
        return a, b, c, d

    @property
    def locator(self) -> ModelChoice:
        """What measures faces in given boxes: always the built-in detector."""
        options = ("turns", "min_size", *(["confidence"] if self.values["confidence"] else []))
        return ModelChoice("detector", "builtin", {name: self.values[name] for name in options})

    @property
    def swapper(self) -> ModelChoice:
        row = find("swapper", str(self.values["swap_model"]))
        options = {name: self.values[name] for name in row.params_of(SwapperParams).options}
        if "pixel_boost" in options:
            options["pixel_boost"] = 0 if options["pixel_boost"] == "off" else int(str(options["pixel_boost"]))
        if not self.case.merged:
            options.pop("average", None)  # An engine that is opened otherwise is opened twice.
        return ModelChoice("swapper", row.name, options)

    @property
    def embedder(self) -> ModelChoice:
        return ModelChoice("embedder", str(self.values["embedder"]))

    @property
    def parsers(self) -> tuple[ModelChoice, ...]:
        """What keeps things in front of a face; in a restoration the first alone."""
        parse = self.values.get("parse_mask") and self._restores
        chosen = {"bisenet": None} if parse else {}
        occluder = str(self.values.get("occluder", "none"))
        if occluder == "auto":
            occluder = find("swapper", str(self.values["swap_model"])).params_of(SwapperParams).occluder
        chosen |= {occluder: None} if occluder != "none" else {}
        return tuple(ModelChoice("parser", name) for name in chosen)

    @property
    def expression(self) -> ModelChoice | None:
        return ModelChoice("expression", "live_portrait") if self.values.get("expression") else None

    @property
    def restorer(self) -> ModelChoice | None:
        name = str(self.values.get("face_restore", DISABLE))
        return None if name == DISABLE else ModelChoice("restorer", name)

    @property
    def crop(self) -> CropSettings:
        return CropSettings(
            int(self.values["crop_size"]),
            cast(Alignment, self.values["alignment"]),
            float(self.values["crop_margin"]),
            self._interpolation,
        )

    @property
    def swap(self) -> SwapSettings:
        """Of a swap, or of edited crops that are pasted, which keep nothing."""
        return SwapSettings(
            self._interpolation,
            float(self.values["strength"]),
            float(self.values["mask_feather"]),
            cast(ColourMatch, self.values["colour_match"]),
            parse_parts(str(self.values.get("keep", ""))),
            parse_padding(str(self.values.get("mask_padding", ""))),
            # Frames that are marked in one place are seen one after another, and agree with each other.
            partial(mark_face, fixed=self.scope == "clip") if self.values.get("watermark") else None,
        )

    @property
    def restore(self) -> RestoreSettings:
        """Of a restoration by itself, or of that of swapped faces, which knows no visibility."""
        return RestoreSettings(
            float(self.values["face_restore_weight"]),
            float(self.values.get("visibility", 1.0)),
            bool(self.values.get("colour_correct", True)),
            self._interpolation,
        )

    @property
    def clip(self) -> ClipSettings:
        return ClipSettings(bool(self.values["track"]), bool(self.values["smooth"]), int(self.values["max_gap"]))

    @property
    def part(self) -> tuple[Moment, Moment | None]:
        """Where the part of a clip that is kept begins and ends."""
        start, end = (str(self.values[name]) for name in ("start", "end"))
        return parse_moment(start), parse_moment(end) if end else None

    @property
    def rules(self) -> AssignmentRules:
        named = ("detection_face_order", "detect_gender_input", "detect_age_input")
        order, gender, ages = (str(self.values[name]) for name in named)
        return AssignmentRules(*self.lists, order, gender, ages)

    def values_of(self, scope: Scope) -> dict[str, Any]:
        """Those of this work's values that the scope knows, to be handed on by name."""
        return {name: value for name, value in self.values.items() if name in SETTINGS[scope]}

    @property
    def _interpolation(self) -> Interpolation:
        return cast(Interpolation, self.values["interpolation"])

    @property
    def _searches(self) -> bool:
        return self._restores and not (self.case.faces or self.case.boxes)

    @property
    def _restores(self) -> bool:
        return self.scope != "restore" or self.values["face_restore"] != DISABLE


_LISTS = ("input_faces_index", "source_faces_index", "pairing", "missing")
_GENDERS, _AGES = "dlib_gender", "fairface"
"""What `auto` stands for where genders are asked for, and where ages are."""
_IF_SET = (("confidence", "confidence"), ("detection_size", "size"))
"""Settings whose 0 stands for the detector's own, and the detectors' options."""
