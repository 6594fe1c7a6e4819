"""What is used of onnxruntime, which has no types of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.generic]
"""Of any dtype and shape."""


class Node(Protocol):
    """An input or output of a graph, as onnxruntime describes it."""

    name: str
    type: str
    """E.g. `tensor(float16)`."""
    shape: list[int | str | None]
    """A free axis is a name or None."""


class InferenceSession(Protocol):
    """What is used of onnxruntime's own session."""

    def run(self, output_names: Sequence[str] | None, input_feed: Mapping[str, Array]) -> Sequence[object]: ...

    def get_inputs(self) -> Sequence[Node]: ...

    def get_outputs(self) -> Sequence[Node]: ...

    def get_providers(self) -> list[str]: ...


_FLOATS: Final = MappingProxyType(
    {"tensor(float16)": np.dtype(np.float16), "tensor(float)": np.dtype(np.float32), "tensor(double)": np.dtype(float)}
)


def as_declared(feeds: Mapping[str, Array], inputs: Sequence[Node]) -> dict[str, Array]:
    """The feeds, floats in the precision that each of the graph's inputs declares: published files differ in it."""
    declared = {node.name: _FLOATS[node.type] for node in inputs if node.type in _FLOATS}
    return {
        name: values.astype(declared[name], copy=False) if values.dtype.kind == "f" and name in declared else values
        for name, values in feeds.items()
    }
