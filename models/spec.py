"""The shape of the catalog's rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Kind = Literal["detector", "mesher", "embedder", "attributes", "swapper", "restorer", "parser"]
KINDS: tuple[Kind, ...] = ("detector", "mesher", "embedder", "attributes", "swapper", "restorer", "parser")
BUILTIN_FOLDER = "builtin"
"""Names the folder of weights inside this package: such files are always there."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One weight file and the places it comes from."""

    name: str
    """As published."""
    folders: tuple[str, ...]
    """ComfyUI model folders where it is looked for, the first for downloads; `a/b` is a folder in a folder."""
    sha256: tuple[str, ...] = ()
    """Every accepted hash; empty where none is known."""
    sizes: tuple[int, ...] = ()
    """In bytes, beside the hashes; empty where unknown."""
    urls: tuple[str, ...] = ()
    """Where it can be fetched, best first; the file of any of them has one of the hashes."""
    licence: str = ""
    aliases: tuple[str, ...] = ()
    """Other names under which the same file is found."""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)

    @property
    def built_in(self) -> bool:
        """Whether it ships with the package."""
        return self.folders == (BUILTIN_FOLDER,)


@dataclass(frozen=True, slots=True)
class Model:
    """One model that users can choose by name."""

    name: str
    kind: Kind
    adapter: str
    """`module:attribute` below this package, e.g. `detectors.adapters:builtin`."""
    files: tuple[ModelFile, ...]
    params: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """What the adapter needs to know about this model, such as crop template, sizes and normalisation."""

    @property
    def built_in(self) -> bool:
        """Whether all files ship with the package."""
        return all(file.built_in for file in self.files)


def shipped(name: str, size: int, sha256: str, licence: str) -> ModelFile:
    """A file of this package."""
    return ModelFile(name, (BUILTIN_FOLDER,), (sha256,), (size,), licence=licence)


def params(**values: Any) -> Mapping[str, Any]:
    """What an adapter needs to know, read-only."""
    return MappingProxyType(values)
