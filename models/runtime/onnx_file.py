"""Reads initializers, inputs and outputs out of an ONNX file without the `onnx` package, whatever the file's size.

Only what is asked for is read: the file is mapped, and everything else is stepped over. Wire format and field numbers:
protobuf's encoding guide and `onnx.proto` (Apache-2.0).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...media.files import open_file
from ...pipeline.errors import DamagedModelError
from ...pipeline.quotes import excerpt, named

_GRAPH, _NODE, _INITIALIZER, _INPUT, _OUTPUT = 7, 1, 5, 11, 12
_NODE_INPUT, _NODE_OUTPUT, _OPERATOR, _ATTRIBUTE, _ATTRIBUTE_TENSOR = 1, 2, 4, 5, 5
_DIMS, _DATA_TYPE, _FLOAT_DATA, _NAME, _RAW_DATA = 1, 2, 4, 8, 9
_PORT_NAME, _PORT_TYPE, _TENSOR, _ELEMENT, _SHAPE, _DIM, _DIM_VALUE = 1, 2, 1, 1, 2, 1, 1
_DTYPES = {1: "<f4", 10: "<f2", 11: "<f8"}
_LONGEST_VARINT = 10
"""Bytes, for 64 bits."""
_MOST_FIELDS = 1 << 19
"""In one message: twice as many as a table of 512 × 512 numbers written one by one."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class _Field(NamedTuple):
    number: int
    value: int
    """The number itself, or where the bytes start."""
    end: int
    """Where the bytes end; equal to `value` for a number."""


class Initializer(NamedTuple):
    """A stored tensor and where its numbers lie."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    start: int
    end: int


class Port(NamedTuple):
    """An input or output of a graph."""

    name: str
    dtype: str
    """As NumPy writes it, e.g. `<f4`; empty for numbers that aren't floats."""
    shape: tuple[int | None, ...]
    """None for a free axis."""


def read_ports(path: Path) -> tuple[list[Port], list[Port]]:
    """A graph's inputs and outputs, in order; weights that older files list among the inputs are left out.

    Raises DamagedModelError where the file is cut short or no ONNX model.
    """
    try:
        with open_file(path) as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            stored = {tensor.name for tensor in _initializers(data)}
            inputs, outputs = ([_port(data, field) for field in _in_graph(data, n)] for n in (_INPUT, _OUTPUT))
    except (IndexError, ValueError) as error:
        raise DamagedModelError(
            f"{named(path)} is cut short or no ONNX model: {excerpt(error)}. Fetch it again."
        ) from error
    if not outputs:
        raise _damaged(path, "it gives nothing")
    return [port for port in inputs if port.name not in stored], outputs


class Step(NamedTuple):
    """A node of a graph."""

    operator: str
    """E.g. `Conv` or `Sub`."""
    largest: float
    """The largest magnitude among the constants that it takes beside other values; 0 where it takes none."""


def read_first_step(path: Path) -> Step | None:
    """What a graph does first with its first input; None where no node takes it.

    Raises DamagedModelError where the file is cut short or no ONNX model.
    """
    inputs, _ = read_ports(path)
    try:
        with open_file(path) as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            nodes = [_names(data, node) for node in _in_graph(data, _NODE)]
            first = next((node for node in nodes if inputs and inputs[0].name in node.takes), None)
            return None if first is None else Step(first.operator, _largest(data, {*first.takes}))
    except (IndexError, ValueError) as error:
        raise _damaged(path, error) from error


class _Node(NamedTuple):
    operator: str
    takes: list[str]
    gives: list[str]


def _names(data: mmap.mmap, node: _Field) -> _Node:
    found: dict[int, list[str]] = {_NODE_INPUT: [], _NODE_OUTPUT: [], _OPERATOR: []}
    for number, value, stop in _fields(data, node.value, node.end):
        if number in found:
            found[number].append(data[value:stop].decode("utf-8", "replace"))
    return _Node("".join(found[_OPERATOR]), found[_NODE_INPUT], found[_NODE_OUTPUT])


def _largest(data: mmap.mmap, names: set[str]) -> float:
    """The largest magnitude among the stored numbers of these names."""
    tensors = [tensor for tensor in _initializers(data) if tensor.name in names]
    for node in _in_graph(data, _NODE):
        if {*_names(data, node).gives} & names:
            for held in _inside(data, node, _ATTRIBUTE):
                tensors += [_initializer(data, tensor) for tensor in _inside(data, held, _ATTRIBUTE_TENSOR)]
    return max((float(np.abs(_values(data, one)).max(initial=0)) for one in tensors if one.dtype), default=0.0)


