"""Opens models by name and keeps them open, so that a model is loaded once however often it is used."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from threading import Lock
from typing import Any

from ..pipeline.errors import DamagedModelError, MissingModelError
from ..pipeline.protocols import (
    Attributes,
    Detector,
    Embedder,
    Expresser,
    Follower,
    Landmarker,
    Locator,
    Mesher,
    Parser,
    Restorer,
    Swapper,
)
from . import catalog, store
from .catalog import Kind, Model
from .licences import Licence, is_permissive, require_permissive
from .runtime.devices import summary
from .runtime.registry import MemoryHook, SessionRegistry
from .store import Folders
from .verify import verify, wrong_size

log = logging.getLogger(__name__)

Key = tuple[str, str, tuple[tuple[str, object], ...]]
_MOST = 24
"""Every change of an option makes another adapter: the one that went unused longest is let go."""


class ModelPool:
    """Models of one set of folders and one device. Safe to share between threads.

    `memory_hook` is called before every run of a network. `built_in` is the device of the shipped networks; None
    for `device`, or the CPU where that is `auto`.
    """

    def __init__(
        self,
        folders: Folders | None = None,
        device: str = "auto",
        memory_hook: MemoryHook | None = None,
        *,
        built_in: str | None = None,
        licence: Licence = "any",
    ) -> None:
        """`licence`: which models may be opened."""
        self.licence: Licence = licence
        self.folders = Folders.default() if folders is None else folders
        self.device = device
        self._registry = SessionRegistry(device, memory_hook)
        self._shipped = SessionRegistry(built_in or _light(device), memory_hook)
        self._lock = Lock()
        self._opened: dict[Key, Any] = {}
        self._warned: set[str] = set()

    def open(self, kind: Kind, name: str, **options: object) -> Any:
        """The model's adapter: the one already open with these options, or a new one.

        Raises SettingsError for an unknown name, MissingModelError and DamagedModelError for its files.
        """
        key = (kind, name, tuple(sorted(options.items())))
        with self._lock:
            model = self._opened.pop(key, None) or self._open(kind, name, options)
            self._opened[key] = model
            if len(self._opened) > _MOST:
                del self._opened[next(iter(self._opened))]
            return model

    def _open(self, kind: Kind, name: str, options: Mapping[str, object]) -> Any:
        row = _allowed(kind, name, self.folders, self.licence)
        return _open(row, self.folders, self._shipped if row.built_in else self._registry, options, self._warned)

    def detector(self, name: str, **options: object) -> Detector:
        """This and the following are `open` for one kind each."""
        return self.open("detector", name, **options)

    def follower(self, name: str, **options: object) -> Follower:
        return self.open("detector", name, **options)

    def locator(self, name: str = "builtin", **options: object) -> Locator:
        return self.open("detector", name, **options)

    def mesher(self, name: str = "facemesh") -> Mesher:
        return self.open("mesher", name)

    def landmarker(self, name: str) -> Landmarker:
        return self.open("landmarker", name)

    def attributes(self, name: str = "dlib_gender") -> Attributes:
        return self.open("attributes", name)

    def embedder(self, name: str = "dlib128") -> Embedder:
        return self.open("embedder", name)

    def swapper(self, name: str, **options: object) -> Swapper:
        return self.open("swapper", name, **options)

    def expresser(self, name: str) -> Expresser:
        return self.open("expression", name)

    def parser(self, name: str) -> Parser:
        return self.open("parser", name)

    def restorer(self, name: str) -> Restorer:
        return self.open("restorer", name)

    def is_there(self, kind: Kind, name: str) -> bool:
        """Whether all files of a model are there, and its licences let it be opened."""
        row = catalog.find(kind, name)
        allowed = row.built_in or self.licence == "any" or is_permissive(row)
        return allowed and all(store.locate(file, self.folders) for file in row.files)

    def require(self, models: Iterable[tuple[Kind, str]]) -> None:
        """Raise one MissingModelError for all files that the models lack; nothing is opened.

        Raises SettingsError for an unknown name, MissingPackageError where a package is missing that they need.
        """
        rows = [_allowed(kind, name, self.folders, self.licence) for kind, name in dict.fromkeys(models)]
        missing: list[str] = []
        for row in rows:
            try:
                store.require(row, self.folders)
            except MissingModelError as error:
                missing.append(str(error))
        if missing:
            raise MissingModelError("\n".join(missing))
        store.require_packages(rows)

    def licences(self, kind: Kind, name: str) -> list[str]:
        """The licences of a model's files, each once. Raises as `open` does."""
        return list(dict.fromkeys(file.licence or "not known" for file in _find(kind, name, self.folders).files))

    def notes(self, kind: Kind, name: str) -> list[str]:
        """Lines for a report: which files of a model aren't the published ones. Raises as `open` does."""
        return _notes(_find(kind, name, self.folders), self.folders)

    def running(self) -> list[str]:
        """What every network that was opened really runs on, and why where that isn't what was asked for."""
        return summary([*self._registry.running(), *self._shipped.running()])

    def clear(self) -> None:
        """Let go of all models; those in use live on until they are done."""
        with self._lock:
            self._opened.clear()

    def close(self) -> None:
        """Free the memory of all networks, once their runs are done, and let go of the models."""
        self.clear()
        for registry in (self._registry, self._shipped):
            registry.close()


