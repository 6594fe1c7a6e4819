"""Tiny ONNX files with the inputs and outputs of the published ones, and numbers that follow from a seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

IDENTITY = 512
FLOAT = TensorProto.FLOAT


def swapper(
    path: Path,
    *,
    size: int = 128,
    seed: int = 7,
    mean: float = 0.0,
    std: float = 1.0,
    map_name: str = "buff2fs",
    rows: int | str = 1,
    mask: bool = False,
    extra_tables: int = 0,
) -> Path:
    """Mixes half of the face with half of a colour that follows from the identity: clip(x/2 + sigmoid(W·source)/2).

    `mask` adds an output `mask`: the face's first channel. The map of 512 × 512, which no node uses, comes last but for
    `extra_tables`.
    """
    random = np.random.RandomState(seed)
    to_colour = (random.standard_normal((IDENTITY, 3)) * 2).astype(np.float32)
    table = np.linalg.qr(random.standard_normal((IDENTITY, IDENTITY)))[0].astype(np.float32)
    nodes = [
        helper.make_node("MatMul", ["source", "W"], ["lc"]),
        helper.make_node("Sigmoid", ["lc"], ["sg"]),
        helper.make_node("Reshape", ["sg", "shape"], ["colour"]),
        helper.make_node("Mul", ["target", "std"], ["t0"]),
        helper.make_node("Add", ["t0", "mean"], ["t1"]),
        helper.make_node("Mul", ["t1", "half"], ["t2"]),
        helper.make_node("Mul", ["colour", "half"], ["c2"]),
        helper.make_node("Add", ["t2", "c2"], ["t3"]),
        helper.make_node("Clip", ["t3", "zero", "one"], ["t4"]),
        helper.make_node("Sub", ["t4", "mean"], ["t5"]),
        helper.make_node("Div", ["t5", "std"], ["output"]),
    ]
    tables = {"W": to_colour, "shape": np.array([-1, 3, 1, 1], np.int64)}
    constants = {"std": std, "mean": mean, "half": 0.5, "zero": 0, "one": 1}
    tables |= {name: np.float32(v) for name, v in constants.items()}
    outputs = [helper.make_tensor_value_info("output", FLOAT, [rows, 3, size, size])]
    if mask:
        tables |= {"first": np.array([0], np.int64)}
        nodes.append(helper.make_node("Gather", ["t1", "first"], ["mask"], axis=1))
        outputs.append(helper.make_tensor_value_info("mask", FLOAT, [rows, 1, size, size]))
    if map_name:
        tables[map_name] = table
    tables |= {f"other{number}": table * (number + 2) for number in range(extra_tables)}
    inputs = [
        helper.make_tensor_value_info("target", FLOAT, [rows, 3, size, size]),
        helper.make_tensor_value_info("source", FLOAT, [rows, IDENTITY]),
    ]
    return _save(path, nodes, inputs, outputs, tables)


def pooled(
    path: Path,
    *,
    size: int = 112,
    numbers: int = IDENTITY,
    name: str = "input.1",
    output: str = "683",
    seed: int = 21,
    scale: float = 4.0,
    bias: tuple[float, ...] = (),
    rows: int | str = "None",
) -> Path:
    """(N, 3, size, size) averaged to 8 × 8 and multiplied by a table: stands for networks that describe a face."""
    length = 3 * 8 * 8
    table = np.random.RandomState(seed).standard_normal((length, numbers)) * scale / np.sqrt(length)
    tables = {"W": table.astype(np.float32), "b": np.array(bias or (0.0,) * numbers, np.float32)}
    step = [size // 8, size // 8]
    nodes = [
        helper.make_node("AveragePool", [name], ["p"], kernel_shape=step, strides=step),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "W", "b"], [output]),
    ]
    inputs = [helper.make_tensor_value_info(name, FLOAT, [rows, 3, size, size])]
    outputs = [helper.make_tensor_value_info(output, FLOAT, [rows, numbers])]
    return _save(path, nodes, inputs, outputs, tables)


def _save(path, nodes, inputs, outputs, tables):
    stored = [numpy_helper.from_array(np.ascontiguousarray(values), name) for name, values in tables.items()]
    graph = helper.make_graph(nodes, "standin", inputs, outputs, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(model, str(path))
    return path
