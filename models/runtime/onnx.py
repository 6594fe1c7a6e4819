"""onnxruntime: sessions and runs. The only importer of onnxruntime."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...pipeline.errors import DamagedModelError, EngineError, OutOfMemoryError
from ...pipeline.quotes import excerpt, named
from .devices import (
    CPU,
    CUDA,
    DEVICES,
    DIRECTML,
    TENSORRT,
    Running,
    engine_cache,
    provider_options,
    summary,
    threads,
    wanted_providers,
    why_not,
)
from .memory_hook import MemoryHook, Network
from .onnx_types import Array, InferenceSession, as_declared
from .outputs import Origin, require_outputs, require_possible
from .probe import has_nvidia_driver
from .signature import Shape
from .symptoms import first_line, lacks_memory

if TYPE_CHECKING:
    from onnxruntime import SessionOptions

__all__ = ["DEVICES", "Session", "UsesSessions", "available_providers", "contiguous", "report", "wanted_providers"]

log = logging.getLogger(__name__)

_NO_GRAPH = "does not have a graph"  # in older releases an empty file is a failure like any other
_ROWS = 16
"""Most rows that one run takes of a batch."""


def available_providers() -> list[str]:
    """The providers that the installed onnxruntime was built with, best first."""
    import onnxruntime

    return list(onnxruntime.get_available_providers())


def usable_providers(device: str) -> list[str]:
    """Those of `available_providers` to choose from: `auto` doesn't try CUDA on a machine without NVIDIA's driver."""
    available = available_providers()
    if device != "auto" or has_nvidia_driver():
        return available
    return [provider for provider in available if provider not in (CUDA, TENSORRT)]


def likely_provider(device: str) -> str:
    """The provider that runs models on a device, as far as what is installed tells; some don't start all the same."""
    known = wanted_providers(device, available_providers())
    return next(name for name in known if name not in (CUDA, TENSORRT) or has_nvidia_driver())


