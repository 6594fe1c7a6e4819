"""Inputs of nodes, made from the table of settings, and back to settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from comfy_api.latest import io

from ..app.settings import SETTINGS, Scope, Setting, Value
from ..pipeline.errors import SettingsError
from . import menus
from .schema import made


def inputs(
    scope: Scope, released: Sequence[str | io.Input], *, required: Collection[str] = (), shown: Collection[str] = ()
) -> list[io.Input]:
    """The inputs for all settings of a scope.

    Saved workflows hold widgets by their order: `released` are the settings of earlier releases in theirs, with the
    node's sockets as they are; settings that are new follow in the order of the table. Those `required` must be in
    every workflow, those `shown` are optional, all others are folded away too.
    """
    rows = {name: row for name, row in SETTINGS[scope].items() if row.in_nodes}
    order = [*released, *(name for name in rows if name not in released)]
    return [
        _input(rows[given], optional=given not in required, advanced=given not in (*required, *shown))
        if isinstance(given, str)
        else given
        for given in order
    ]


def values_of(scope: Scope, given: Mapping[str, Value]) -> dict[str, Any]:
    """Settings by their own names from inputs by theirs; models without the mark of those that aren't installed."""
    rows = {row.node_id or name: row for name, row in SETTINGS[scope].items()}
    return {rows[name].name: menus.named(str(value)) if rows[name].model else value for name, value in given.items()}


def check(scope: Scope, **chosen: str | None) -> bool | str:
    """For `validate_inputs`: whether the models that were chosen are known, and places in a clip can be read; linked
    inputs are looked at later."""
    for name, option in chosen.items():
        row = SETTINGS[scope][name]
        if row.kind == "moment":
            try:
                row.check(option)
            except SettingsError as error:
                return str(error)
        if row.model is not None and (said := menus.check(name, row.model, option, *row.choices)) is not True:
            return said
    return True


def input_of(setting: Setting) -> io.Input:
    """The input of a single setting, optional and folded away."""
    return _input(setting, optional=True, advanced=True)


def _input(setting: Setting, *, optional: bool, advanced: bool) -> io.Input:
    texts: dict[str, object] = {
        "id": setting.node_id or setting.name,
        "default": setting.default,
        "tooltip": setting.text,
        "optional": optional,
        "advanced": advanced,
    }
    if setting.node_id:
        texts["display_name"] = setting.name
    if setting.kind in ("choice", "model"):
        known = list(setting.choices) if setting.model is None else menus.menu(setting.model, *setting.choices)
        # The default as the menu shows it: with the mark of what isn't installed.
        # Where that one may not be used, the first.
        shown = next((option for option in known if menus.named(option) == setting.default), known[0])
        return made(io.Combo.Input, {**texts, "options": known, "default": shown})
    if setting.kind in ("number", "integer"):
        kind = io.Int.Input if setting.kind == "integer" else io.Float.Input
        step = int(setting.step) if setting.kind == "integer" else setting.step
        return made(kind, {**texts, "min": _same(setting.low, kind), "max": _same(setting.high, kind), "step": step})
    return made(io.Boolean.Input if setting.kind == "switch" else io.String.Input, texts)


def _same(value: float, kind: type) -> float:
    return int(value) if kind is io.Int.Input else float(value)
