"""Saved faces as files: safetensors, whose tensors are named by their view."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ... import __version__
from ...media.atomic import write_atomic
from ...pipeline.errors import SettingsError
from ...pipeline.quotes import named
from .person import SavedPerson, SavedView, checked_consent

FORMAT: Final = "multifaceswap face"
VERSION: Final = "1"


def write_person(path: Path, person: SavedPerson, *, overwrite: bool = False) -> None:
    """Write a person's file, whole or not at all. Raises SettingsError where one is there and isn't to be replaced, and
    OSError."""
    require_new(path, overwrite)
    write_atomic(path, encoded(person, path.stem))


def require_new(path: Path, overwrite: bool) -> None:
    """Raise SettingsError where a file would be replaced, unless it is to be."""
    if path.exists() and not overwrite:
        raise SettingsError(f"{named(path)} is there already: choose another name, or say overwrite")


def encoded(person: SavedPerson, name: str) -> bytes:
    """The contents of a person's file: `N.landmarks` (5, 2), `N.box` (4,), `N.score` (1,), if there is one `N.mesh`
    (468, 3), and `N.embedding.MODEL` (D,), all float32, and `N.picture` (H, W, 3) uint8, for each view from 0 on."""
    from safetensors.numpy import save

    tensors = {
        f"{number}.{part}": np.ascontiguousarray(value)
        for number, view in enumerate(person.views)
        for part, value in _parts(view).items()
    }
    return save(tensors, metadata=_metadata(person, name))


def _parts(view: SavedView) -> dict[str, NDArray[np.float32] | NDArray[np.uint8]]:
    numbers = {"landmarks": view.landmarks, "box": view.box, "score": np.array([view.score])}
    if view.mesh is not None:
        numbers["mesh"] = view.mesh
    numbers |= {f"embedding.{one.model}": one.vector for one in view.embeddings}
    pictures = {} if view.picture is None else {"picture": view.picture}
    return {**{part: np.asarray(value, np.float32) for part, value in numbers.items()}, **pictures}


def _metadata(person: SavedPerson, name: str) -> dict[str, str]:
    """Nothing of where the pictures lay, nor of what they were called."""
    about = person.about(name)
    said = {
        "format": FORMAT,
        "format_version": VERSION,
        "written_by": f"MultiFaceSwap {__version__}",
        "name": name,
        "models": ",".join(about.models),
        "gender": person.gender or "",
        "age": person.age,
        "consent": checked_consent(person.consent),
    }
    return {key: text for key, text in said.items() if text}
