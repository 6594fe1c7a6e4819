"""Tiny ONNX files with the inputs, outputs and types of published landmarkers and of FairFace.

A face is five spots of colour on grey: red the eye at the left, blue the one at the right, green the nose, yellow and
cyan the mouth's corners. The graphs of landmarkers measure the middles of these spots.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("onnx")
from onnx import TensorProto, helper
from standins_faces import save_graph

FLOAT, WHOLE = TensorProto.FLOAT, TensorProto.INT64
SPOTS = ((1, 0, 0), (0, 0, 1), (0, 1, 0), (1, 1, 0), (0, 1, 1))
"""Colours in RGB, in the order of a face's landmarks."""
FILTERS = ((1, -1, -1, 0), (-1, -1, 1, 0), (-1, 1, -1, 0), (1, 1, -1, -1), (-1, 1, 1, -1))
"""Factors of R, G, B and a constant, which are 1 for a spot's own colour and 0 or less for the others and for grey."""
WHICH = np.array([2] * 17 + [0] * 5 + [1] * 5 + [2] * 9 + [0] * 6 + [1] * 6 + [3] * 5 + [2] * 1 + [4] * 14)
"""By which of the spots each of the 68 points is placed."""
WHICH[54] = 4
OFFSETS = np.zeros((68, 2))
OFFSETS[:27, 1] = -0.1
OFFSETS[[27, 28, 29, 31, 32, 33, 34, 35]] = 0.05
OFFSETS[36:48] = np.tile(np.array([(-3, 0), (-1, -1), (1, -1), (3, 0), (1, 1), (-1, 1)]), (2, 1)) / 100
OFFSETS[[49, 50, 51, 52, 53, *range(55, 68)]] = 0.04
"""Of the points from their spots, in sides of the crop: those of an eye lie around it."""
GREY = 0.4


def draw(points, size: tuple[int, int], radius: float = 6) -> np.ndarray:
    """(H, W, 3) float32 a face of round spots, with soft rims, around points (5, 2) in half-pixel coordinates."""
    picture = np.full((size[1], size[0], 3), GREY, np.float32)
    columns, rows = np.meshgrid(np.arange(size[0]) + 0.5, np.arange(size[1]) + 0.5)
    for point, colour in zip(points, SPOTS, strict=True):
        share = np.clip(radius + 0.5 - np.hypot(columns - point[0], rows - point[1]), 0, 1)[..., None]
        picture = picture * (1 - share) + np.float32(colour) * share
    return picture.astype(np.float32)


def _spots(name: str, low: float, order: int):
    """Nodes and tables of `mask` (1, 5, 256, 256) in [0, 1], of the picture `name` with colours from `low` to 1."""
    weights = np.array(FILTERS, np.float32)
    # Colours c of 0 to 1 are (x - low) / (1 - low).
    factor, bias = 1 / (1 - low), -low / (1 - low)
    tables = {
        "K": (weights[:, :3][:, ::order] * factor).reshape(5, 3, 1, 1),
        "b": weights[:, 3] + weights[:, :3].sum(1) * bias,
    }
    nodes = [
        helper.make_node("Conv", [name, "K", "b"], ["m"]),
        helper.make_node("Clip", ["m", "none", "full"], ["mask"]),
    ]
    return nodes, tables | {"none": np.float32(0), "full": np.float32(1)}


def _middles(side: int = 256):
    """Nodes and tables of `middles` (N, 5, 2) in the unit square and `sums` (N, 5), of `mask`."""
    along = ((np.arange(side) + 0.5) / side).astype(np.float32)
    tables = {
        "X": np.broadcast_to(along, (1, 1, side, side)),
        "Y": np.broadcast_to(along[:, None], (1, 1, side, side)),
        "tiny": np.float32(1e-3),
        "last": np.array([2], np.int64),
    }
    nodes = [helper.make_node("ReduceSum", ["mask", "axes"], ["sums"], keepdims=0)]
    nodes.append(helper.make_node("Add", ["sums", "tiny"], ["some"]))
    for axis in "XY":
        nodes += [
            helper.make_node("Mul", ["mask", axis], [f"m{axis}"]),
            helper.make_node("ReduceSum", [f"m{axis}", "axes"], [f"s{axis}"], keepdims=0),
            helper.make_node("Div", [f"s{axis}", "some"], [f"c{axis}"]),
            helper.make_node("Unsqueeze", [f"c{axis}", "last"], [f"u{axis}"]),
        ]
    nodes.append(helper.make_node("Concat", ["uX", "uY"], ["middles"], axis=2))
    return nodes, tables | {"axes": np.array([2, 3], np.int64)}


