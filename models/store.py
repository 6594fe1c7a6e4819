"""Where model files are looked for, and what to do where one is missing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..media.environment import variables
from ..pipeline.errors import MissingModelError, MissingPackageError, SettingsError
from ..pipeline.quotes import as_typed, quoted
from .spec import Model, ModelFile

BUILTIN_PATH = Path(__file__).parent / "builtin"
ENVIRONMENT = "MULTIFACESWAP_MODELS"
_TORCH = frozenset({".pth", ".pt", ".ckpt", ".safetensors"})
"""Files that only torch reads."""

ModelFolders = str | Path | Sequence[str | Path] | None
"""Folders that replace the search path."""


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders searched: those of a host by its folder keys, and plain ones that hold files or such folders."""

    by_key: Mapping[str, Sequence[Path]]
    """E.g. ComfyUI's `folder_paths`, `extra_model_paths.yaml` included: `{"insightface": [...]}`."""
    plain: Sequence[Path] = ()

    @classmethod
    def of(cls, folders: ModelFolders | Folders) -> Folders:
        """Plain folders, one or several, the default ones for None. SettingsError for anything else."""
        if folders is None or isinstance(folders, Folders):
            return cls.default() if folders is None else folders
        several = [folders] if isinstance(folders, (str, Path)) else folders
        try:
            return cls({}, [Path(folder) for folder in several])
        except TypeError as error:
            raise SettingsError(f"folders: expected paths of folders, got {quoted(folders)}") from error

    @classmethod
    def default(cls) -> Folders:
        """Those of `MULTIFACESWAP_MODELS`, else `~/.cache/multifaceswap`."""
        listed = [Path(part) for part in variables().get(ENVIRONMENT, "").split(os.pathsep) if part]
        return cls({}, listed or [Path.home() / ".cache" / "multifaceswap"])

    def candidates(self, file: ModelFile) -> list[Path]:
        """Every path at which the file would be found, best first."""
        if file.built_in:
            return [BUILTIN_PATH / file.name]
        places = [place for key in file.folders for place in self._places(key)]
        places += self.plain
        return [place / name for place in dict.fromkeys(places) for name in file.names]

    def places(self, key: str) -> list[Path]:
        """Every folder that a key stands for, best first, whether it is there or not."""
        return list(dict.fromkeys(self._places(key)))

    def files(self, key: str, *, named: bool = False) -> list[Path]:
        """Every file in the folders of a key, best folder first; `named`: not in those that hold files of all kinds."""
        folders = dict.fromkeys(self._places(key) + ([] if named else list(self.plain)))
        return [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir()) if path.is_file()]

    def _places(self, key: str) -> list[Path]:
        head, _, tail = key.partition("/")
        hosted = [Path(path) for path in self.by_key.get(key, ())]
        hosted += [Path(path) / tail for path in self.by_key.get(head, ()) if tail]
        parts = key.split("/")
        ends = ["/".join(parts[start:]) for start in range(len(parts))]
        return hosted + [folder / end for folder in self.plain for end in ends]


def locate(file: ModelFile, folders: Folders) -> Path | None:
    """The file's path, or None where no folder holds it."""
    return next((path for path in folders.candidates(file) if path.is_file()), None)


def home(file: ModelFile, folders: Folders) -> Path:
    """Where a fetched file goes: the first folder that is searched."""
    return folders.candidates(file)[0]


def require(model: Model, folders: Folders) -> list[Path]:
    """The paths of all files of a model. Raises MissingModelError, which says what to fetch and where to put it."""
    found = [(file, locate(file, folders)) for file in model.files]
    missing = [file for file, path in found if path is None]
    if missing:
        texts = [missing_text(model, file, folders) for file in missing]
        raise MissingModelError("\n".join([*texts, *_also_missing(model)]))
    return [path for _file, path in found if path is not None]


def require_packages(models: Iterable[Model]) -> None:
    """Raise MissingPackageError where files of these models need torch and it isn't installed."""
    for model in models:
        if _needs_torch(model) and find_spec("torch") is None:
            raise MissingPackageError(f"{model.name} needs the package torch: pip install 'multifaceswap[models]'")


def _needs_torch(model: Model) -> bool:
    return any(Path(file.name).suffix in _TORCH for file in model.files)


def _also_missing(model: Model) -> list[str]:
    """Said before hundreds of megabytes are fetched: torch is missing too."""
    if not _needs_torch(model) or find_spec("torch") is not None:
        return []
    return [f"{model.name} also needs the package torch: pip install 'multifaceswap[models]'"]


def missing_text(model: Model, file: ModelFile, folders: Folders) -> str:
    """What to do about a missing file: its folders, URL, sha256, licence and the command that fetches it."""
    searched = list(dict.fromkeys(as_typed(path.parent) for path in folders.candidates(file)))
    subject = file.name if file.name == model.name else f"{model.name} needs {file.name}, which"
    lines = [f"{subject} is in none of these folders:", *(f"  {s}" for s in searched)]
    if file.built_in:
        return "\n".join([*lines, "It belongs to this package: install the package again"])
    lines += [f"Fetch it from {' or '.join(file.urls)}"] if file.urls else []
    kind, _, hashes = file.hashes.partition(" ")
    lines += [f"{kind or 'sha256'}: {hashes or 'not known'}", f"Licence: {file.licence or 'not known'}"]
    lines += [f"Or run: multifaceswap models get {model.name}"] if file.urls else []
    return "\n".join(lines)
