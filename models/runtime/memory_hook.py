"""What is common to the networks of all runtimes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .devices import Running


class Network(Protocol):
    """What opens at first use and can be closed at any time: the next run opens it again."""

    @property
    def size_bytes(self) -> int: ...

    @property
    def working_bytes(self) -> int:
        """What a run takes beside the weights; 0 where that is little."""
        ...

    @property
    def state(self) -> Running:
        """What runs it, or ran it before it was closed; its provider is empty where it was never opened."""
        ...

    @property
    def is_open(self) -> bool: ...

    @property
    def runs_on(self) -> str:
        """`cpu`, or the device asked for: where the network runs or ran last, or is likely to run the first time."""
        ...

    def close(self) -> None: ...


MemoryHook = Callable[[Network], None]
"""A host that keeps several programs' models on one device, such as ComfyUI. Called with a network right before it
runs, open or not: it may free memory, may raise to cancel, and may close the network later. Must not open it."""
