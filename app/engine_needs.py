"""What engines take of a donor, and what saved faces may lack of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ..models.catalog import find
from ..models.spec import Model, SwapperParams
from ..pipeline.errors import SettingsError
from ..pipeline.types import Face


def require_usable(donors: Iterable[Face], swap_model: str, name_of: Callable[[Face], str]) -> None:
    """Raise SettingsError, which names the first, where a donor was saved without what an engine takes of it."""
    engine = find("swapper", swap_model)
    for donor in donors:
        if lacking := _lacking(donor, engine):
            raise SettingsError(f"{name_of(donor)}: {lacking}")


def _lacking(donor: Face, engine: Model) -> str:
    """What to say of a donor that an engine can't use; nothing of others."""
    if any(view.pictured for view in donor.person):
        return ""
    wanted = engine.params_of(SwapperParams).embedder
    if not wanted:
        return (
            f"it was saved without a picture, which {engine.name} needs: choose an engine that takes an identity, such "
            "as inswapper_128, or save it anew with pictures"
        )
    if any(view.embedding is not None and view.embedding.model == wanted for view in donor.person):
        return ""
    return (
        f"it was saved without a picture and without an identity of {wanted}, which {engine.name} takes: save it anew "
        f"where the file of {wanted} is installed, or with pictures"
    )
