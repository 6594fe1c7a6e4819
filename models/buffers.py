"""Memory that onnxruntime's I/O binding reads and writes where it lies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ..pipeline.errors import SettingsError


class Buffer(NamedTuple):
    """Memory as onnxruntime's I/O binding takes it."""

    device_type: str
    device_id: int
    element_type: Any
    shape: list[int]
    buffer_ptr: int

    @classmethod
    def of(cls, name: str, value: Any) -> Buffer:
        """The memory of a NumPy array or a torch tensor on any device; SettingsError where it has gaps."""
        if isinstance(value, np.ndarray):
            whole, place, pointer = value.flags["C_CONTIGUOUS"], ("cpu", 0), value.ctypes.data
        else:
            whole, device, pointer = value.is_contiguous(), value.device, value.data_ptr()
            place = (device.type, device.index or 0)
        if not whole:
            raise SettingsError(f"{name}: expected contiguous memory, got strides: call contiguous() first")
        return cls(*place, np.dtype(str(value.dtype).removeprefix("torch.")).type, list(value.shape), pointer)


def finish_torch(values: Iterable[Any]) -> None:
    """Wait for what torch still computes: onnxruntime runs on a stream of its own."""
    for device in {value.device for value in values if not isinstance(value, np.ndarray)}:
        if device.type == "cuda":
            import torch

            torch.cuda.current_stream(device).synchronize()
