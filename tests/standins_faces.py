"""Tiny ONNX files with the inputs, outputs and types of published detectors, and arithmetic that tests can follow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
from onnx import TensorProto, checker, helper, numpy_helper, save

FLOAT = TensorProto.FLOAT
COLOURS = {8: (1, -1, -1), 16: (1, 1, -1), 32: (-1, 1, -1)}
"""By stride, the colour in RGB that stands for a face: red, yellow, green (1 = full, -1 = none). None of them looks the
same with red and blue exchanged."""
OBJECT = 0.81
"""How sure the stand-in of YuNet is of objects anywhere."""
SHIFT, EXTENT = (0.5, 0.25), (4.0, 5.0)
"""Of a found face, in strides: its middle from its cell's corner, its width and height."""
POINTS = (-1.0, -0.6, 1.0, -0.6, 0.0, 0.35, -0.8, 1.4, 0.8, 1.4)
"""Its landmarks, from its cell's corner in strides."""


def save_graph(path: Path, nodes, inputs, outputs, tables) -> Path:
    """Write a checked graph; inputs and outputs are (name, type, shape)."""
    stored = [numpy_helper.from_array(np.array(values, order="C"), name) for name, values in tables.items()]
    ports = [[helper.make_tensor_value_info(*port) for port in ports] for ports in (inputs, outputs)]
    graph = helper.make_graph(nodes, "standin", *ports, stored)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(model, str(path))
    return path


def _scores(stride: int, name: str, full: float):
    """Nodes and tables of the score (1, 1, H / stride, W / stride) of each cell, from BGR of 0 to `full`."""
    colour = np.float32(COLOURS[stride][::-1])
    tables = {
        f"K{stride}": (colour / full).reshape(1, 3, 1, 1),
        f"b{stride}": np.float32([0.5 - (colour > 0).sum()]),
        f"steep{stride}": np.float32(20),
    }
    window = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
    nodes = [
        helper.make_node("Conv", [name, f"K{stride}", f"b{stride}"], [f"m{stride}"], kernel_shape=[1, 1]),
        helper.make_node("AveragePool", [f"m{stride}"], [f"p{stride}"], **window),
        helper.make_node("Mul", [f"p{stride}", f"steep{stride}"], [f"q{stride}"]),
        helper.make_node("Sigmoid", [f"q{stride}"], [f"s{stride}"]),
    ]
    return nodes, tables


def yunet(path: Path, *, height: int | str = "height", width: int | str = "width", names: bool = True) -> Path:
    """BGR of 0 to 255 in, twelve outputs. `names` False gives the outputs other names than the published ones."""
    nodes, tables = [], {"zero": np.float32(0), "rows": np.array([1, -1, 1], np.int64)}
    constants = {
        "obj": np.float32([OBJECT]),
        "bbox": np.float32([*SHIFT, *np.log(EXTENT)]),
        "kps": np.float32(POINTS),
    }
    outputs = {}
    for stride in COLOURS:
        more, own = _scores(stride, "input", 255)
        nodes += more
        tables |= own
        given = {kind: f"{kind}_{stride}" if names else f"out_{kind}_{stride}" for kind in ("cls", *constants)}
        nodes += [
            helper.make_node("Transpose", [f"s{stride}"], [f"t{stride}"], perm=[0, 2, 3, 1]),
            helper.make_node("Reshape", [f"t{stride}", "rows"], [given["cls"]]),
            helper.make_node("Mul", [given["cls"], "zero"], [f"z{stride}"]),
        ]
        for kind, values in constants.items():
            tables[f"{kind}C{stride}"] = values.reshape(1, 1, -1)
            nodes.append(helper.make_node("Add", [f"z{stride}", f"{kind}C{stride}"], [given[kind]]))
        outputs |= {(kind, stride): name for kind, name in given.items()}
    widths = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}
    ports = [(outputs[kind, s], FLOAT, [1, f"n{s}", wide]) for kind, wide in widths.items() for s in COLOURS]
    return save_graph(path, nodes, [("input", FLOAT, [1, 3, height, width])], ports, tables)


def yoloface(path: Path, *, side: int = 640, numbers: int = 20) -> Path:
    """BGR of 0 to 1 in, (1, 20, cells) out: middle, size, score, and x, y and certainty of five points, in pixels."""
    nodes, tables, before, after, scores = [], {"row": np.array([1, 1, -1], np.int64)}, [], [], []
    for stride in COLOURS:
        more, own = _scores(stride, "images", 1)
        nodes += [*more, helper.make_node("Reshape", [f"s{stride}", "row"], [f"r{stride}"])]
        tables |= own
        scores.append(f"r{stride}")
        cells = np.stack(np.meshgrid(*[np.arange(side // stride)] * 2), -1).reshape(-1, 2)
        extent = np.broadcast_to(np.float32(EXTENT) * stride, (len(cells), 2))
        before.append(np.hstack([(cells + SHIFT) * stride, extent]))
        points = (cells[:, None] + np.reshape(POINTS, (5, 2))) * stride
        after.append(np.concatenate([points, np.full((len(cells), 5, 1), 0.7)], 2).reshape(-1, 15))
    tables["before"] = np.float32(np.concatenate(before).T[None])
    tables["after"] = np.float32(np.concatenate(after).T[None, : numbers - 5])
    nodes += [
        helper.make_node("Concat", scores, ["score"], axis=2),
        helper.make_node("Concat", ["before", "score", "after"], ["output0"], axis=1),
    ]
    ports = [("output0", FLOAT, [1, numbers, tables["before"].shape[2]])]
    return save_graph(path, nodes, [("images", FLOAT, [1, 3, side, side])], ports, tables)
