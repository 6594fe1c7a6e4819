"""Menus of models: what the catalog knows, with a mark on what isn't installed, and what else is in the folders."""

from __future__ import annotations

from ..app.settings import licence_of
from ..models import catalog, store
from ..models.catalog import Kind
from ..models.licences import is_permissive
from ..models.restorers import further
from ..models.store import Folders
from .host import folders

_MISSING = " (not installed)"


def menu(kind: Kind, *first: str) -> list[str]:
    """`first`, then the models of a kind; those whose files aren't found carry a mark."""
    places = folders()
    published = [name + ("" if _is_there(kind, name, places) else _MISSING) for name in _published(kind)]
    return [*first, *published, *_others(kind, places)]


def named(option: str) -> str:
    """The model's own name: workflows may hold it with the mark or without."""
    return option.removesuffix(_MISSING)


def check(setting: str, kind: Kind, option: str | None, *first: str) -> bool | str:
    """For `validate_inputs`: whether the option is known, with the mark or without; a linked one is looked at later."""
    known = (*first, *_published(kind), *_others(kind, folders()))
    if option is None or named(option) in known:
        return True
    return f"{setting}: expected one of {', '.join(known)}, got {option!r}"


def _published(kind: Kind) -> list[str]:
    """Those of the catalog that may be used here."""
    names = catalog.names(kind)
    if licence_of(None) == "any":
        return list(names)
    return [name for name in names if is_permissive(catalog.find(kind, name))]


def _others(kind: Kind, places: Folders) -> tuple[str, ...]:
    """Of these no licence is known."""
    return further.names(places) if kind == "restorer" and licence_of(None) == "any" else ()


def _is_there(kind: Kind, name: str, places: Folders) -> bool:
    return all(store.locate(file, places) for file in catalog.find(kind, name).files)