def read_initializer(path: Path, shape: tuple[int, ...], names: tuple[str, ...]) -> NDArray[np.float32]:
    """The initializer of this shape with one of these names, else the last one of this shape.

    Raises DamagedModelError where there is none or the file is cut short.
    """
    try:
        with open_file(path) as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = [tensor for tensor in _initializers(data) if tensor.shape == shape]
            chosen = next((tensor for tensor in found if tensor.name in names), found[-1] if found else None)
            if chosen is None:
                raise DamagedModelError(
                    f"{named(path)} holds no table of {shape}: it is another model than its name says"
                )
            return _values(data, chosen)
    except (IndexError, ValueError) as error:
        raise DamagedModelError(
            f"{named(path)} is cut short or no ONNX model: {excerpt(error)}. Fetch it again."
        ) from error


def _damaged(path: Path, reason: object) -> DamagedModelError:
    return DamagedModelError(f"{named(path)} is cut short or no ONNX model: {excerpt(reason)}. Fetch it again.")


def _values(data: mmap.mmap, tensor: Initializer) -> NDArray[np.float32]:
    raw = data[tensor.start : tensor.end]
    return np.frombuffer(raw, tensor.dtype).reshape(tensor.shape).astype(np.float32)


def _initializers(data: mmap.mmap) -> Iterator[Initializer]:
    for field in _in_graph(data, _INITIALIZER):
        yield _initializer(data, field)


def _in_graph(data: mmap.mmap, number: int) -> Iterator[_Field]:
    for graph in _inside(data, _Field(0, 0, len(data)), _GRAPH):
        yield from _inside(data, graph, number)


def _inside(data: mmap.mmap, message: _Field, number: int) -> Iterator[_Field]:
    for field in _fields(data, message.value, message.end):
        if field.number == number:
            yield field


def _port(data: mmap.mmap, info: _Field) -> Port:
    names = [data[field.value : field.end].decode("utf-8", "replace") for field in _inside(data, info, _PORT_NAME)]
    tensors = [tensor for kind in _inside(data, info, _PORT_TYPE) for tensor in _inside(data, kind, _TENSOR)]
    elements = [field.value for tensor in tensors for field in _inside(data, tensor, _ELEMENT)]
    shapes = [shape for tensor in tensors for shape in _inside(data, tensor, _SHAPE)]
    dims = [_side(data, dim) for shape in shapes for dim in _inside(data, shape, _DIM)]
    return Port("".join(names), _DTYPES.get(sum(elements), ""), tuple(dims))


def _side(data: mmap.mmap, dim: _Field) -> int | None:
    return next((field.value for field in _inside(data, dim, _DIM_VALUE)), None) or None


def _initializer(data: mmap.mmap, tensor: _Field) -> Initializer:
    name, dims, kind, start, end = "", list[int](), 0, 0, 0
    for number, value, stop in _fields(data, tensor.value, tensor.end):
        if number == _DIMS:
            dims += _packed(data, value, stop) if stop > value else [value]
        elif number == _DATA_TYPE:
            kind = value
        elif number == _NAME:
            name = data[value:stop].decode("utf-8", "replace")
        elif number in (_FLOAT_DATA, _RAW_DATA):
            start, end = value, stop
    return Initializer(name, tuple(dims) if kind in _DTYPES else (), _DTYPES.get(kind, ""), start, end)


def _packed(data: mmap.mmap, at: int, end: int) -> list[int]:
    values: list[int] = []
    while at < end:
        value, at = _varint(data, at)
        values.append(value)
    return values


def _fields(data: mmap.mmap, at: int, end: int) -> Iterator[_Field]:
    for _ in range(_MOST_FIELDS):
        if at >= end:
            return
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, at = _varint(data, at)
            yield _Field(number, value, value)
            continue
        if wire not in (_BYTES, _FIXED32, _FIXED64):
            raise ValueError(f"wire type {wire} at byte {at}")
        size, at = _varint(data, at) if wire == _BYTES else (8 if wire == _FIXED64 else 4, at)
        if at + size > end:
            raise ValueError(f"{size} bytes expected at byte {at}, {end - at} are left")
        yield _Field(number, at, at + size)
        at += size
    raise ValueError(f"more than {_MOST_FIELDS:,} fields in one message")


def _varint(data: mmap.mmap, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_LONGEST_VARINT):
        byte = data[at + place]
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError(f"a number without an end at byte {at}")
