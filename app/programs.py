"""What can be learnt of this machine's devices by asking other programs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

_SECONDS = 120
_OPEN = """
import sys, onnxruntime
if {"CUDAExecutionProvider", "TensorrtExecutionProvider"} & set(sys.argv[2:]):
    getattr(onnxruntime, "preload_dlls", lambda: None)()
onnxruntime.InferenceSession(sys.argv[1], providers=sys.argv[2:], enable_fallback=0)
"""


def opening_messages(model: Path, providers: Sequence[str]) -> str:
    """All that onnxruntime says while it opens a model on these providers.

    In a process of its own: the library writes past Python's streams, and a broken driver may end the process.
    """
    return _said([sys.executable, "-c", _OPEN, str(model), *providers])


def nvidia_gpus() -> list[str]:
    """NVIDIA's GPUs with their drivers' versions as the driver's own tool lists them; empty where there is none."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    said = _said([tool, "--query-gpu=name,driver_version", "--format=csv,noheader"])
    rows = [line.split(", ") for line in said.splitlines()]
    return [f"{row[0]}, driver {row[1]}" for row in rows if len(row) == 2]


def _said(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_SECONDS, encoding="utf-8", errors="replace", check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return f"{done.stderr}\n{done.stdout}"
