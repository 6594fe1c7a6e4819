"""Files of saved faces, taken for damaged or foreign until all of them is known to be right: ours and ReActor's."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path
from typing import Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ...media.files import open_bounded
from ...models.catalog import find, names
from ...models.spec import EmbedderParams
from ...pipeline.errors import ImageError, SettingsError
from ...pipeline.faces.ages import parse_ages
from ...pipeline.quotes import excerpt, listed, named, quoted, reason
from ...pipeline.types import MESH_POINTS, Embedding, Gender, Mesh, Vector
from .person import LONGEST_CONSENT, MOST_VIEWS, SavedPerson, SavedView
from .writing import FORMAT, VERSION

MOST_BYTES: Final = 256 << 20
LONGEST_SIDE: Final = 2048
"""Pixels of a view's picture."""
_FARTHEST: Final = 4 * LONGEST_SIDE
_MOST_NUMBERS: Final = 8192
"""Of an identity."""
_PART: Final = re.compile(
    r"(0|[1-9][0-9]?)\.(landmarks|box|score|mesh|picture|embedding\.([A-Za-z0-9][A-Za-z0-9._-]{0,63}))", re.ASCII
)
_SHAPES: Final = {"landmarks": [5, 2], "box": [4], "score": [1], "mesh": [MESH_POINTS, 3]}
_GENDERS: Final[dict[str, Gender]] = {"female": "female", "male": "male"}
_LENGTHS: Final = (1e-6, 1e6)
"""What identities are as vectors: beyond, they have no direction in numbers of 32 bits."""
_APART: Final = 0.75
"""Of a mesh's points: how many must lie at places of their own, to a hundredth of a pixel."""
_NARROWEST: Final = 0.05
"""Of a mesh's longer extent: even one seen from the side is wider."""
_REACTOR_MODEL: Final = "w600k_r50"
"""What its identities are measured by: InsightFace's buffalo_l."""
_REACTOR_NUMBERS: Final = 512
_REACTOR_GENDERS: Final[dict[float, Gender]] = {0.0: "female", 1.0: "male"}
_FLOATS: Final = ("F16", "F32", "F64")


class _Slice(Protocol):
    def get_shape(self) -> list[int]: ...

    def get_dtype(self) -> str: ...


class _Opened(Protocol):
    """What safetensors gives, which has no types."""

    def keys(self) -> Sequence[str]: ...

    def metadata(self) -> Mapping[str, str] | None: ...

    def get_slice(self, name: str) -> _Slice: ...

    def get_tensor(self, name: str) -> NDArray[np.generic]: ...


def read_person(path: str | os.PathLike[str]) -> SavedPerson:
    """What a file holds. Raises ImageError, which names the file, for one that isn't a saved face or is damaged, is
    larger than 256 MiB, or was written by a later version; OSError where there is none."""
    library = import_module("safetensors")
    opened = cast("Callable[[str, str], AbstractContextManager[_Opened]]", library.safe_open)
    try:
        open_bounded(path, MOST_BYTES).close()
        with opened(os.fspath(path), "np") as file:
            return _person(file)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, library.SafetensorError) as error:  # SettingsError too: what a face can't have
        raise unreadable(path, error) from error


def unreadable(path: str | os.PathLike[str], error: Exception) -> ImageError:
    """The error for a file that isn't a saved face, or a damaged one."""
    return ImageError(f"{named(Path(path))}: can't be read as a saved face: {reason(error)}")


def _person(file: _Opened) -> SavedPerson:
    said, parts = file.metadata() or {}, list(file.keys())
    if said.get("format") != FORMAT:
        if "embedding" not in parts:
            raise SettingsError("it holds no face")
        return _of_reactor(file, parts)
    if said.get("format_version") != VERSION:
        version = quoted(said.get("format_version"))
        raise SettingsError(f"expected format {VERSION}, got {version}: a later release wrote it, which can read it")
    views = _views(file, parts)
    _require_comparable([one for view in views for one in view.embeddings])
    consent = excerpt(said.get("consent", ""), LONGEST_CONSENT)
    ages = parse_ages(excerpt(said.get("age", "")))
    gender = _GENDERS.get(said.get("gender", ""))
    return SavedPerson(views, consent, gender, str(ages or ""), excerpt(said.get("written_by", "")))


def _views(file: _Opened, held: Sequence[str]) -> tuple[SavedView, ...]:
    parts: dict[int, dict[str, NDArray[np.generic]]] = {}
    for name in sorted(held):
        match = _PART.fullmatch(name)
        if match is None:
            raise SettingsError(f"it holds {quoted(name)}, which no saved face has")
        _require_fit(name, match[2], file.get_slice(name))
        parts.setdefault(int(match[1]), {})[match[2]] = file.get_tensor(name)
    if sorted(parts) != list(range(len(parts))) or len(parts) > MOST_VIEWS:
        raise SettingsError(f"its views aren't 0 to {MOST_VIEWS - 1} in a row")
    return tuple(_view(parts[number]) for number in range(len(parts)))


