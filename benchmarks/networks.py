"""Networks of random weights with the layers of the published ones: the same size, the same cost.

Layers: InSwapper's as the published graph and its open reproductions have them, ArcFace's of InsightFace's IResNet-50,
SCRFD's of InsightFace's configuration `scrfd_10g_bnkps`, normalisation folded into convolutions as in exported files.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .graphs import Graph

CELL = 32
FACE_COLOUR = (1.0, -1.0, 1.0)
"""In [-1, 1]: a cell of 32 pixels of this colour is what the detector takes for a face."""


def inswapper(path: Path, batch: int | str = 1, *, narrower: int = 1) -> Path:
    """Inputs and layers of `inswapper_128.onnx`, 554 MB; `narrower` by a power of 2 has fewer channels."""
    graph = Graph()
    x, source = graph.input("target", [batch, 3, 128, 128]), graph.input("source", [1, 512])
    wide = 128 // narrower
    x = _leaky(graph, graph.conv(_reflected(graph, x, 3), 3, wide, 7, pad=0))
    for taken, stride in ((wide, 1), (2 * wide, 2), (4 * wide, 2)):
        x = _leaky(graph, graph.conv(x, taken, 2 * taken, stride=stride))
    for _ in range(6):
        x = _style_block(graph, x, source, 8 * wide)
    for taken in (8 * wide, 4 * wide):
        x = graph.add("Resize", x, "", graph.constant([1, 1, 2, 2]), mode="linear")
        x = _leaky(graph, graph.conv(x, taken, taken // 2))
    x = _leaky(graph, graph.conv(x, 2 * wide, wide))
    x = graph.add("Tanh", graph.conv(_reflected(graph, x, 3), wide, 3, 7, pad=0))
    half = graph.constant(0.5)
    graph.output(graph.add("Add", graph.add("Mul", x, half), half), "output", [batch, 3, 128, 128])
    graph.random(512, 512, spread=0.05, name="buff2fs")
    return graph.save(path)


def _leaky(graph: Graph, x: str) -> str:
    return graph.add("LeakyRelu", x, alpha=0.2)


def _reflected(graph: Graph, x: str, margin: int) -> str:
    return graph.add("Pad", x, graph.constant([0, 0, margin, margin] * 2, np.int64), mode="reflect")


def _style_block(graph: Graph, x: str, source: str, width: int) -> str:
    first = graph.add("Relu", _styled(graph, graph.conv(_reflected(graph, x, 1), width, width, pad=0), source, width))
    second = _styled(graph, graph.conv(_reflected(graph, first, 1), width, width, pad=0), source, width)
    return graph.add("Add", x, second)


def _styled(graph: Graph, x: str, source: str, width: int) -> str:
    """Instance normalisation whose scale and shift follow from the identity."""
    style = graph.add("Reshape", graph.dense(source, 512, 2 * width), graph.constant([1, 2, width, 1, 1], np.int64))
    scale, shift = (graph.add("Gather", style, graph.constant(i, np.int64), axis=1) for i in range(2))
    centred = graph.add("Sub", x, graph.add("ReduceMean", x, axes=[2, 3]))
    variance = graph.add("ReduceMean", graph.add("Mul", centred, centred), axes=[2, 3])
    spread = graph.add("Sqrt", graph.add("Add", variance, graph.constant(1e-8)))
    return graph.add("Add", graph.add("Mul", graph.add("Div", centred, spread), scale), shift)


def arcface(path: Path) -> Path:
    """Inputs and layers of `w600k_r50.onnx`, 174 MB."""
    graph = Graph()
    x = graph.prelu(graph.conv(graph.input("input.1", ["None", 3, 112, 112]), 3, 64), 64)
    taken = 64
    for given, blocks in ((64, 3), (128, 4), (256, 14), (512, 3)):
        for number in range(blocks):
            x = _residual(graph, x, taken, given, stride=1 if number else 2)
            taken = given
    x = graph.add("Flatten", graph.norm(x, 512))
    graph.output(graph.dense(x, 512 * 7 * 7, 512), "683", ["None", 512])
    return graph.save(path)


def _residual(graph: Graph, x: str, taken: int, given: int, stride: int) -> str:
    kept = x if stride == 1 else graph.conv(x, taken, given, 1, stride=stride)
    inner = graph.prelu(graph.conv(graph.norm(x, taken), taken, given), given)
    return graph.add("Add", graph.conv(inner, given, given, stride=stride), kept)


def scrfd(path: Path) -> Path:
    """Inputs and layers of `det_10g.onnx`, 17 MB; finds faces where cells have `FACE_COLOUR`."""
    graph = Graph()
    picture = graph.input("input.1", [1, 3, "?", "?"])
    x = picture
    for taken, given, stride in ((3, 28, 2), (28, 28, 1), (28, 56, 1)):
        x = graph.add("Relu", graph.conv(x, taken, given, stride=stride))
    x = graph.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    levels = []
    taken = 56
    for given, blocks, stride in ((56, 3, 1), (88, 4, 2), (88, 2, 2), (224, 3, 2)):
        for number in range(blocks):
            x = _basic(graph, x, taken, given, 1 if number else stride)
            taken = given
        levels.append((x, given))
    necks = _neck(graph, levels[1:])
    heads = [_head(graph, neck, picture if number == 2 else None) for number, neck in enumerate(necks)]
    for kind, width in enumerate((1, 4, 10)):
        for number, head in enumerate(heads):
            graph.output(head[kind], f"out{kind}{number}", ["?", width])
    return graph.save(path)


def _basic(graph: Graph, x: str, taken: int, given: int, stride: int) -> str:
    kept = x
    if stride > 1:
        kept = graph.add("AveragePool", x, kernel_shape=[stride] * 2, strides=[stride] * 2, ceil_mode=1)
    if taken != given:
        kept = graph.conv(kept, taken, given, 1)
    inner = graph.add("Relu", graph.conv(x, taken, given, stride=stride))
    return graph.add("Relu", graph.add("Add", graph.conv(inner, given, given), kept))


def _neck(graph: Graph, levels: list[tuple[str, int]]) -> list[str]:
    """Features of 56 channels a level, mixed from coarse to fine and back."""
    sides = [graph.conv(x, given, 56, 1) for x, given in levels]
    for fine in (1, 0):
        doubled = graph.add("Resize", sides[fine + 1], "", graph.constant([1, 1, 2, 2]), mode="nearest")
        sides[fine] = graph.add("Add", sides[fine], doubled)
    mixed = [graph.conv(x, 56, 56) for x in sides]
    for coarse in (1, 2):
        mixed[coarse] = graph.add("Add", mixed[coarse], graph.conv(mixed[coarse - 1], 56, 56, stride=2))
    return [mixed[0], *(graph.conv(x, 56, 56) for x in mixed[1:])]


def _head(graph: Graph, x: str, picture: str | None) -> tuple[str, str, str]:
    """Scores, box sides and landmarks, two a cell."""
    for taken in (56, 80, 80):
        x = graph.add("Relu", graph.conv(x, taken, 80))
    score = _muted(graph, graph.conv(x, 80, 2), (-10.0,) * 2)
    if picture is not None:
        score = graph.add("Add", score, _marked(graph, picture))
    sides = _muted(graph, graph.conv(x, 80, 8), (1.0, 1.2, 1.0, 1.4) * 2)
    points = _muted(graph, graph.conv(x, 80, 20), (-0.4, -0.4, 0.4, -0.4, 0.0, 0.1, -0.3, 0.5, 0.3, 0.5) * 2)
    outputs = (graph.add("Sigmoid", score), 1), (sides, 4), (points, 10)
    return tuple(_rows(graph, values, width) for values, width in outputs)


def _muted(graph: Graph, x: str, values: tuple[float, ...]) -> str:
    """Always about these values a channel, though all of x is computed."""
    small = graph.add("Mul", x, graph.constant(1e-9))
    return graph.add("Add", small, graph.constant(np.reshape(values, (1, -1, 1, 1))))


def _marked(graph: Graph, picture: str) -> str:
    """20 in cells of the faces' colour, 0 or less in all others."""
    weights = np.tile(np.reshape(FACE_COLOUR, (1, 3, 1, 1)), (2, 1, CELL, CELL)) * 40 / CELL**2
    kernel, bias = graph.constant(weights), graph.constant([-100.0] * 2)
    return graph.add("Conv", picture, kernel, bias, kernel_shape=[CELL] * 2, strides=[CELL] * 2)


def _rows(graph: Graph, x: str, width: int) -> str:
    cells_first = graph.add("Transpose", x, perm=[2, 3, 0, 1])
    return graph.add("Reshape", cells_first, graph.constant([-1, width], np.int64))
