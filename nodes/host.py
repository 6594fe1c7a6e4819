"""ComfyUI around the nodes: its model folders, its device, its progress bar and its Cancel button."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import folder_paths

from ..models.store import Folders
from ..pipeline.types import Progress

if TYPE_CHECKING:
    from ..models.pool import ModelPool

FOLDER_KEYS = ("insightface", "reswapper", "hyperswap", "facerestore_models", "facedetection", "facexlib")
"""Where artists already keep face models."""
_DEVICES = {"mps": "coreml", "privateuseone": "directml"}
"""torch's names of devices."""
_SUFFIXES = {".onnx", ".pth", ".safetensors"}


def register_folders() -> None:
    """Make the model folders known to ComfyUI, beside whatever `extra_model_paths.yaml` and other packs say."""
    known = folder_paths.folder_names_and_paths
    for key in FOLDER_KEYS:
        paths, suffixes = known.get(key, ([], set()))
        default = os.path.join(folder_paths.models_dir, key)
        # New values: core's folders share one set of suffixes, and lists may be shared too.
        known[key] = ([*paths, *([] if default in paths else [default])], set(suffixes) | _SUFFIXES)


class _HostFolders(Mapping[str, Sequence[Path]]):
    """ComfyUI's model folders as they are now: other packs may still add some."""

    def __getitem__(self, key: str) -> Sequence[Path]:
        return [Path(path) for path in folder_paths.folder_names_and_paths[key][0]]

    def __iter__(self) -> Iterator[str]:
        return iter(folder_paths.folder_names_and_paths)

    def __len__(self) -> int:
        return len(folder_paths.folder_names_and_paths)


def folders() -> Folders:
    """ComfyUI's folders, then those of `MULTIFACESWAP_MODELS`."""
    return Folders(_HostFolders(), Folders.default().plain)


def device_name() -> str:
    """ComfyUI's device by the name that models are opened with."""
    import comfy.model_management as management
    import torch

    device = management.get_torch_device()
    if device.type == "cpu":
        return "cpu"
    if device.type != "cuda":
        return _DEVICES.get(device.type, "auto")
    return f"{'rocm' if torch.version.hip else 'cuda'}:{device.index or 0}"


class _Held:
    """The one pool of the process: nodes come and go, models stay open."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._pool: ModelPool | None = None

    def get(self) -> ModelPool:
        with self._lock:
            if self._pool is None:
                self._pool = _new_pool()
            return self._pool


def _new_pool() -> ModelPool:
    import comfy.model_management as management

    from ..models.pool import ModelPool
    from .memory import ComfyLender

    # The shipped networks take milliseconds on a CPU: they leave the GPU to the large ones.
    return ModelPool(folders(), device_name(), ComfyLender(management.get_torch_device()), built_in="cpu")


_held = _Held()


def pool() -> ModelPool:
    """The models that all nodes share, in ComfyUI's folders, on its device, known to its memory manager."""
    return _held.get()


def progress() -> Progress:
    """Shows progress on the node; raises ComfyUI's own interruption once Cancel was pressed."""
    import comfy.model_management as management
    from comfy.utils import ProgressBar

    bar = ProgressBar(1)

    def report(done: int, total: int) -> None:
        # Newer progress bars thin out their updates, and with them their look at Cancel.
        management.throw_exception_if_processing_interrupted()
        bar.update_absolute(done, total)

    return report
