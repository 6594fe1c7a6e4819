"""Which models may be used commercially, by what is stated of all their files."""

from __future__ import annotations

from typing import Final, Literal

from ..pipeline.errors import SettingsError
from .spec import Model

Licence = Literal["any", "permissive"]
ENVIRONMENT: Final = "MULTIFACESWAP_LICENCE"
"""Environment variable: `permissive` leaves out all other models, in the menus of nodes too."""
_PERMISSIVE: Final = frozenset({"MIT", "Apache-2.0", "BSD-3-Clause", "CC0-1.0", "CC BY 4.0"})
"""Stated without any reservation: that of code alone, or with data that is for research, isn't among them."""


def is_permissive(model: Model) -> bool:
    """Whether the licences stated of a model, those of all its files, allow commercial use without passing them on."""
    return all(file.licence in _PERMISSIVE for file in model.files)


def require_permissive(model: Model) -> None:
    """Raise SettingsError for a model of which that isn't so, with the files and their licences."""
    others = [file for file in model.files if file.licence not in _PERMISSIVE]
    if others:
        listed = ", ".join(f"{file.name}: {file.licence or 'not known'}" for file in others)
        raise SettingsError(f"licence: permissive leaves out {model.name} ({listed})")
