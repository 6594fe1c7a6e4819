"""What networks give, checked behind every run: number, type and shape of the outputs, and whether they are finite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeGuard

import numpy as np
from numpy.typing import NDArray

from ...pipeline.errors import DamagedModelError, NotFiniteError
from .onnx_types import Array
from .signature import Shape, listed

_LARGEST = 1e12
"""No network gives more; what is worked out of it stays finite."""
_FARTHEST_COLOUR = 100
"""Colours go from 0 or -1 to 1, and networks overshoot by far less."""
_SHOWN = 12
"""A message shows that many shapes at most."""


class Origin(NamedTuple):
    """Where outputs come from, for messages."""

    file: Path
    """The network's."""
    device: str
    """As its runtime names it, e.g. `CUDA` or `cuda:0`."""


def require_outputs(
    found: Sequence[object], wanted: Sequence[Shape], origin: Origin, *, any_order: bool = False, whole: bool = False
) -> list[NDArray[np.float32]]:
    """The outputs `found` in the order of `wanted`, the shapes that they must have, as float32.

    `any_order`: a graph may give them in any order, with or without a batch axis of one in front; of several of one
    shape the first goes first. Raises DamagedModelError unless there is an array of floats of each shape,
    NotFiniteError where they hold `odd_numbers`.
    """
    arrays = [_floats(value, origin, whole) for value in found]
    chosen = _arranged(arrays, wanted) if any_order else arrays
    if len(chosen) != len(wanted) or not all(map(_fits, chosen, wanted)):
        raise _other(wanted, [array.shape for array in arrays], origin)
    if wrong := odd_numbers(chosen):
        raise not_usable(wrong, origin.file.name, origin.device)
    return chosen


def odd_numbers(arrays: Sequence[NDArray[np.float32]], largest: float = _LARGEST) -> str:
    """What arrays hold that can't be used: NaN, infinity, or a number beyond ±`largest`; nothing where all is well."""
    for array in arrays:
        # Both carry NaN along, and take no memory.
        low, high = (float(array.min()), float(array.max())) if array.size else (0.0, 0.0)
        if not (np.isfinite(low) and np.isfinite(high)):
            return "NaN or infinity"
        if max(-low, high) > largest:
            return f"numbers such as {max(low, high, key=abs):g}"
    return ""


def require_colours(images: NDArray[np.float32], file: Path, device: str) -> NDArray[np.float32]:
    """The pictures that a network's file gave on a device, whose colours go from 0 or -1 to 1, or a little beyond.

    Raises NotFiniteError where they go far beyond: cut off at the ends, that is a face of black and white.
    """
    if wrong := odd_numbers([images], _FARTHEST_COLOUR):
        raise not_usable(wrong, file.name, device)
    return images


def not_usable(wrong: str, file: str, device: str) -> NotFiniteError:
    """The error of a network's file whose numbers, or what was worked out of them, are `odd_numbers`."""
    return NotFiniteError(f"{file} gave {wrong} on {device}{_advice(device)}")


def require_possible(known: Sequence[Sequence[int | str | None]], wanted: Sequence[Shape], origin: Origin) -> None:
    """Raise DamagedModelError, before a run that may take minutes, where a runtime knows `known` shapes of outputs that
    aren't those `wanted`. What it says of batch axes doesn't count: published files have them wrong."""
    for found, shape in zip(known, wanted, strict=False):
        sides = tuple(side if isinstance(side, int) else None for side in found)
        if sides and (len(sides) != len(shape) or not all(map(_agree, sides[1:], shape[1:]))):
            raise _other([shape], [sides], origin)


def _agree(side: int | None, length: int | None) -> bool:
    return None in (side, length) or side == length


def _other(wanted: Sequence[Shape], found: Sequence[Shape], origin: Origin) -> DamagedModelError:
    return DamagedModelError(
        f"{origin.file} holds another network than its name says, or is damaged: expected it to give "
        f"{_listed(wanted)}, got {_listed(found)}. Fetch it again."
    )


def _floats(value: object, origin: Origin, whole: bool) -> NDArray[np.float32]:
    if _is_array(value) and value.dtype.kind in ("iu" if whole else "f"):
        with np.errstate(over="ignore"):  # what float32 can't hold becomes infinity, which is told
            return value.astype(np.float32, copy=False)
    kind = str(value.dtype) if _is_array(value) else type(value).__name__
    raise DamagedModelError(
        f"{origin.file} holds another network than its name says, or is damaged: expected it to give "
        f"{'whole numbers' if whole else 'floats'}, got {'texts' if kind == 'object' else kind}. Fetch it again."
    )


def _is_array(value: object) -> TypeGuard[Array]:
    return isinstance(value, np.ndarray)


def _arranged(arrays: Sequence[NDArray[np.float32]], wanted: Sequence[Shape]) -> list[NDArray[np.float32]]:
    """The first array of each shape that isn't taken yet; fewer where one has none."""
    chosen: list[NDArray[np.float32]] = []
    depth = max(map(len, wanted), default=0)
    left = [array[0] if array.ndim > depth and len(array) == 1 else array for array in arrays]
    for shape in wanted:
        place = next((place for place, array in enumerate(left) if _fits(array, shape)), None)
        if place is not None:
            chosen.append(left.pop(place))
    return chosen


def _fits(array: NDArray[np.float32], wanted: Shape) -> bool:
    return len(array.shape) == len(wanted) and all(
        length in (None, side) for side, length in zip(array.shape, wanted, strict=True)
    )


def _listed(shapes: Sequence[Shape]) -> str:
    more = f" and {len(shapes) - _SHOWN} more" if len(shapes) > _SHOWN else ""
    return ", ".join(listed([shape]) if shape else "one number" for shape in shapes[:_SHOWN]) + more or "nothing"


def _advice(device: str) -> str:
    if device.lower() == "cpu":
        return ": its file is damaged or its numbers overflow; fetch it again, or choose another model"
    return ", often an overflow of half precision: choose --device cpu (ComfyUI: --cpu), or a file in float32"
