"""Spoils what small ONNX networks give: NaN and infinity, other shapes and types, outputs too few and too many."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
from onnx import TensorProto, helper, load, numpy_helper, save

NUMBERS = ("nan", "inf", "-inf", "one nan", "overflow")
"""Outputs of the right shape that aren't finite."""
SHAPES = ("flat", "rank 2", "rank 5", "one channel", "no rows", "seven rows", "twice", "half", "scalar")
TYPES = ("int64", "text", "bool")


def spoil(path: Path, how: str, *, output: int = 0, declared: bool = False) -> Path:
    """Change what the n-th output of a graph is; `declared` says so of it, else nothing is said of its shape."""
    model = load(str(path))
    graph = model.graph
    name = graph.output[output].name
    for node in graph.node:
        node.output[:] = [f"{given}_raw" if given == name else given for given in node.output]
        node.input[:] = [f"{taken}_raw" if taken == name else taken for taken in node.input]
    shape = [side.dim_value or 1 for side in graph.output[output].type.tensor_type.shape.dim]
    nodes, tables, kind = _steps(f"{name}_raw", name, how, shape)
    graph.node.extend(nodes)
    graph.initializer.extend(numpy_helper.from_array(np.asarray(value), key) for key, value in tables.items())
    if not declared:
        graph.output[output].CopyFrom(helper.make_tensor_value_info(name, kind, None))
    save(model, str(path))
    return path


def add_output(path: Path) -> Path:
    """An output more than there was."""
    model = load(str(path))
    model.graph.node.append(helper.make_node("Constant", [], ["surplus"], value_float=float("nan")))
    model.graph.output.append(helper.make_tensor_value_info("surplus", TensorProto.FLOAT, []))
    save(model, str(path))
    return path


def drop_output(path: Path, output: int) -> Path:
    model = load(str(path))
    del model.graph.output[output]
    save(model, str(path))
    return path


def _steps(raw: str, name: str, how: str, shape: list[int]):
    """Nodes from the raw output to the spoilt one, their constants, and the type of what they give."""
    rest = shape[1:]
    scaled = {"nan": np.nan, "inf": np.inf, "-inf": -np.inf, "1e30": 1e30, "1e7": 1e7, "one": 1.0}
    if how in scaled:
        zero, odd, none = (f"{part}_{name}" for part in ("zero", "odd", "none"))
        steps = [helper.make_node("Mul", [raw, zero], [none]), helper.make_node("Add", [none, odd], [name])]
        return steps, {zero: np.float32(0), odd: np.float32(scaled[how])}, TensorProto.FLOAT
    if how == "one nan":
        odd = np.zeros(shape, np.float32)
        odd.flat[-1] = np.nan
        return [helper.make_node("Add", [raw, "odd_"], [name])], {"odd_": odd}, TensorProto.FLOAT
    if how == "overflow":
        half = [helper.make_node("Mul", [raw, "large_"], ["big_"])]
        half.append(helper.make_node("Cast", ["big_"], [name], to=TensorProto.FLOAT16))
        return half, {"large_": np.float32(1e9)}, TensorProto.FLOAT16
    if how in ("int64", "text", "bool"):
        kind = {"int64": TensorProto.INT64, "text": TensorProto.STRING, "bool": TensorProto.BOOL}[how]
        return [helper.make_node("Cast", [raw], [name], to=kind)], {}, kind
    if how in ("seven rows", "twice", "huge"):
        times = {"seven rows": [7, *[1] * len(rest)], "twice": [*[1] * (len(shape) - 1), 2], "huge": [1, 1, 157, 157]}
        return [helper.make_node("Tile", [raw, "times_"], [name])], {"times_": np.int64(times[how])}, TensorProto.FLOAT
    if how in ("no rows", "half", "one channel"):
        axis, end = {"no rows": (0, 0), "half": (-1, shape[-1] // 2), "one channel": (1, 1)}[how]
        tables = {"from_": np.int64([0]), "to_": np.int64([end]), "axis_": np.int64([axis])}
        return [helper.make_node("Slice", [raw, "from_", "to_", "axis_"], [name])], tables, TensorProto.FLOAT
    wanted = {"flat": [-1], "rank 2": [1, -1], "rank 5": [1, *shape[:1], -1, 1, 1]}
    if how == "scalar":
        return [helper.make_node("ReduceMax", [raw], [name], keepdims=0)], {}, TensorProto.FLOAT
    nodes = [helper.make_node("Reshape", [raw, "shape_"], [name])]
    return nodes, {"shape_": np.int64(wanted[how])}, TensorProto.FLOAT
