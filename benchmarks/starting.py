"""What is paid before and beside the work: imports, and memory over a clip's length; each in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

from .timing import Row

_IMPORTS = (
    ("import, as ComfyUI does", "load_checkout()", "insightface", "import insightface"),
    (
        "import what swaps",
        "load_checkout(); from multifaceswap import detect_faces, swap_faces",
        "insightface",
        "from insightface.app import FaceAnalysis; from insightface.model_zoo.inswapper import INSwapper",
    ),
    (
        "import what restores",
        "load_checkout(); from multifaceswap import restore_faces",
        "facexlib",
        "from facexlib.utils.face_restoration_helper import FaceRestoreHelper",
    ),
)
_RUNS = 3
_LENGTHS = (8, 64)
_MEMORY = Path("/proc/self/status")
_CLIP = """
    import numpy as np
    from benchmarks.scenes import crowd
    from benchmarks.starting import megabytes
    from multifaceswap import detect_faces, map_indexes, swap_faces
    from multifaceswap.pipeline.types import Size

    frame = crowd(Size(960, 540), 1).astype(np.float32) / 255
    faces = detect_faces([frame])
    swap_faces([frame], [frame], map_indexes(faces, faces))

    clip = np.repeat(frame[None], {length}, 0)
    pairs = map_indexes(detect_faces(clip), faces)
    before = megabytes("VmRSS")
    result = swap_faces(clip, [frame], pairs)
    given = megabytes("VmRSS") - before
    print(megabytes("VmHWM") - clip.nbytes / 2**20 - given)
"""


def rows() -> Iterator[Row]:
    for name, ours, peer, theirs in _IMPORTS:
        yield Row(name, _import_time(ours), peer, _import_time(theirs))
    if _MEMORY.exists():
        yield _memory_row()


def _memory_row() -> Row:
    """What a clip takes beside itself and its result must not grow with its length."""
    short, long = (clip_memory(length) for length in _LENGTHS)
    name = f"peak memory beside clip and result, {_LENGTHS[1]} frames"
    return Row(name, long, f"the same of {_LENGTHS[0]} frames", short, unit="MB", least=0.9)


def clip_memory(length: int) -> float:
    """MB that a process takes at most for the swap of a clip of 540p, beside the clip and the result; Linux only."""
    return float(_run(dedent(_CLIP).format(length=length)))


def megabytes(field: str) -> float:
    """What Linux says of this process: `VmRSS` for now, `VmHWM` for the peak."""
    line = next(line for line in _MEMORY.read_text().splitlines() if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024


def _import_time(statement: str) -> float:
    """Milliseconds of processor time, the best of several fresh processes."""
    code = f"from time import process_time\nstart = process_time()\n{statement}\nprint(process_time() - start)"
    return min(float(_run(code)) for _ in range(_RUNS)) * 1000


def _run(code: str) -> str:
    """The last line that a fresh process prints."""
    program = f"from scripts.checkout import load_checkout\n{code}"
    run = subprocess.run([sys.executable, "-W", "ignore", "-c", program], capture_output=True, text=True, check=True)
    return run.stdout.splitlines()[-1]
