"""What `multifaceswap doctor` says about this machine: what is installed, what runs, what is missing and the cure."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module, metadata
from importlib.util import find_spec
from types import ModuleType

from ..media.environment import variables
from ..models import store
from ..models.catalog import BUILTIN_FOLDER, DLIB_GENDER, MODELS, ModelFile
from ..models.runtime import onnx as runtime
from ..models.runtime.devices import CUDA, why_not
from ..models.runtime.symptoms import recognise
from ..models.store import Folders
from ..models.verify import verify
from ..pipeline.errors import ModelError, MultiFaceSwapError
from .set_up import Finding, key, saved_faces, signing

try:
    from . import programs
except ImportError:
    programs = None  # The archive of ComfyUI's registry leaves it out.

_NEEDED = ("numpy", "opencv-python", "Pillow", "requests", "safetensors", "tqdm")
_OPTIONAL = {
    "torchvision": "models",
    "spandrel": "models",
    "spandrel_extra_arches": "models",
    "av": "video",
    "c2pa-python": "marking",
}
"""The extra of this package that brings each of them."""
_FOR = {"models": "some models need it", "video": "clips need it", "marking": "signatures need it"}
# Each of them brings cv2.
_OPENCV = ("opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
_CPU = "CPUExecutionProvider"
_WHEELS = {
    "cuda": "onnxruntime-gpu",
    "tensorrt": "onnxruntime-gpu",
    "rocm": "onnxruntime-rocm",
    "migraphx": "onnxruntime-migraphx",
    "directml": "onnxruntime-directml",
}
"""What brings a device; the others come with the plain wheel on their systems."""
_NO_NVIDIA = (
    "choose --device cpu or auto; if there is such a GPU, install its driver: https://www.nvidia.com/drivers (a "
    "container must be given the GPU)"
)


def examine(device: str = "auto", folders: Folders | None = None) -> Iterator[Finding]:
    """Look at everything, one finding after the other. Raises SettingsError for an unknown device."""
    folders = Folders.default() if folders is None else folders
    yield Finding("Python", f"{platform.python_version()} ({sys.executable})")
    yield Finding("System", f"{platform.platform()}, {os.cpu_count()} processors")
    yield from packages(installed((*_NEEDED, *_OPENCV, *_OPTIONAL)))
    yield wheels(metadata.packages_distributions().get("onnxruntime", ()))
    torch, sees_cuda = torch_state()
    yield torch
    cards = list(gpus())
    yield from cards
    yield from providers(device, sees_cuda or bool(cards))
    yield from searched(folders)
    yield from weights(folders)
    yield saved_faces(folders)
    yield key(variables())
    yield signing()


def installed(names: Iterable[str]) -> dict[str, str]:
    """The versions of those distributions that are installed."""
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def packages(versions: Mapping[str, str]) -> list[Finding]:
    """A line a package that the pack uses; only those it can't do without are wrong when missing."""
    return [_package(name, versions) for name in (*_NEEDED, *_OPTIONAL)]


def _package(name: str, versions: Mapping[str, str]) -> Finding:
    variants = _OPENCV if name in _OPENCV else (name,)
    found = [f"{variant} {versions[variant]}" for variant in variants if variant in versions]
    if found:
        return Finding("Package", ", ".join(found))
    if name in _NEEDED:
        return Finding("Package", f"{name} is not installed", _pip("install", name))
    extra = _OPTIONAL[name]
    return Finding("Package", f"{name} is not installed: {_FOR[extra]}. {_extra(extra)}")


def wheels(distributions: Iterable[str]) -> Finding:
    """The wheels that brought `onnxruntime`: with two of them the files of one overwrite those of the other."""
    names = sorted(set(distributions))
    if not names:
        return Finding("onnxruntime", "is not installed", _pip("install", _best_wheel()))
    text = ", ".join(f"{name} {version}" for name, version in installed(names).items()) or ", ".join(names)
    if len(names) == 1:
        return Finding("onnxruntime", text)
    keep = next((name for name in names if name != "onnxruntime"), _best_wheel())
    cure = f"{_pip('uninstall', '-y', *names)}\n{_pip('install', keep)}"
    return Finding("onnxruntime", f"{text} clash: they overwrite each other's files, and the GPU may go unused", cure)


def _best_wheel() -> str:
    gpu = sys.platform in ("linux", "win32") and platform.machine() in ("x86_64", "AMD64")
    return "onnxruntime-gpu" if gpu else "onnxruntime"


