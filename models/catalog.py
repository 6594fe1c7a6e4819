"""Every model, one row each: menus, command-line choices, downloads, errors and documentation read it from here.

To add a model, add a row; a new kind of network needs an adapter, a class or function named in `adapter` that is called
as `adapter(row, paths, device, **options)`, with the paths of `row.files` in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from ..pipeline.errors import SettingsError

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
    licence: str = ""
    aliases: tuple[str, ...] = ()
    """Other names under which the same file is found."""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name, *self.aliases)


@dataclass(frozen=True, slots=True)
class Model:
    """One model that users can choose by name."""

    name: str
    kind: Kind
    adapter: str
    """`module:attribute` below this package, e.g. `detectors.adapters:builtin`."""
    files: tuple[ModelFile, ...]
    facts: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    """What the adapter needs to know about this model, such as crop sizes and normalisation."""

    @property
    def built_in(self) -> bool:
        """Whether all files ship with the package."""
        return all(file.folders == (BUILTIN_FOLDER,) for file in self.files)


def _shipped(name: str, size: int, sha256: str, licence: str) -> ModelFile:
    return ModelFile(name, (BUILTIN_FOLDER,), (sha256,), (size,), licence=licence)


BLAZEFACE = _shipped(
    "blazeface_full_range_sparse.onnx",
    1_047_244,
    "aadc0566d491e7d3856f5cf2762768459d62ff8e62268795ea59edbf3c2f711e",
    "Apache-2.0",
)
FACE_LANDMARK = _shipped(
    "face_landmark_468.onnx",
    1_224_216,
    "cabff6a46fa30a1b96f676dc9477a4a2e2e8b4334180559cf9d78f220878a30c",
    "Apache-2.0",
)
FACEMESH_CANONICAL = _shipped(
    "facemesh_canonical.npz", 10_638, "b7bc9313a324c9459df7ee182ca7869f6155721c7e0ea32e466d99de3794c34f", "Apache-2.0"
)
DLIB_GENDER = _shipped(
    "dlib_gender_v1.onnx", 530_620, "d4c4116cf720cde18de28a09071d8e1826bcff7935ef3470052163f3f6b5d734", "CC0-1.0"
)
DLIB_FACE128 = _shipped(
    "dlib_face128_fp16.onnx",
    11_228_744,
    "f0de67cb3eb0777485f0010646060a9dbb7ebf279d2f1a4270e35ed97224001e",
    "CC0-1.0",
)

MODELS: tuple[Model, ...] = (
    Model("builtin", "detector", "detectors.adapters:builtin", (BLAZEFACE, FACE_LANDMARK)),
    Model("facemesh", "mesher", "detectors.adapters:facemesh", (FACE_LANDMARK,)),
    Model("dlib128", "embedder", "embedders.adapters:dlib128", (DLIB_FACE128,)),
    Model("dlib_gender", "attributes", "attributes.adapters:dlib_gender", (DLIB_GENDER,)),
    Model("mesh", "swapper", "swappers.adapters:mesh", (FACEMESH_CANONICAL,)),
)


def names(kind: Kind) -> tuple[str, ...]:
    """The names of all models of a kind, in the order in which menus show them."""
    return tuple(model.name for model in MODELS if model.kind == kind)


def find(kind: Kind, name: str) -> Model:
    """The row of a model; SettingsError names the known ones."""
    for model in MODELS:
        if model.kind == kind and model.name == name:
            return model
    raise SettingsError(f"{kind}: expected one of {', '.join(names(kind))}, got {name!r}")
