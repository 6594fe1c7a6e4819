"""Makes the networks of a device: one a file, however many models use it, and none that runs behind the host's back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast
from weakref import WeakValueDictionary

from .devices import Running
from .memory_hook import MemoryHook, Network
from .onnx import Session

if TYPE_CHECKING:
    from torch import nn

    from .torch import TorchNetwork

T = TypeVar("T", bound=Network)


class SessionRegistry:
    """The networks of one device; those that nobody uses any more are let go of."""

    def __init__(self, device: str = "cpu", memory_hook: MemoryHook | None = None) -> None:
        self.device = device
        self.memory_hook = memory_hook
        self._known: WeakValueDictionary[Path, Network] = WeakValueDictionary()

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
        known = self._known.get(path)
        if known is not None:
            return cast(T, known)
        network = self._known[path] = make()
        return network

    def running(self) -> list[Running]:
        """What runs the networks that were opened so far."""
        states = [network.state for network in list(self._known.values())]
        return [state for state in states if state.provider]

    def close(self) -> None:
        """Close every network that is still in use; whoever uses one later opens it again."""
        for network in list(self._known.values()):
            network.close()
