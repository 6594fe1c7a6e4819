"""What a setting is: its name, what it accepts, and where it applies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from ..models.catalog import names
from ..models.runtime.devices import providers_of
from ..models.spec import Kind as ModelKind
from ..pipeline.clip.moments import moment_text
from ..pipeline.errors import IndexListError, SettingsError, require_choice
from ..pipeline.faces.ages import parse_ages
from ..pipeline.faces.index_list import parse_indexes
from ..pipeline.faces.parts import parse_parts
from ..pipeline.padding import parse_padding
from ..pipeline.quotes import quoted

Value = str | float | bool
SettingKind = Literal[
    "choice", "model", "number", "integer", "switch", "indexes", "parts", "padding", "ages", "moment", "device"
]
Scope = Literal[
    "detect", "order", "map", "merge", "swap", "restore", "crop", "paste", "picture", "clip", "file", "session"
]
"""What a setting belongs to: one step each of the work on pictures; `picture`, all steps of a swap in one go; `clip`,
the same for clips; `file`, how files are written; `session`, what is chosen once for all work."""
SCOPES: tuple[Scope, ...] = get_args(Scope)
_LONGEST = 10**9
"""No choice is a number so long, and Python writes none of more than 4300 digits."""
DISABLE = "disable"
"""The choice of a model that stands for none."""
DETECTOR = "detector"
"""The choice of a landmarker that stands for the detector's own landmarks."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table."""

    name: str
    kind: SettingKind
    default: Value
    text: str
    """What it does, in whole sentences: for tooltips, for the command line's help and for the README."""
    scopes: tuple[Scope, ...]
    choices: tuple[str, ...] = ()
    """Of kind `choice`; of kind `model`, what there is beside the catalog's names, in front of them."""
    low: float = 0
    high: float = 0
    step: float = 1
    """Of a slider."""
    model: ModelKind | None = None
    """Of kind `model`: which kind of the catalog."""
    old_names: tuple[str, ...] = ()
    """Names from earlier releases, which stay valid."""
    in_nodes: bool = True
    """Whether the nodes of its scopes offer it; where not, what comes over their sockets or the host decides."""
    node_id: str = ""
    """What the nodes' input is called where saved workflows hold it under another name."""

    @property
    def known(self) -> tuple[str, ...]:
        """The values that are listed; restorers may also be other files in the model folders."""
        return self.choices if self.model is None else (*self.choices, *names(self.model))

    def check(self, value: object) -> Value:
        """The value as the work takes it; the default for None.

        SettingsError, IndexListError for an index list, says what came and what is accepted.
        """
        if value is None:
            return self.default
        if isinstance(value, np.generic):
            value = value.item()
        if self.kind == "switch":
            return self._switch(value)
        if self.kind in ("number", "integer"):
            return self._number(value)
        if self.kind == "moment":
            return _moment(self.name, value) or self.default
        text = self._text(value)
        if self.kind == "indexes":
            _require_indexes(self.name, text)
        elif self.kind == "parts":
            return _parts(self.name, text)
        elif self.kind == "padding":
            return _padding(self.name, text)
        elif self.kind == "ages":
            return _ages(self.name, text)
        elif self.kind == "device":
            providers_of(text)
        elif self.model != "restorer":
            require_choice(self.name, text, self.known)
        return text

    def parse(self, text: str) -> Value:
        """As `check`, of a text such as a command line gives. Raises as that does."""
        if self.kind == "switch":
            known = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}
            return self.check(known.get(text.lower(), text))
        if self.kind not in ("number", "integer"):
            return self.check(text)
        try:
            return self.check(float(text))
        except ValueError as error:  # SettingsError too: what was written is said in both cases
            raise SettingsError(f"{self.name}: expected {self._range}, got {quoted(text)}") from error

    def _switch(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise SettingsError(f"{self.name}: expected True or False, got {quoted(value)}")
        return value

    def _number(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise SettingsError(f"{self.name}: expected {self._range}, got {quoted(value)}")
        # Compared before anything else: infinity is no whole number, and a number of 400 digits no float.
        if not self.low <= value <= self.high or (self.kind == "integer" and value != int(value)):
            shown = quoted(value) if isinstance(value, int) else f"{value:.15g}"
            raise SettingsError(f"{self.name}: expected {self._range}, got {shown}")
        return int(value) if self.kind == "integer" else float(value)

    def _text(self, value: object) -> str:
        """The text of a choice. Numbers stand for choices that are numbers, 0 for `off`."""
        if isinstance(value, int) and not isinstance(value, bool) and "off" in self.choices:
            value = str(value or "off") if abs(value) < _LONGEST else value
        if not isinstance(value, str):
            raise SettingsError(f"{self.name}: expected {self._expected}, got {quoted(value)}")
        return "off" if value == "0" and "off" in self.choices else value

    @property
    def _range(self) -> str:
        whole = "a whole number from " if self.kind == "integer" else ""
        return f"{whole}{self.low:,.10g} to {self.high:,.10g}"

    @property
    def _expected(self) -> str:
        return f"one of {', '.join(self.known)}" if self.known else "a text"


def _parts(name: str, text: str) -> str:
    try:
        return ",".join(parse_parts(text))
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from error


def _padding(name: str, text: str) -> str:
    try:
        percents = [f"{percent:g}" for percent in parse_padding(text)]
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from error
    return percents[0] if len({*percents}) == 1 else ",".join(percents)


def _ages(name: str, text: str) -> str:
    try:
        return str(parse_ages(text) or "")
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from error


def _moment(name: str, value: object) -> str:
    try:
        return moment_text(value)
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from error


def _require_indexes(name: str, text: str) -> None:
    try:
        parse_indexes(text)
    except IndexListError as error:
        raise IndexListError(text, error.position, f"{name}: {error.reason}") from error