def open_row(kind: Kind, name: str, folders: Folders, device: str, licence: Licence, **options: object) -> Any:
    """A new adapter of a catalog row, its files found and verified; warns of files that aren't known.

    Raises as `ModelPool.open` does.
    """
    row = _allowed(kind, name, folders, licence)
    return _open(row, folders, SessionRegistry(_light(device) if row.built_in else device), options, set())


def require_opening(row: Model, folders: Folders) -> None:
    """Raise as `ModelPool.open` does where a model can't be opened; files that aren't known are warned of elsewhere."""
    _open(row, folders, SessionRegistry("cpu"), {}, None)


def _light(device: str) -> str:
    # The shipped networks take milliseconds on a CPU: no GPU memory and no start-up of its libraries for them unasked.
    return "cpu" if device == "auto" else device


def _allowed(kind: Kind, name: str, folders: Folders, licence: Licence) -> Model:
    row = _find(kind, name, folders)
    if licence == "permissive":
        require_permissive(row)
    return row


def _find(kind: Kind, name: str, folders: Folders) -> Model:
    if kind != "restorer" or name in catalog.names(kind):
        return catalog.find(kind, name)
    # What artists keep beside the published restorers is recognised by its contents and needs no row.
    from .restorers import further  # reads weight files, with what that takes

    other = further.row(name, folders)
    if other is None:
        raise further.unknown(name, folders)
    return other


def _open(
    row: Model, folders: Folders, registry: SessionRegistry, options: Mapping[str, object], warned: set[str] | None
) -> Any:
    """Warns of files that aren't known, unless that was `warned` of already, or it is None."""
    try:
        notes = _notes(row, folders)
        if warned is not None:
            _warn(notes, warned)
        return _adapted(row, folders, registry, options)
    except DamagedModelError as error:
        paths = store.require(row, folders)
        sizes = [wrong_size(path, file) for path, file in zip(paths, row.files, strict=True)]
        said = [str(error), *filter(None, sizes)]
        raise DamagedModelError(". ".join(one.removesuffix(".") for one in said) + ".") from error


def _warn(notes: Iterable[str], warned: set[str]) -> None:
    for note in notes:
        if note not in warned:
            log.warning(note)
            warned.add(note)


def _adapted(row: Model, folders: Folders, registry: SessionRegistry, options: Mapping[str, object]) -> Any:
    module, _, attribute = row.adapter.partition(":")
    adapter: Callable[..., Any] = getattr(import_module(f".{module}", __package__), attribute)
    return adapter(row, store.require(row, folders), registry, **options)


def _notes(row: Model, folders: Folders) -> list[str]:
    notes = [verify(path, file) for path, file in zip(store.require(row, folders), row.files, strict=True)]
    return [note for note in notes if note]