def hrffa(path: Path, *, rows: int | str = 1, inside: str = "", points: int = 68) -> Path:
    """RGB of -1 to 1 in, `points` in the unit square and `vis_logits` out: visible where there are all five spots.

    `inside`: the graph normalises by itself and takes colours of 0 to 1 (`unit`) or 0 to 255 (`bytes`); `constant`
    does so too, with a constant that is a node's.
    """
    nodes, tables = [], {}
    name = "images"
    if inside:
        first, second = ("Mul", "Sub") if inside == "bytes" else ("Sub", "Mul")
        tables |= {
            "c0": np.float32(1 / 127.5 if inside == "bytes" else 0.5),
            "c1": np.float32(1 if inside == "bytes" else 2),
        }
        if inside == "constant":
            nodes.append(
                helper.make_node("Constant", [], ["c0"], value=helper.make_tensor("v", FLOAT, [], [tables.pop("c0")]))
            )
        nodes += [helper.make_node(first, [name, "c0"], ["n0"]), helper.make_node(second, ["n0", "c1"], ["n1"])]
        name = "n1"
    for more, own in (_spots(name, -1, 1), _middles()):
        nodes, tables = [*nodes, *more], tables | own
    tables |= {
        "which": WHICH[:points],
        "offsets": OFFSETS[None, :points].astype(np.float32),
        "few": np.float32(4),
        "low": np.float32(-5),
        "high": np.float32(5),
        "one": np.array([1], np.int64),
        "others": np.zeros((1, points, 2), np.float32),
        "row": np.zeros((1, points, 1), np.float32),
    }
    nodes += [
        helper.make_node("Gather", ["middles", "which"], ["placed"], axis=1),
        helper.make_node("Add", ["placed", "offsets"], ["points"]),
        helper.make_node("ReduceMin", ["sums"], ["least"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["least", "few"], ["rather"]),
        helper.make_node("Clip", ["rather", "low", "high"], ["clear"]),
        helper.make_node("Unsqueeze", ["clear", "one"], ["clear3"]),
        helper.make_node("Add", ["row", "clear3"], ["visible"]),
        helper.make_node("Mul", ["visible", "none"], ["dull"]),
        helper.make_node("Concat", ["dull", "dull", "visible"], ["vis_logits"], axis=2),
    ]
    ports = [("points", FLOAT, [rows, points, 2]), ("vis_logits", FLOAT, [rows, points, 3])]
    return save_graph(path, nodes, [("images", FLOAT, [rows, 3, 256, 256])], ports, tables)


def fan4(path: Path, *, heat: float = 0.9) -> Path:
    """BGR of 0 to 1 in; places (1, 68, 3) on a grid of 64 and heatmaps of height `heat` out, which are 0 unless the
    mouth lies below the eyes by an eighth of the crop."""
    nodes, tables = [], {}
    for more, own in (_spots("input", 0, -1), _middles()):
        nodes, tables = [*nodes, *more], tables | own
    tables |= {
        "which": WHICH,
        "offsets": OFFSETS[None].astype(np.float32),
        "grid": np.float32(64),
        "third": np.ones((1, 68, 1), np.float32),
        "down": np.float32([0, 8]).reshape(2, 1),
        "heat": np.float32(heat),
        "eye": np.array([0], np.int64),
        "mouth": np.array([3], np.int64),
        "box": np.array([1, 1, 1, 1], np.int64),
    }
    nodes += [
        helper.make_node("Gather", ["middles", "which"], ["placed"], axis=1),
        helper.make_node("Add", ["placed", "offsets"], ["unit"]),
        helper.make_node("Mul", ["unit", "grid"], ["flat"]),
        helper.make_node("Concat", ["flat", "third"], ["landmarks"], axis=2),
        helper.make_node("Gather", ["middles", "eye"], ["eyes"], axis=1),
        helper.make_node("Gather", ["middles", "mouth"], ["mouths"], axis=1),
        helper.make_node("Sub", ["mouths", "eyes"], ["apart"]),
        helper.make_node("MatMul", ["apart", "down"], ["upright"]),
        helper.make_node("Clip", ["upright", "none", "full"], ["sure"]),
        helper.make_node("Reshape", ["sure", "box"], ["sure4"]),
        helper.make_node("AveragePool", ["mask"], ["small"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Gather", ["small", "which"], ["maps"], axis=1),
        helper.make_node("Mul", ["maps", "sure4"], ["warm"]),
        helper.make_node("Mul", ["warm", "heat"], ["heatmaps"]),
    ]
    ports = [("landmarks", FLOAT, [1, 68, 3]), ("heatmaps", FLOAT, [1, 68, 64, 64])]
    return save_graph(path, nodes, [("input", FLOAT, [1, 3, 256, 256])], ports, tables)


def fairface(path: Path, *, rows: int | str = 1, beyond: int = 0, names=("race_id", "gender_id", "age_id")) -> Path:
    """RGB with ImageNet's mean and deviation in; whole numbers out: 1 where the crop is more than half red, and the
    share of green in ninths, plus `beyond`."""
    tables = {
        "mean": np.float32([0.485, 0.456, 0.406]).reshape(3, 1, 1),
        "std": np.float32([0.229, 0.224, 0.225]).reshape(3, 1, 1),
        "scale": np.float32([2, 9, 0]),
        "beyond": np.array(beyond, np.int64),
        "axes": np.array([2, 3], np.int64),
    }
    nodes = [
        helper.make_node("Mul", ["input", "std"], ["n_a"]),
        helper.make_node("Add", ["n_a", "mean"], ["n_b"]),
        helper.make_node("GlobalAveragePool", ["n_b"], ["n_c"]),
        helper.make_node("Squeeze", ["n_c", "axes"], ["n_d"]),
        helper.make_node("Mul", ["n_d", "scale"], ["n_e"]),
        helper.make_node("Floor", ["n_e"], ["n_f"]),
        helper.make_node("Cast", ["n_f"], ["n_g"], to=WHOLE),
    ]
    for number, name in enumerate(("gender", "age", "race")):
        tables[f"at_{name}"] = np.array(number, np.int64)
        nodes.append(helper.make_node("Gather", ["n_g", f"at_{name}"], [f"g_{name}"], axis=1))
    nodes += [
        helper.make_node("Identity", ["g_race"], [names[0]]),
        helper.make_node("Identity", ["g_gender"], [names[1]]),
        helper.make_node("Add", ["g_age", "beyond"], [names[2]]),
    ]
    ports = [(name, WHOLE, [rows]) for name in names]
    return save_graph(path, nodes, [("input", FLOAT, [rows, 3, 224, 224])], ports, tables)
