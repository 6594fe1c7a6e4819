"""Whether an ONNX file takes and gives what its name promises, before it is opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...pipeline.errors import DamagedModelError
from .onnx_file import Port, read_ports

Shape = tuple[int | None, ...]
"""None for an axis of any length."""


def require_ports(
    path: Path, what: str, inputs: Sequence[Shape], outputs: Sequence[Shape], *, more_outputs: bool = False
) -> None:
    """Raise DamagedModelError unless a file has such inputs and outputs; free axes in the file fit any length.

    `more_outputs`: it may have others behind them.
    """
    taken, given = read_ports(path)
    found = (taken, given[: len(outputs)] if more_outputs else given)
    for ports, wanted, direction in zip(found, (inputs, outputs), ("takes", "gives"), strict=True):
        if len(ports) != len(wanted) or not all(map(_fits, ports, wanted)):
            raise DamagedModelError(
                f"{path} holds another network than {what}: expected one that {direction} {listed(wanted)}, this one "
                f"{direction} {listed([port.shape for port in ports])}."
            )


def _fits(port: Port, wanted: Shape) -> bool:
    return agrees(port.shape, wanted)


def agrees(found: Shape, wanted: Shape) -> bool:
    """Whether the shape that a file declares can be the wanted one. Outputs may be declared without a shape."""
    return not found or (
        len(found) == len(wanted)
        and all(None in (side, length) or side == length for side, length in zip(found, wanted, strict=True))
    )


def listed(shapes: Sequence[Shape]) -> str:
    """Shapes for messages: `1×3×128×128, 1×512`."""
    return ", ".join("×".join("?" if side is None else str(side) for side in shape) or "?" for shape in shapes)
