"""Tiny ONNX files with the inputs and outputs of the published ones, and numbers that follow from a seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
from onnx import TensorProto, checker, helper, numpy_helper, save

IDENTITY = 512
FLOAT = TensorProto.FLOAT


def swapper(
    path: Path,
    *,
    size: int = 128,
    seed: int = 7,
    mean: float | Sequence[float] = 0.0,
    std: float | Sequence[float] = 1.0,
    gives: tuple[float, float] | None = None,
    map_name: str = "buff2fs",
    rows: int | str = 1,
    mask: bool | str = False,
    extra_tables: int = 0,
    picture: int = 0,
) -> Path:
    """Mixes half of the face with half of a colour that follows from the identity: clip(x/2 + sigmoid(W·source)/2).

    `gives`: mean and deviation of what it gives, where they are others. `mask` adds an output `mask`: the face's first
    channel, or "nan". The map of 512 × 512, which no node uses, comes last but for `extra_tables`. With `picture` the
    source is a picture of that side, and the colour its mean.
    """
    random = np.random.RandomState(seed)
    to_colour = (random.standard_normal((IDENTITY, 3)) * 2).astype(np.float32)
    table = np.linalg.qr(random.standard_normal((IDENTITY, IDENTITY)))[0].astype(np.float32)
    from_identity = [
        helper.make_node("MatMul", ["source", "W"], ["lc"]),
        helper.make_node("Sigmoid", ["lc"], ["sg"]),
        helper.make_node("Reshape", ["sg", "shape"], ["colour"]),
    ]
    nodes = [
        *([helper.make_node("GlobalAveragePool", ["source"], ["colour"])] if picture else from_identity),
        helper.make_node("Mul", ["target", "std"], ["t0"]),
        helper.make_node("Add", ["t0", "mean"], ["t1"]),
        helper.make_node("Mul", ["t1", "half"], ["t2"]),
        helper.make_node("Mul", ["colour", "half"], ["c2"]),
        helper.make_node("Add", ["t2", "c2"], ["t3"]),
        helper.make_node("Clip", ["t3", "zero", "one"], ["t4"]),
        helper.make_node("Sub", ["t4", "mean_out"], ["t5"]),
        helper.make_node("Div", ["t5", "std_out"], ["output"]),
    ]
    tables = {"W": to_colour, "shape": np.array([-1, 3, 1, 1], np.int64)}
    mean_out, std_out = gives or (mean, std)
    constants = {"std": std, "mean": mean, "std_out": std_out, "mean_out": mean_out, "half": 0.5, "zero": 0, "one": 1}
    tables |= {name: _by_channel(v) for name, v in constants.items()}
    outputs = [helper.make_tensor_value_info("output", FLOAT, [rows, 3, size, size])]
    if mask:
        tables |= {"first": np.array([0], np.int64)}
        nodes.append(helper.make_node("Gather", ["t1", "first"], ["mask0"], axis=1))
        tables |= {"factor": np.float32(np.nan if mask == "nan" else 1)}
        nodes.append(helper.make_node("Mul", ["mask0", "factor"], ["mask"]))
        outputs.append(helper.make_tensor_value_info("mask", FLOAT, [rows, 1, size, size]))
    if map_name:
        tables[map_name] = table
    tables |= {f"other{number}": table * (number + 2) for number in range(extra_tables)}
    inputs = [
        helper.make_tensor_value_info("target", FLOAT, [rows, 3, size, size]),
        helper.make_tensor_value_info("source", FLOAT, [rows, 3, picture, picture] if picture else [rows, IDENTITY]),
    ]
    return _save(path, nodes, inputs, outputs, tables)


def _by_channel(values: float | Sequence[float]) -> np.ndarray:
    return np.float32(values).reshape((1, 3, 1, 1) if np.ndim(values) else ())


def converter(path: Path, *, seed: int = 3, scale: float = 7.0) -> Path:
    """(1, 512) turned by a table and made `scale` long, whatever its own length: stands for FaceFusion's crossface."""
    table = np.linalg.qr(np.random.RandomState(seed).standard_normal((IDENTITY, IDENTITY)))[0].astype(np.float32)
    nodes = [
        helper.make_node("LpNormalization", ["input"], ["unit"], axis=1, p=2),
        helper.make_node("MatMul", ["unit", "W"], ["turned"]),
        helper.make_node("Mul", ["turned", "scale"], ["output"]),
    ]
    inputs = [helper.make_tensor_value_info("input", FLOAT, [1, IDENTITY])]
    outputs = [helper.make_tensor_value_info("output", FLOAT, [1, IDENTITY])]
    return _save(path, nodes, inputs, outputs, {"W": table, "scale": np.float32(scale)})


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
    normalise: bool = False,
) -> Path:
    """(N, 3, size, size) averaged to 8 × 8 and multiplied by a table: stands for networks that describe a face.

    `normalise` makes the graph take 0..255 and bring it to -1..1 by itself.
    """
    length = 3 * 8 * 8
    table = np.random.RandomState(seed).standard_normal((length, numbers)) * scale / np.sqrt(length)
    tables = {"W": table.astype(np.float32), "b": np.array(bias or (0.0,) * numbers, np.float32)}
    step = [size // 8, size // 8]
    nodes = []
    if normalise:
        tables |= {"shift": np.float32(127.5), "gain": np.float32(0.0078125)}
        nodes.append(helper.make_node("Sub", [name, "shift"], ["x0"], name="_minusscalar0"))
        nodes.append(helper.make_node("Mul", ["x0", "gain"], ["x1"], name="_mulscalar0"))
    nodes += [
        helper.make_node("AveragePool", ["x1" if normalise else name], ["p"], kernel_shape=step, strides=step),
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


def restorer(
    path: Path,
    *,
    size: int = 512,
    weight: str = "",
    rows: int | str = 1,
    element: int = FLOAT,
    outputs: tuple[tuple[int | str, ...], ...] = (),
) -> Path:
    """0.9·x + 0.05, or 0.9·x + 0.05·weight where an input of type `weight` ("double", "float") is wanted.

    `outputs` replaces the shapes that are declared, the first for the picture.
    """
    inputs = [helper.make_tensor_value_info("input", element, [rows, 3, size, size])]
    tables = {"k": np.array(0.9, helper.tensor_dtype_to_np_dtype(element)), "b": np.float32(0.05)}
    tables["b"] = tables["b"].astype(tables["k"].dtype)
    nodes = [helper.make_node("Mul", ["input", "k"], ["a"])]
    if weight:
        kind = TensorProto.DOUBLE if weight == "double" else FLOAT
        inputs.append(helper.make_tensor_value_info("weight", kind, [1]))
        nodes.append(helper.make_node("Cast", ["weight"], ["w"], to=element))
        nodes.append(helper.make_node("Mul", ["w", "b"], ["wb"]))
    nodes.append(helper.make_node("Add", ["a", "wb" if weight else "b"], ["output"]))
    shapes = outputs or ((rows, 3, size, size),)
    given = [helper.make_tensor_value_info("output", element, list(shapes[0]))]
    for number, shape in enumerate(shapes[1:]):
        nodes.append(helper.make_node("Identity", ["output"], [f"more{number}"]))
        given.append(helper.make_tensor_value_info(f"more{number}", element, list(shape)))
    return _save(path, nodes, inputs, given, tables)


def live_portrait(folder: Path, *, flat: bool = True) -> list[Path]:
    """LivePortrait's three networks as FaceFusion exports them, with arithmetic that can be followed.

    The features are the picture's mean colour; the motion is a turn of 10, 20 and 30 degrees, a scale of 2, a shift of
    (0.1, 0.2, 0.3), an expression of the red channel's mean times 0.01, points at rest that rise by 0.01; what comes
    out is the features plus ten times how far `source` is from `target` on average. `flat`: numbers of one
    face have one axis, else two.
    """
    lead = [1] if flat else [1, 1]
    folder.mkdir(parents=True, exist_ok=True)
    volume, small = [1, 32, 16, 64, 64], [1, 3, 256, 256]
    nodes = [
        helper.make_node("GlobalAveragePool", ["input"], ["mean"]),
        helper.make_node("Reshape", ["mean", "first"], ["column"]),
        helper.make_node("Pad", ["column", "pads"], ["padded"]),
        helper.make_node("Expand", ["padded", "shape"], ["feature_volume"]),
    ]
    tables = {
        "first": np.array([1, 3, 1, 1, 1], np.int64),
        "pads": np.array([0, 0, 0, 0, 0, 0, 29, 0, 0, 0], np.int64),
        "shape": np.array(volume, np.int64),
    }
    features = _save(
        folder / "live_portrait_feature_extractor.onnx",
        nodes,
        [helper.make_tensor_value_info("input", FLOAT, small)],
        [helper.make_tensor_value_info("feature_volume", FLOAT, volume)],
        tables,
    )
    fixed = {
        "pitch": np.full(lead, 10), "yaw": np.full(lead, 20), "roll": np.full(lead, 30), "scale": np.full(lead, 2),
        "translation": np.reshape([0.1, 0.2, 0.3], [*lead, 3]),
        "motion_points": np.arange(63).reshape(1, 21, 3) * 0.01,
    }  # fmt: skip
    nodes = [helper.make_node("Identity", [f"{name}0"], [name]) for name in fixed]
    nodes += [
        helper.make_node("GlobalAveragePool", ["input"], ["mean"]),
        helper.make_node("Slice", ["mean", "at", "to", "axis"], ["red"]),
        helper.make_node("Reshape", ["red", "single"], ["number"]),
        helper.make_node("Mul", ["number", "ramp"], ["expression"]),
    ]
    tables = {f"{name}0": np.float32(values) for name, values in fixed.items()} | {
        "at": np.array([0], np.int64), "to": np.array([1], np.int64), "axis": np.array([1], np.int64),
        "single": np.array([1, 1, 1], np.int64), "ramp": np.full((1, 21, 3), 0.01, np.float32),
    }  # fmt: skip
    shapes = {name: list(values.shape) for name, values in fixed.items()} | {"expression": [1, 21, 3]}
    order = ("pitch", "yaw", "roll", "scale", "translation", "expression", "motion_points")
    motion = _save(
        folder / "live_portrait_motion_extractor.onnx",
        nodes,
        [helper.make_tensor_value_info("input", FLOAT, small)],
        [helper.make_tensor_value_info(name, FLOAT, shapes[name]) for name in order],
        tables,
    )
    nodes = [
        helper.make_node("Slice", ["feature_volume", "at", "to", "axes"], ["colour5"]),
        helper.make_node("Reshape", ["colour5", "four"], ["colour"]),
        helper.make_node("Sub", ["source", "target"], ["moved"]),
        helper.make_node("ReduceMean", ["moved"], ["mean"], keepdims=1),
        helper.make_node("Reshape", ["mean", "one"], ["mean4"]),
        helper.make_node("Mul", ["mean4", "ten"], ["change"]),
        helper.make_node("Add", ["colour", "change"], ["sum"]),
        helper.make_node("Expand", ["sum", "shape"], ["output"]),
    ]
    tables = {
        "at": np.array([0, 0, 0, 0], np.int64), "to": np.array([3, 1, 1, 1], np.int64),
        "axes": np.array([1, 2, 3, 4], np.int64), "four": np.array([1, 3, 1, 1], np.int64),
        "one": np.array([1, 1, 1, 1], np.int64), "ten": np.float32(10), "shape": np.array([1, 3, 512, 512], np.int64),
    }  # fmt: skip
    inputs = {"feature_volume": volume, "source": [1, 21, 3], "target": [1, 21, 3]}
    generator = _save(
        folder / "live_portrait_generator.onnx",
        nodes,
        [helper.make_tensor_value_info(name, FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info("output", FLOAT, [1, 3, 512, 512])],
        tables,
    )
    return [features, motion, generator]


def xseg(path: Path, *, rows: int | str = "batch") -> Path:
    """(N, 256, 256, 3) with its channels weighed 0.75, 0.5 and 0.25, less 0.2: (N, 256, 256, 1)."""
    nodes = [
        helper.make_node("MatMul", ["input", "W"], ["weighed"]),
        helper.make_node("Sub", ["weighed", "less"], ["output"]),
    ]
    tables = {"W": np.float32([[0.75], [0.5], [0.25]]), "less": np.float32(0.2)}
    inputs = [helper.make_tensor_value_info("input", FLOAT, [rows, 256, 256, 3])]
    outputs = [helper.make_tensor_value_info("output", FLOAT, [rows, 256, 256, 1])]
    return _save(path, nodes, inputs, outputs, tables)


def parsing(path: Path, *, more: int = 0) -> Path:
    """(1, 3, 512, 512) to (1, 19, 512, 512): likeliest is the class of the red channel times 19, once ImageNet's
    normalisation is undone. `more` outputs of the same kind follow, as published files have them."""
    nodes = [
        helper.make_node("Slice", ["input", "at", "to", "axis"], ["red0"]),
        helper.make_node("Mul", ["red0", "std"], ["red1"]),
        helper.make_node("Add", ["red1", "mean"], ["red2"]),
        helper.make_node("Mul", ["red2", "count"], ["red3"]),
        helper.make_node("Sub", ["classes", "red3"], ["away"]),
        helper.make_node("Abs", ["away"], ["distance"]),
        helper.make_node("Neg", ["distance"], ["output"]),
        *(helper.make_node("Neg", ["output"], [f"more{number}"]) for number in range(more)),
    ]
    tables = {
        "at": np.array([0], np.int64), "to": np.array([1], np.int64), "axis": np.array([1], np.int64),
        "std": np.float32(0.229), "mean": np.float32(0.485), "count": np.float32(19),
        "classes": np.arange(0.5, 19, dtype=np.float32).reshape(1, 19, 1, 1),
    }  # fmt: skip
    inputs = [helper.make_tensor_value_info("input", FLOAT, [1, 3, 512, 512])]
    names = ["output", *(f"more{number}" for number in range(more))]
    outputs = [helper.make_tensor_value_info(name, FLOAT, [1, 19, 512, 512]) for name in names]
    return _save(path, nodes, inputs, outputs, tables)


MARKERS = {8: (1, -1, 1), 16: (1, 1, -1), 32: (-1, 1, 1)}
"""By stride, the colour that stands for a face: magenta, yellow, cyan (1 = full, -1 = none)."""
FACE_SIDES = (2.5, 3.25, 2.5, 3.25)
FACE_POINTS = (-1.0, -0.6, 1.0, -0.6, 0.0, 0.35, -0.8, 1.4, 0.8, 1.4)
"""Of a found face, from the top left corner of its cell, in strides."""


def scrfd(path: Path, *, side: int | str = "?", axes: int = 2) -> Path:
    """Finds a face, twice, where a whole cell has the colour of its stride. `axes` 3 puts a batch axis before rows."""
    tables = {"ten": np.float32(10), "zero": np.float32(0), "bias": np.float32([-2.5])}
    tables["rows"] = np.array([-1, 1] if axes == 2 else [1, -1, 1], np.int64)
    nodes = []
    for stride, colour in MARKERS.items():
        tables |= {f"K{stride}": np.float32(colour).reshape(1, 3, 1, 1)}
        nodes += [
            helper.make_node("Conv", ["input.1", f"K{stride}", "bias"], [f"m{stride}"]),
            helper.make_node(
                "AveragePool", [f"m{stride}"], [f"p{stride}"], kernel_shape=[stride, stride], strides=[stride, stride]
            ),
            helper.make_node("Mul", [f"p{stride}", "ten"], [f"q{stride}"]),
            helper.make_node("Sigmoid", [f"q{stride}"], [f"s{stride}"]),
            helper.make_node("Concat", [f"s{stride}"] * 2, [f"c{stride}"], axis=1),
            helper.make_node("Transpose", [f"c{stride}"], [f"t{stride}"], perm=[2, 3, 0, 1]),
            helper.make_node("Reshape", [f"t{stride}", "rows"], [f"score{stride}"]),
        ]
        for name, values in (("sides", FACE_SIDES), ("points", FACE_POINTS)):
            tables[f"{name}_{stride}"] = np.float32(values).reshape((1,) * (axes - 1) + (-1,))
            nodes += [
                helper.make_node("Mul", [f"score{stride}", "zero"], [f"z_{name}{stride}"]),
                helper.make_node("Add", [f"z_{name}{stride}", f"{name}_{stride}"], [f"{name}{stride}"]),
            ]
    inputs = [helper.make_tensor_value_info("input.1", FLOAT, [1, 3, side, side])]
    batch = [] if axes == 2 else [1]
    outputs = [
        helper.make_tensor_value_info(f"{name}{stride}", FLOAT, [*batch, f"n{stride}", width])
        for name, width in (("score", 1), ("sides", 4), ("points", 10))
        for stride in MARKERS
    ]
    return _save(path, nodes, inputs, outputs, tables)
