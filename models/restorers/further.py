"""Restorers that lie in the model folders without being in the catalog: other versions, other people's exports, and
what artists upscale with."""

from __future__ import annotations

from pathlib import Path

from ...pipeline.errors import SettingsError
from ...pipeline.quotes import named, quoted
from ..spec import Model, ModelFile
from ..store import Folders
from .contents import look
from .rows import ADAPTER, FILES, FOLDER, RESTORERS

UPSCALERS = "upscale_models"
"""The ComfyUI folder in which artists keep networks that upscale or clean pictures."""
_SUFFIXES = frozenset({".pth", ".onnx"})
_UPSCALERS = frozenset({".pth", ".pt", ".ckpt", ".safetensors"})


def names(folders: Folders) -> tuple[str, ...]:
    """The names of the files that hold restorers and that no catalog row stands for, in alphabetical order, then those
    of the upscalers, as they lie there.

    Reads a few kilobytes a file at most, and nothing of files seen before.
    """
    known = {name for file in FILES for name in file.names}
    files = [path for path in _files(folders) if path.name not in known]
    restorers = sorted({path.name for path in files if look(path) is not None}, key=str.casefold)
    others = {path.name for path in _upscalers(folders)} - {*restorers, *known}
    return (*restorers, *sorted(others, key=str.casefold))


def row(name: str, folders: Folders) -> Model | None:
    """A row for such a file, or the one whose file has this other name; None where no folder holds such a restorer."""
    for model in RESTORERS:
        if model.files and name in model.files[0].names:
            return model
    if any(path.name == name and look(path) is not None for path in _files(folders)):
        return Model(name, "restorer", ADAPTER, (ModelFile(name, (FOLDER,)),))
    if any(path.name == name for path in _upscalers(folders)):
        return Model(name, "restorer", "restorers.adapters:upscaler", (ModelFile(name, (UPSCALERS,)),))
    return None


def unknown(name: str, folders: Folders) -> SettingsError:
    """What to say of a name that is neither a row's nor a restorer's file: where such a file is, what else there is."""
    expected = ", ".join([*(model.name for model in RESTORERS), *names(folders), "disable"])
    for path in folders.files(FOLDER):
        if path.name == name:
            return SettingsError(
                f"face_restore: {name} was found at {named(path)}, but holds no known restorer: expected GFPGAN, "
                f"CodeFormer or RestoreFormer (.pth), or an ONNX graph from one picture of a face to another "
                f"(upscalers belong into {UPSCALERS}); or one of {expected}"
            )
    return SettingsError(
        f"face_restore: expected one of {expected}, another restorer's file in {FOLDER}, or an "
        f"upscaler's in {UPSCALERS}, got {quoted(name)}"
    )


def _files(folders: Folders) -> list[Path]:
    return [path for path in folders.files(FOLDER) if path.suffix.lower() in _SUFFIXES]


def _upscalers(folders: Folders) -> list[Path]:
    return [path for path in folders.files(UPSCALERS, named=True) if path.suffix.lower() in _UPSCALERS]
