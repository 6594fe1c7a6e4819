"""Devices by name: which providers to ask onnxruntime for, with which options, on how many threads."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ...media.environment import variables
from ...pipeline.errors import SettingsError
from ...pipeline.quotes import quoted
from ..caches import cache_folder

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
DIRECTML = "DmlExecutionProvider"
_PROVIDERS: dict[str, tuple[str, ...]] = {
    "cuda": (CUDA,),
    "tensorrt": (TENSORRT, CUDA),
    # onnxruntime dropped the ROCm provider in 1.23: AMD's GPUs are MIGraphX's there.
    "rocm": ("ROCMExecutionProvider", "MIGraphXExecutionProvider"),
    "migraphx": ("MIGraphXExecutionProvider",),
    "coreml": ("CoreMLExecutionProvider",),
    "directml": (DIRECTML,),
    "cpu": (),
}
DEVICES = ("auto", *_PROVIDERS)
"""What `device` accepts; `auto` takes the first of CUDA, ROCm, MIGraphX, CoreML, DirectML, CPU that is installed."""
_AUTO = ("cuda", "rocm", "migraphx", "coreml", "directml")
_NUMBERED = frozenset({CUDA, TENSORRT, "ROCMExecutionProvider", "MIGraphXExecutionProvider", DIRECTML})
"""Providers that know several devices."""
_MOST_THREADS = 16
"""More don't make networks of this size faster."""


class Running(NamedTuple):
    """What runs a model."""

    model: str
    """Name of its file."""
    provider: str
    why: str = ""
    """Why this isn't the device that was asked for; empty where it is."""


def providers_of(device: str) -> tuple[str, ...]:
    """The providers that a device's name stands for, best first, without the CPU's. Raises SettingsError."""
    name, _, number = device.partition(":")
    if name not in DEVICES or (number and not number.isdecimal()):
        raise SettingsError(f"device: expected one of {', '.join(DEVICES)} (or cuda:1 …), got {quoted(device)}")
    names = _AUTO if name == "auto" else (name,)
    return tuple(dict.fromkeys(provider for n in names for provider in _PROVIDERS[n]))


def wanted_providers(device: str, available: Sequence[str]) -> list[str]:
    """The providers to ask for, best first, always ending in the CPU. `device` may carry a number: `cuda:1`.

    Raises SettingsError for other names.
    """
    return [*(provider for provider in providers_of(device) if provider in available), CPU]


def provider_options(provider: str, device: str) -> dict[str, str]:
    """The options that onnxruntime gets for a provider."""
    number = device.partition(":")[2]
    options = {"device_id": number} if number and provider in _NUMBERED else {}
    if provider == CUDA:
        # The default doubles what is held at every step; ComfyUI's own models need the memory too.
        options["arena_extend_strategy"] = "kSameAsRequested"
    if provider == TENSORRT:
        # Building an engine takes minutes: once a machine is enough.
        options |= {"trt_engine_cache_enable": "1", "trt_engine_cache_path": str(engine_cache())}
    return options


def engine_cache() -> Path:
    """Where TensorRT keeps the engines that it built."""
    return cache_folder() / "tensorrt"


def why_not(device: str, available: Sequence[str], running: str, failures: Sequence[str]) -> str:
    """Why `running` isn't what `device` asked for, from what the providers said that didn't start; or nothing."""
    asked = providers_of(device)
    if not asked or running == asked[0]:
        return ""
    wanted = [provider for provider in asked if provider in available]
    if not wanted:
        return "" if device == "auto" else f"{device} was asked for, but the installed onnxruntime has no {asked[0]}"
    if running == wanted[0]:
        return "" if device == "auto" else f"the installed onnxruntime has no {asked[0]}"
    reason = f": {failures[0]}" if failures else ""
    return f"{wanted[0]} didn't start{reason}; `multifaceswap doctor --device {device}` says what to do"


def threads() -> int:
    """How many threads suit a network: the processors this process may use, `OMP_NUM_THREADS` at most, 16 at most."""
    limits = [_usable(), _MOST_THREADS]
    asked = variables().get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked):
        limits.append(int(asked))
    return min(limits)


def _usable() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1


def summary(states: Sequence[Running]) -> list[str]:
    """A line a provider and reason: which models run there."""
    groups: dict[tuple[str, str], list[str]] = {}
    for state in dict.fromkeys(states):
        groups.setdefault((state.provider, state.why), []).append(state.model)
    return [f"{_listed(models)} on {_line(*group)}" for group, models in groups.items()]


def _listed(models: Sequence[str]) -> str:
    return f"{', '.join(models)} {'runs' if len(models) == 1 else 'run'}"


def _line(provider: str, why: str) -> str:
    name = provider.removesuffix("ExecutionProvider")
    return f"{name} ({why})" if why else name
