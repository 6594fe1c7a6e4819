"""torch: devices, and networks that open at first use and can be closed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from ...pipeline.errors import EngineError, MissingPackageError, OutOfMemoryError
from ...pipeline.types import FloatArray
from .checkpoints import load_into
from .devices import Running
from .memory_hook import MemoryHook
from .outputs import Origin, require_outputs
from .precision import exact_convolutions, half_type
from .signature import Shape
from .symptoms import first_line, lacks_memory

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

log = logging.getLogger(__name__)

_GPU_NAMES = ("auto", "cuda", "tensorrt", "rocm", "migraphx")
_APPLE_NAMES = ("auto", "coreml")


def torch_device(device: str, what: str = "this model") -> torch.device:
    """The torch device that serves a device name of `runtime.DEVICES`; the CPU, with a warning, where none does.

    torch's ROCm builds call their devices `cuda`, and Apple's GPU is `mps`; nothing of torch serves DirectML. Raises
    MissingPackageError where torch isn't installed: `what` needs it.
    """
    found = _chosen(device, what)
    if found.type == "cpu" and device.partition(":")[0] not in ("auto", "cpu"):
        log.warning("torch can't use %s here: its networks run on the CPU", device)
    return found


def _chosen(device: str, what: str) -> torch.device:
    try:
        import torch
    except ModuleNotFoundError as error:
        raise _lacking(what, error) from error
    name, _, number = device.partition(":")
    if name in _GPU_NAMES and torch.cuda.is_available():
        return torch.device(f"cuda:{number}" if number else "cuda")
    if name in _APPLE_NAMES and torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def _lacking(what: str, error: ModuleNotFoundError) -> MissingPackageError:
    return MissingPackageError(f"{what} needs the package {error.name}: pip install 'multifaceswap[models]'")


class TorchNetwork:
    """A network and its weight file, opened at first use, closable and opened again when needed. Safe between threads.

    `build` makes the empty network; `what` names it in errors; `memory_hook` is called before every run.
    """

    def __init__(
        self,
        path: Path,
        build: Callable[[], nn.Module],
        device: str = "cpu",
        *,
        what: str,
        memory_hook: MemoryHook | None = None,
    ) -> None:
        self.path = path
        self.device = device
        self.working_bytes = 0
        self.what = what
        """Names the network in errors."""
        self._build = build
        self._memory_hook = memory_hook
        self._lock = Lock()
        self._module: nn.Module | None = None
        self._state = Running(path.name, "")

    @property
    def state(self) -> Running:
        """What runs this network, or ran it before it was closed; empty where it was never opened."""
        return self._state

    @property
    def size_bytes(self) -> int:
        """Size of the weight file: about what the open network takes on its device."""
        return self.path.stat().st_size

    @property
    def is_open(self) -> bool:
        return self._module is not None

    @property
    def runs_on(self) -> str:
        """The device asked for, or `cpu` where torch has no other for it. Raises MissingPackageError."""
        device = self._state.provider or _chosen(self.device, self.what).type
        return "cpu" if device == "cpu" else self.device

    def open(self) -> nn.Module:
        """The network in evaluation mode on its device. Raises DamagedModelError, EngineError."""
        if self._memory_hook is not None:
            self._memory_hook(self)
        with self._lock:
            if self._module is None:
                self._module = self._create()
            return self._module

    def close(self) -> None:
        """Free the network's memory; the next run opens it again."""
        with self._lock:
            self._module = None

    def run(
        self, images: FloatArray, wanted: Sequence[Shape], *, half: bool = False, **arguments: float
    ) -> list[NDArray[np.float32]]:
        """The first outputs, which must have the shapes `wanted`, for a batch (N, C, H, W), as arrays in host memory.

        In full float32 precision; with `half` in bfloat16 where the device computes that at full speed. `arguments`
        are the network's own. Raises OutOfMemoryError, EngineError, and as `require_outputs` does.
        """
        # Before torch is imported: this one says how to install it.
        module = self.open()
        import torch

        device = next(module.parameters()).device
        short = half_type(device) if half else None
        mixed = nullcontext() if short is None else torch.autocast(device.type, short)
        try:
            with torch.inference_mode(), exact_convolutions(device), mixed:
                outputs = module(torch.as_tensor(np.ascontiguousarray(images, np.float32)).to(device), **arguments)
                found = [_as_array(output) for output in _listed(outputs)[: len(wanted)]]
        except RuntimeError as error:  # torch's out-of-memory error is one of these
            raise self._failed(device, str(error)) from error
        return require_outputs(found, wanted, Origin(self.path, str(device)))

    def _failed(self, device: torch.device, text: str) -> EngineError:
        kind = OutOfMemoryError if lacks_memory(text) else EngineError
        return kind(f"{self.what} failed on {device}: {first_line(text)}")

    def _create(self) -> nn.Module:
        try:
            module = self._load()
        except ModuleNotFoundError as error:
            raise _lacking(self.what, error) from error
        device = torch_device(self.device, self.what)
        self._state = Running(self.path.name, str(device))
        return module.to(device).train(False)

    def _load(self) -> nn.Module:
        module = self._build()
        load_into(module, self.path, self.what)
        return module


def _listed(outputs: object) -> Sequence[Tensor]:
    return cast("Sequence[Tensor]", outputs if isinstance(outputs, (tuple, list)) else [outputs])


def _as_array(output: Tensor) -> NDArray[np.generic]:
    # NumPy has no bfloat16.
    return (output.float() if output.is_floating_point() else output).cpu().numpy()
