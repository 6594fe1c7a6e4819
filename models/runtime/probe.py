"""What can be learnt of this machine's devices without opening a model."""

from __future__ import annotations

import ctypes
import sys
from functools import cache


@cache
def has_nvidia_driver() -> bool:
    """Whether NVIDIA's driver is there, without which CUDA can't start."""
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