def torch_state() -> tuple[Finding, bool]:
    """Whether torch loads and what it sees of a GPU; and whether that is a CUDA device."""
    if find_spec("torch") is None:
        return Finding("torch", f"is not installed: the built-in models don't need it. {_extra('models')}"), False
    try:
        torch = import_module("torch")
    except (ImportError, OSError) as error:
        return Finding("torch", f"can't be loaded: {error}", "install it again: https://pytorch.org/get-started"), False
    return Finding("torch", f"{torch.__version__}, {_torch_device(torch)}"), bool(torch.cuda.is_available())


def _torch_device(torch: ModuleType) -> str:
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
        return f"CUDA {torch.version.cuda}: {', '.join(names)}"
    return "MPS" if torch.backends.mps.is_available() else "no CUDA device"


def providers(device: str, sees_cuda: bool) -> Iterator[Finding]:
    """What onnxruntime can run on, and what a shipped model really runs on. `sees_cuda`: there is a CUDA device."""
    try:
        available = runtime.available_providers()
    except (ImportError, OSError, AttributeError) as error:
        known = recognise(str(error))
        cure = known[1] if known else _pip("install", _best_wheel())
        yield Finding("Providers", f"onnxruntime can't be loaded: {error}", cure)
        return
    wanted = runtime.wanted_providers(device, runtime.usable_providers(device))
    yield Finding("Providers", f"available: {', '.join(available)}; asked for by {device!r}: {', '.join(wanted)}")
    yield _running(device, wanted, sees_cuda, available)


def _running(device: str, wanted: Sequence[str], sees_cuda: bool, available: Sequence[str]) -> Finding:
    try:
        running = runtime.Session(store.BUILTIN_PATH / DLIB_GENDER.name, device).provider
    except MultiFaceSwapError as error:
        return Finding("In use", f"nothing: {error}", "cure what is reported here first, or choose --device cpu")
    if running == _CPU and not sees_cuda and _asks_nvidia(device) and not runtime.has_nvidia_driver():
        return Finding("In use", f"{running}: no NVIDIA GPU or driver was found on this machine", _NO_NVIDIA)
    if running != wanted[0]:
        return _not_started(running, wanted)
    if running == _CPU and sees_cuda and device != "cpu" and CUDA in available:
        return _not_started(running, [CUDA, _CPU])
    if running == _CPU and sees_cuda and device != "cpu":
        return Finding("In use", f"{_CPU}, although there is a CUDA device", _pip("install", "onnxruntime-gpu"))
    why = why_not(device, wanted, running, ())
    return Finding(
        "In use", f"{running}: {why}" if why else running, _pip("install", _wheel_for(device)) if why else ""
    )


def _asks_nvidia(device: str) -> bool:
    return device.partition(":")[0] in ("cuda", "tensorrt")


def _wheel_for(device: str) -> str:
    return _WHEELS.get(device.partition(":")[0], "onnxruntime")


def _not_started(running: str, wanted: Sequence[str]) -> Finding:
    """Why the first of the providers doesn't start, from what it says when it is tried."""
    said = "" if programs is None else programs.opening_messages(store.BUILTIN_PATH / DLIB_GENDER.name, wanted)
    known = recognise(said)
    if known is not None:
        return Finding("In use", f"{running}: {wanted[0]} didn't start: {known[0]}", known[1])
    reason = next((line.strip() for line in said.splitlines() if line.strip()), "it doesn't say why")
    return Finding("In use", f"{running}: {wanted[0]} didn't start: {reason}", "update the driver and its libraries")


def gpus() -> Iterator[Finding]:
    """NVIDIA's GPUs and their driver, as its own tool lists them."""
    yield from (Finding("GPU", gpu) for gpu in (() if programs is None else programs.nvidia_gpus()))


def searched(folders: Folders) -> list[Finding]:
    """The model folders, those that exist and those that don't."""
    hosted = [path for paths in folders.by_key.values() for path in paths]
    paths = dict.fromkeys([*hosted, *folders.plain])
    return [Finding("Models", f"{path}{'' if path.is_dir() else ' (no such folder)'}") for path in paths]


def weights(folders: Folders) -> list[Finding]:
    """The shipped weights, each compared with its SHA-256."""
    files = dict.fromkeys(file for model in MODELS for file in model.files if file.folders == (BUILTIN_FOLDER,))
    return [_weight(file, folders) for file in files]


def _weight(file: ModelFile, folders: Folders) -> Finding:
    cure = "install multifaceswap again"
    path = store.locate(file, folders)
    if path is None:
        return Finding("Weights", f"{file.name} is missing from {store.BUILTIN_PATH}", cure)
    try:
        verify(path, file)
    except (ModelError, OSError) as error:
        return Finding("Weights", str(error), cure)
    return Finding("Weights", f"{file.name} is intact")


def _pip(*words: str) -> str:
    return " ".join([sys.executable, "-m", "pip", *words])


def _extra(name: str) -> str:
    return _pip("install", f'"multifaceswap[{name}]"')
