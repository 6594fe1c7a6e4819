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
    from ..app.session import Session
    from ..media.clips import FrameDone, OnFrame

FOLDER_KEYS = (
    *("insightface", "reswapper", "hyperswap", "facefusion", "facerestore_models", "facedetection", "facexlib"),
    *("multifaceswap", "reactor"),
)
"""Where artists already keep face models; the last two hold saved faces."""
_DEVICES = {"mps": "coreml", "privateuseone": "directml"}
"""torch's names of devices."""
_PREVIEWS = 0.5
"""Seconds from one preview to the next."""
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
    """The one session of the process: nodes come and go, models stay open."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._session: Session | None = None

    def get(self) -> Session:
        with self._lock:
            if self._session is None:
                self._session = _new_session()
            return self._session


def _new_session() -> Session:
    import comfy.model_management as management

    from ..app.session import Session
    from ..marking.places import Signing
    from .memory import ComfyMemoryHook

    # The shipped networks take milliseconds on a CPU: they leave the GPU to the large ones.
    hook = ComfyMemoryHook(management.get_torch_device())
    signing = Signing(required=False)
    return Session(folders(), device_name(), memory_hook=hook, built_in="cpu", signing=signing)


_held = _Held()


def session() -> Session:
    """What all nodes share: models from ComfyUI's folders, on its device, known to its memory manager; donors."""
    return _held.get()


def frame_progress() -> OnFrame:
    """As `progress`, for the frames of a clip, with a preview of the one it is at: at most two a second."""
    import comfy.model_management as management
    from comfy.cli_args import args
    from comfy.utils import ProgressBar
    from PIL import Image

    from ..media.clips import Paced
    from ..media.clips.previews import fitted

    bar, longest = ProgressBar(1), args.preview_size

    def show(frame: FrameDone) -> None:
        # As small as it is sent: the host would take longer for that.
        image = Image.fromarray(fitted(frame.after, longest))
        bar.update_absolute(frame.done, frame.total, ("JPEG", image, longest))

    paced = Paced(show, _PREVIEWS)

    def report(frame: FrameDone) -> None:
        management.throw_exception_if_processing_interrupted()
        bar.update_absolute(frame.done, frame.total)
        paced(frame)

    return report


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
