"""Menus of models: what the catalog knows, with a mark on what isn't installed."""

from __future__ import annotations

from ..models import catalog, store
from ..models.catalog import Kind
from .host import folders

_MISSING = " (not installed)"


def menu(kind: Kind, *first: str) -> list[str]:
    """`first`, then the models of a kind; those whose files aren't found carry a mark."""
    places = folders()
    return [*first, *(name + ("" if _is_there(kind, name, places) else _MISSING) for name in catalog.names(kind))]


def named(option: str) -> str:
    """The model's own name: workflows may hold it with the mark or without."""
    return option.removesuffix(_MISSING)


def check(setting: str, kind: Kind, option: str | None, *first: str) -> bool | str:
    """For `validate_inputs`: whether the option is known, with the mark or without; a linked one is looked at later."""
    known = (*first, *catalog.names(kind))
    if option is None or named(option) in known:
        return True
    return f"{setting}: expected one of {', '.join(known)}, got {option!r}"


def _is_there(kind: Kind, name: str, places: store.Folders) -> bool:
    return all(store.locate(file, places) for file in catalog.find(kind, name).files)
