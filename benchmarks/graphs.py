"""ONNX graphs of random weights: they cost what a published network costs and know nothing."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper, save

Shape = Sequence[int | str]


class Graph:
    """Nodes in the order in which they are added; values are known by name."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._tables: list[TensorProto] = []
        self._random = np.random.default_rng(0)
        self._inputs: list[ValueInfoProto] = []
        self._outputs: list[ValueInfoProto] = []

    def input(self, name: str, shape: Shape) -> str:
        self._inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
        return name

    def output(self, value: str, name: str, shape: Shape) -> None:
        self.add("Identity", value, name=name)
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))

    def constant(self, values: Any, dtype: type = np.float32, name: str | None = None) -> str:
        name = name or f"w{len(self._tables)}"
        self._tables.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def random(self, *shape: int, spread: float, name: str | None = None) -> str:
        return self.constant(self._random.standard_normal(shape, np.float32) * np.float32(spread), name=name)

    def add(self, kind: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:
        name = name or f"v{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def conv(self, x: str, taken: int, given: int, side: int = 3, *, stride: int = 1, pad: int | None = None) -> str:
        """A convolution with bias, its weights spread so that values keep their size."""
        weights = self.random(given, taken, side, side, spread=sqrt(2 / (taken * side * side)))
        bias = self.random(given, spread=0.01)
        pads = [side // 2 if pad is None else pad] * 4
        return self.add("Conv", x, weights, bias, kernel_shape=[side] * 2, strides=[stride] * 2, pads=pads)

    def dense(self, x: str, taken: int, given: int) -> str:
        weights = self.random(taken, given, spread=sqrt(1 / taken))
        return self.add("Gemm", x, weights, self.random(given, spread=0.01))

    def prelu(self, x: str, channels: int) -> str:
        return self.add("PRelu", x, self.random(channels, 1, 1, spread=0.1))

    def norm(self, x: str, channels: int) -> str:
        """Batch normalisation with random scales, as graphs hold it where no convolution precedes it."""
        scale, shift = (self.random(channels, spread=0.1) for _ in range(2))
        mean, variance = self.constant(np.zeros(channels)), self.constant(np.ones(channels))
        return self.add("BatchNormalization", x, scale, shift, mean, variance)

    def save(self, path: Path) -> Path:
        graph = helper.make_graph(self._nodes, path.stem, self._inputs, self._outputs, self._tables)
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))
        return path
