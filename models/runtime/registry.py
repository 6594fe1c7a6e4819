"""Makes the networks of a device: one a file, however many models use it, and none that runs behind the host's back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from weakref import WeakValueDictionary

from .onnx import Session

if TYPE_CHECKING:
    from torch import nn

    from .torch import TorchNetwork

T = TypeVar("T")


class Network(Protocol):
    """What opens at first use and can be closed at any time: the next run opens it again."""

    @property
    def device(self) -> str: ...

    @property
    def size_bytes(self) -> int: ...

    @property
    def working_bytes(self) -> int:
        """What a run takes beside the weights; 0 where that is little."""
        ...

    @property
    def is_open(self) -> bool: ...

    def open(self) -> Any: ...

    def close(self) -> None: ...


MemoryHook = Callable[[Network], None]
"""A host that keeps several programs' models on one device, such as ComfyUI. Called with a network right before it
runs, open or not: it may free memory, may raise to cancel, and may close the network later. Must not open it."""


class SessionRegistry:
    """The networks of one device; those that nobody uses any more are let go of."""

    def __init__(self, device: str = "cpu", memory_hook: MemoryHook | None = None) -> None:
        self.device = device
        self.memory_hook = memory_hook
        self._known: WeakValueDictionary[Path, Any] = WeakValueDictionary()

    def session(self, path: Path, threads: int = 0) -> Session:
        """The onnxruntime session of a file; `threads` a run, 0 for as many as suit the machine."""
        return self.shared(path, lambda: Session(path, self.device, threads=threads, memory_hook=self.memory_hook))

    def torch(self, path: Path, build: Callable[[], nn.Module], what: str) -> TorchNetwork:
        """The torch network of a weight file: see TorchNetwork."""
        from .torch import TorchNetwork

        return self.shared(
            path, lambda: TorchNetwork(path, build, self.device, what=what, memory_hook=self.memory_hook)
        )

    def shared(self, path: Path, make: Callable[[], T]) -> T:
        """The network of a file, which `make` makes where no model uses it yet.

        A file has one kind of network: everyone who shares one makes it the same way.
        """
        network = self._known.get(path)
        if network is None:
            network = self._known[path] = make()
        return network

    def close(self) -> None:
        """Close every network that is still in use; whoever uses one later opens it again."""
        for network in list(self._known.values()):
            network.close()