def _view(parts: Mapping[str, NDArray[np.generic]]) -> SavedView:
    lacking = [part for part in ("landmarks", "box", "score") if part not in parts]
    if lacking:
        raise SettingsError(f"a view lacks its {listed(lacking)}")
    numbers = {name: np.asarray(value, np.float32) for name, value in parts.items() if name != "picture"}
    embeddings = {name.partition(".")[2]: value for name, value in numbers.items() if name.startswith("embedding.")}
    if any(np.abs(numbers[part]).max() > _FARTHEST for part in ("landmarks", "box", "mesh") if part in numbers):
        raise SettingsError(f"a view's face lies outside of it: expected places within ±{_FARTHEST} pixels")
    if "mesh" in numbers:
        _require_spread(numbers["mesh"])
    picture = np.asarray(parts["picture"], np.uint8) if "picture" in parts else None
    return SavedView(
        numbers["box"],
        numbers["landmarks"],
        float(numbers["score"][0]),
        numbers.get("mesh"),
        tuple(_identity(vector, model) for model, vector in embeddings.items()),
        picture,
    )


def _require_spread(mesh: Mesh) -> None:
    """Raise SettingsError for a mesh that no face has: collapsed to a few points or a line."""
    if not np.isfinite(mesh).all():
        return  # `Face` says so.
    apart = len(np.unique(np.round(mesh[:, :2], 2), axis=0))
    # The extents along the mesh's own axes, whichever way the face is turned.
    longer, shorter = np.linalg.svd(mesh[:, :2] - mesh[:, :2].mean(0), compute_uv=False)
    if apart < _APART * MESH_POINTS or shorter < _NARROWEST * longer:
        raise SettingsError(f"a view's mesh is collapsed: {apart} of {MESH_POINTS} points lie at places of their own")


def _identity(vector: Vector, model: str) -> Embedding:
    """Raises SettingsError for one of another size than the model's, where that is known, or without a direction."""
    expected = find("embedder", model).params_of(EmbedderParams).numbers if model in names("embedder") else vector.size
    if vector.size != expected:
        raise SettingsError(f"an identity of {model}: expected {expected} numbers, got {vector.size}")
    made = Embedding(vector, model)
    length = float(np.linalg.norm(made.vector.astype(np.float64)))
    if not _LENGTHS[0] <= length <= _LENGTHS[1]:
        raise SettingsError(f"an identity of {model}: its numbers come to {length:g}, which tells nobody")
    return made


def _require_comparable(identities: Sequence[Embedding]) -> None:
    """Raise SettingsError where identities of one model have several sizes."""
    sizes: dict[str, int] = {}
    for one in identities:
        if sizes.setdefault(one.model, one.vector.size) != one.vector.size:
            raise SettingsError(
                f"identities of {one.model}: expected {sizes[one.model]} numbers in every view, got {one.vector.size}"
            )


def _require_fit(name: str, part: str, found: _Slice) -> None:
    """Raise SettingsError unless a tensor, which isn't read yet, is what its name says."""
    dtype, shape = found.get_dtype(), found.get_shape()
    if part == "picture":
        expected = "U8 (height, width, 3) of 1 to 2048 pixels"
        fits = dtype == "U8" and len(shape) == 3 and shape[2] == 3 and all(0 < n <= LONGEST_SIDE for n in shape[:2])
    elif part in _SHAPES:
        expected, fits = f"F32 {tuple(_SHAPES[part])}", dtype == "F32" and shape == _SHAPES[part]
    else:
        expected = f"F32 (1 to {_MOST_NUMBERS},)"
        fits = dtype == "F32" and len(shape) == 1 and 0 < shape[0] <= _MOST_NUMBERS
    if not fits:
        raise SettingsError(f"{name}: expected {expected}, got {excerpt(dtype)} {tuple(shape[:4])}")


def _of_reactor(file: _Opened, parts: Sequence[str]) -> SavedPerson:
    """The identity and the gender of a face that ReActor saved; what else there is belongs to a picture that isn't."""
    found = file.get_slice("embedding")
    dtype, shape = found.get_dtype(), found.get_shape()
    if dtype not in _FLOATS or shape not in ([_REACTOR_NUMBERS], [1, _REACTOR_NUMBERS]):
        raise SettingsError(f"embedding: expected {_REACTOR_NUMBERS} floats, got {excerpt(dtype)} {tuple(shape[:4])}")
    vector = np.asarray(file.get_tensor("embedding"), np.float32).ravel()
    view = SavedView(*_NOWHERE, 1.0, None, (_identity(vector, _REACTOR_MODEL),), None)
    return SavedPerson((view,), gender=_reactor_gender(file, parts), written_by="ReActor", origin="ReActor")


def _reactor_gender(file: _Opened, parts: Sequence[str]) -> Gender | None:
    """InsightFace's number for it."""
    if "gender" not in parts or int(np.prod(file.get_slice("gender").get_shape())) != 1:
        return None
    return _REACTOR_GENDERS.get(float(file.get_tensor("gender").astype(np.float64).ravel()[0]))


_NOWHERE: Final = (
    np.array([0, 0, 64, 64], np.float32),
    np.array([(22, 29), (42, 29), (32, 41), (24, 52), (40, 52)], np.float32),
)
"""A box and landmarks for a face of which neither is known."""