class Session:
    """One ONNX model, opened at first use, closable and opened again when needed. Safe to share between threads.

    Whatever opens it raises DamagedModelError where the file is no ONNX model, EngineError where nothing can run it,
    SettingsError for an unknown device, and what the memory hook raises.
    """

    def __init__(
        self, path: Path, device: str = "cpu", *, threads: int = 0, memory_hook: MemoryHook | None = None
    ) -> None:
        """`threads` a run, 0 for as many as suit the machine; `memory_hook` is called before every run."""
        self.path = path
        self.device = device
        self.working_bytes = 0
        self._threads = threads
        self._memory_hook = memory_hook
        self._lock = Lock()
        self._session: InferenceSession | None = None
        self._state = Running(path.name, "")

    @property
    def size_bytes(self) -> int:
        """Size of the weights: about what an open session takes on its device."""
        return self.path.stat().st_size

    @property
    def is_open(self) -> bool:
        return self._session is not None

    @property
    def runs_on(self) -> str:
        """The device asked for, or `cpu` where that ran the model last or, before the first time, is all there is."""
        provider = self._state.provider or likely_provider(self.device)
        return "cpu" if provider == CPU else self.device

    def open(self) -> InferenceSession:
        """Open the session if it isn't open; returns onnxruntime's own session object."""
        if self._memory_hook is not None:
            self._memory_hook(self)
        with self._lock:
            if self._session is None:
                self._session = self._create()
            return self._session

    def close(self) -> None:
        """Free the session's memory once runs in progress are done; the next run opens it again."""
        with self._lock:
            self._session = None

    @property
    def state(self) -> Running:
        """What runs this model, or ran it before it was closed; its provider is empty where it was never opened."""
        return self._state

    @property
    def provider(self) -> str:
        """The provider that runs this model, e.g. `CUDAExecutionProvider`. Opens the session."""
        return self.open().get_providers()[0]

    def input_shapes(self) -> dict[str, list[int | str | None]]:
        """Input names with their shapes; a free axis is a name or None. Opens the session."""
        return {node.name: list(node.shape) for node in self.open().get_inputs()}

    def output_names(self) -> list[str]:
        """In the graph's order. Opens the session."""
        return [node.name for node in self.open().get_outputs()]

    def run(
        self,
        feeds: Mapping[str, Array],
        wanted: Sequence[Shape],
        *,
        names: Sequence[str] | None = None,
        any_order: bool = False,
        whole: bool = False,
    ) -> list[NDArray[np.float32]]:
        """Outputs of the shapes `wanted`, in this order, as float32 for arrays in host memory.

        They are those of `names`, without names the graph's first ones, and with `any_order` whichever have the shapes.
        `whole`: they are whole numbers, not floats. Floats are fed in the precision that the graph declares.
        Raises EngineError, OutOfMemoryError, and as `require_outputs` does.
        """
        session = self.open()
        origin = Origin(self.path, session.get_providers()[0].removesuffix("ExecutionProvider"))
        known = {node.name: node.shape for node in session.get_outputs()}
        asked = list(known)[: None if any_order else len(wanted)] if names is None else list(names)
        if not any_order:
            require_possible([known.get(name, []) for name in asked], wanted, origin)
        given = as_declared(feeds, session.get_inputs())
        found = self._guarded(session, lambda: session.run(asked, given))
        return require_outputs(found, wanted, origin, any_order=any_order, whole=whole)

    def run_batched(
        self,
        feeds: Mapping[str, Array],
        wanted: Sequence[Shape],
        *,
        names: Sequence[str] | None = None,
        rows: int = _ROWS,
        whole: bool = False,
    ) -> list[NDArray[np.float32]]:
        """`run` over batches of any length N ≥ 1, the first axis of all feeds, and of all outputs, which `wanted`
        leaves out.

        At most `rows` at once where the graph leaves its batch axes free, else as many as it was made for.
        """
        shapes = self.input_shapes()
        fixed = [side for side in (shapes[name][0] for name in feeds) if isinstance(side, int) and side > 0]
        step = min([*fixed, rows])
        total = len(next(iter(feeds.values())))

        def part(at: int) -> list[NDArray[np.float32]]:
            length = min(step, total - at)
            taken = {name: values[at : at + length] for name, values in feeds.items()}
            return self.run(taken, [(length, *shape) for shape in wanted], names=names, whole=whole)

        parts = list(map(part, range(0, total, step)))
        return parts[0] if len(parts) == 1 else [np.concatenate(column) for column in zip(*parts, strict=True)]

    def _guarded(self, session: InferenceSession, work: Callable[[], Sequence[object]]) -> Sequence[object]:
        import onnxruntime.capi.onnxruntime_pybind11_state as ort

        try:
            return work()
        except (ort.Fail, ort.RuntimeException, ort.InvalidArgument, ort.NotImplemented, ort.EPFail) as error:
            raise self._failed(session, error) from error
        except (RuntimeError, ValueError) as error:  # onnxruntime's own of Python: an input that isn't fed, too
            raise self._failed(session, error) from error

    def _failed(self, session: InferenceSession, error: Exception) -> EngineError:
        provider, text = session.get_providers()[0], str(error)
        kind = OutOfMemoryError if lacks_memory(text) else EngineError
        return kind(f"{self.path.name} failed on {provider}: {first_line(text)}")

    def _create(self) -> InferenceSession:
        available = usable_providers(self.device)
        wanted = wanted_providers(self.device, available)
        _prepare(tuple(wanted))
        failures: list[str] = []
        session = self._start(wanted, failures)
        while session is None:
            wanted = wanted[1:]
            session = self._start(wanted, failures)
        provider = session.get_providers()[0]
        self._state = Running(self.path.name, provider, why_not(self.device, available, provider, failures))
        if self._state.why:
            log.warning("%s", summary([self._state])[0])
        return session

    def _start(self, wanted: Sequence[str], failures: list[str]) -> InferenceSession | None:
        """A session on these providers, or None where the first of them, noted in `failures`, can't start."""
        import onnxruntime
        import onnxruntime.capi.onnxruntime_pybind11_state as ort

        providers = [(name, provider_options(name, self.device)) for name in wanted]
        try:
            return onnxruntime.InferenceSession(
                str(self.path), self._options(wanted[0]), providers=providers, enable_fallback=0
            )
        except (ort.InvalidProtobuf, ort.InvalidGraph, ort.InvalidArgument, ort.NoSuchFile) as error:
            raise self._damaged(error) from error
        except (ort.Fail, ort.RuntimeException, ort.NotImplemented, ort.EPFail, RuntimeError, ValueError) as error:
            if _NO_GRAPH in str(error):
                raise self._damaged(error) from error
            if wanted[0] == CPU:
                raise EngineError(f"{self.path.name} can't be opened: {first_line(str(error))}") from error
            failures.append(first_line(str(error)))
            return None

    def _damaged(self, error: Exception) -> DamagedModelError:
        return DamagedModelError(f"{named(self.path)} is no usable ONNX model: {excerpt(error)}. Fetch it again.")

    def _options(self, provider: str) -> SessionOptions:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads or threads()
        # Threads that wait for work give their processor to others: several networks and codecs share it.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4  # its errors are raised too: each is said once
        if provider == DIRECTML:
            # DirectML allocates for itself and refuses both.
            options.enable_mem_pattern = False
            options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        return options


@runtime_checkable
class UsesSessions(Protocol):
    """An adapter that says which sessions it runs."""

    @property
    def sessions(self) -> tuple[Network, ...]: ...


def report(adapters: Sequence[object]) -> list[str]:
    """Lines that say on which device each model ran that was opened, and why where that isn't what was asked for."""
    sessions = [session for adapter in adapters if isinstance(adapter, UsesSessions) for session in adapter.sessions]
    return summary([session.state for session in sessions if session.state.provider])


def contiguous(values: Array) -> NDArray[np.float32]:
    """float32 and C-contiguous, as onnxruntime takes arrays."""
    return np.ascontiguousarray(values, np.float32)


@cache
def _prepare(providers: tuple[str, ...]) -> None:
    """Once a process: make the CUDA libraries known that came with torch or as wheels, and a place for engines."""
    import onnxruntime

    if TENSORRT in providers:
        engine_cache().mkdir(parents=True, exist_ok=True)
    if {CUDA, TENSORRT} & set(providers) and hasattr(onnxruntime, "preload_dlls"):
        said = StringIO()
        # It prints what it can't find; whether that matters shows when CUDA starts.
        with redirect_stdout(said):
            onnxruntime.preload_dlls()
        log.debug("%s", said.getvalue())
