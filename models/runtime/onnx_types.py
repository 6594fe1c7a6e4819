"""What is used of onnxruntime, which has no types of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]
"""Of any dtype and shape."""


class Node(Protocol):
    """An input or output of a graph, as onnxruntime describes it."""

    name: str
    shape: list[int | str | None]
    """A free axis is a name or None."""


class InferenceSession(Protocol):
    """What is used of onnxruntime's own session."""

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, Array]) -> Sequence[object]: ...

    def get_inputs(self) -> Sequence[Node]: ...

    def get_outputs(self) -> Sequence[Node]: ...

    def get_providers(self) -> list[str]: ...
