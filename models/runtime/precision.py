"""In which precision torch computes."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    import torch

_ONE_AT_A_TIME = Lock()
"""Held while a setting of the whole process is changed."""


def half_type(device: torch.device) -> torch.dtype | None:
    """The half precision with float32's range that a device computes in at full speed; None where it has none."""
    import torch

    if device.type != "cuda":
        return None
    able = torch.version.hip is not None or torch.cuda.get_device_capability(device)[0] >= 8
    return torch.bfloat16 if able else None


class _Setting(Protocol):
    fp32_precision: str


class _Cudnn(Protocol):
    """What is used of `torch.backends.cudnn`."""

    allow_tf32: bool
    conv: _Setting


@contextmanager
def exact_convolutions(device: torch.device) -> Generator[None]:
    """Convolutions on CUDA in full float32, without TF32's ten bits of precision.

    torch has one setting a process, and it is the user's: it is changed for as long as a network runs, by one thread at
    a time, and put back. On other devices nothing is changed.
    """
    if device.type != "cuda":
        yield
        return
    with _ONE_AT_A_TIME:
        put_back = _without_tf32()
        try:
            yield
        finally:
            put_back()


def _without_tf32() -> Callable[[], None]:
    import torch

    cudnn = cast(_Cudnn, torch.backends.cudnn)
    try:
        allowed = cudnn.allow_tf32
    except RuntimeError:
        # Newer versions have a setting a kind of operation, and won't sum up those that differ.
        before = cudnn.conv.fp32_precision
        cudnn.conv.fp32_precision = "ieee"
        return partial(setattr, cudnn.conv, "fp32_precision", before)
    if not allowed:
        return _nothing
    cudnn.allow_tf32 = False
    return partial(setattr, cudnn, "allow_tf32", True)


def _nothing() -> None:
    """There is nothing to put back."""
