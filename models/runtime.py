"""onnxruntime: providers, sessions, devices. The only importer of onnxruntime."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..pipeline.errors import DamagedModelError, EngineError, SettingsError

log = logging.getLogger(__name__)

_PROVIDERS = {
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
    "rocm": "ROCMExecutionProvider",
    "migraphx": "MIGraphXExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
DEVICES = ("auto", *_PROVIDERS)
"""What `device` accepts; `auto` takes the first of CUDA, ROCm, MIGraphX, CoreML, DirectML, CPU that is installed."""
_AUTO = ("cuda", "rocm", "migraphx", "coreml", "directml")


def available_providers() -> list[str]:
    """The providers that the installed onnxruntime was built with."""
    import onnxruntime

    return list(onnxruntime.get_available_providers())


def wanted_providers(device: str, available: Sequence[str]) -> list[str]:
    """The providers to ask for, best first, always ending in the CPU. `device` may carry a number: `cuda:1`."""
    name = device.partition(":")[0]
    if name not in DEVICES:
        raise SettingsError(f"device: expected one of {', '.join(DEVICES)} (or cuda:1 …), got {device!r}")
    names = _AUTO if name == "auto" else ((name, "cuda") if name == "tensorrt" else (name,))
    found = [_PROVIDERS[n] for n in names if _PROVIDERS[n] in available and n != "cpu"]
    return [*found, _PROVIDERS["cpu"]]


class Session:
    """One ONNX model, opened at first use, closable and opened again when needed. Safe to share between threads."""

    def __init__(self, path: Path, device: str = "cpu", *, threads: int = 0) -> None:
        self.path = path
        self.device = device
        self._threads = threads or os.cpu_count() or 1
        self._lock = Lock()
        self._session: Any = None

    @property
    def size_bytes(self) -> int:
        """Size of the weights: about what an open session takes on its device."""
        return self.path.stat().st_size

    @property
    def is_open(self) -> bool:
        return self._session is not None

    def open(self) -> Any:
        """Open the session if it isn't open; returns onnxruntime's own session object."""
        with self._lock:
            if self._session is None:
                self._session = self._create()
            return self._session

    def close(self) -> None:
        """Free the session's memory; the next run opens it again."""
        with self._lock:
            self._session = None

    @property
    def provider(self) -> str:
        """The provider that runs this model, e.g. `CUDAExecutionProvider`. Opens the session."""
        return str(self.open().get_providers()[0])

    def input_shapes(self) -> dict[str, list[Any]]:
        """Input names with their shapes; a free axis is a name or None. Opens the session."""
        return {node.name: list(node.shape) for node in self.open().get_inputs()}

    def run(self, feeds: dict[str, NDArray[Any]], outputs: Sequence[str] | None = None) -> list[NDArray[Any]]:
        """Run the model on arrays in host memory; all outputs, or those named, in order."""
        import onnxruntime.capi.onnxruntime_pybind11_state as ort

        session = self.open()
        try:
            return session.run(outputs, feeds)
        except (ort.Fail, ort.RuntimeException, ort.InvalidArgument) as error:
            raise EngineError(f"{self.path.name} failed on {session.get_providers()[0]}: {error}") from error

    def _create(self) -> Any:
        import onnxruntime
        import onnxruntime.capi.onnxruntime_pybind11_state as ort

        wanted = wanted_providers(self.device, onnxruntime.get_available_providers())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(
                str(self.path), options, providers=[(name, self._provider_options(name)) for name in wanted]
            )
        except (ort.InvalidProtobuf, ort.InvalidGraph, ort.NoSuchFile) as error:
            raise DamagedModelError(f"{self.path} is no usable ONNX model: {error}. Fetch it again.") from error
        except (ort.Fail, ort.RuntimeException, ort.NotImplemented, ort.EPFail) as error:
            raise EngineError(f"{self.path.name} can't be opened on {', '.join(wanted)}: {error}") from error
        self._tell_fallback(session.get_providers(), wanted)
        return session

    def _provider_options(self, provider: str) -> dict[str, str]:
        number = self.device.partition(":")[2]
        return {"device_id": number} if number and provider != _PROVIDERS["cpu"] else {}

    def _tell_fallback(self, running: Sequence[str], wanted: Sequence[str]) -> None:
        asked = self.device.partition(":")[0]
        if asked not in ("cpu", "auto") and running[0] != _PROVIDERS[asked]:
            log.warning("%s runs on %s, not %s: `multifaceswap doctor` says why", self.path.name, running[0], asked)
        elif running[0] != wanted[0]:
            log.warning("%s runs on %s: %s didn't start", self.path.name, running[0], wanted[0])


def contiguous(values: NDArray[Any]) -> NDArray[np.float32]:
    """float32 and C-contiguous, as onnxruntime takes arrays."""
    return np.ascontiguousarray(values, np.float32)
