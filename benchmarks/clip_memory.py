"""Peak memory of a clip's swap against its length: `python -m benchmarks.clip_memory [SECONDS ...]` (default 10 600).

Each clip is swapped in a process of its own, so that its peak is its own. Prints a table; exit code 1 where the longest
clip's peak is more than a tenth above the shortest one's.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RATE = 25
SIZE = (192, 160)
ALLOWED = 1.1


def main(lengths: list[int]) -> int:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seconds in lengths:
            words = [sys.executable, "-m", "benchmarks.clip_memory", "--one", str(seconds), folder]
            rows.append(json.loads(subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True).stdout))
    print(f"{'clip':>8} {'frames':>8} {'peak MiB':>9} {'seconds':>8} {'frames/s':>9}")
    for row in rows:
        speed = row["frames"] / row["seconds"]
        print(f"{row['length']:>6} s {row['frames']:>8} {row['peak']:>9.1f} {row['seconds']:>8.1f} {speed:>9.1f}")
    ratio = max(row["peak"] for row in rows) / min(row["peak"] for row in rows)
    print(f"largest to smallest peak: {ratio:.3f}")
    return 0 if ratio <= ALLOWED else 1


def one(seconds: int, folder: Path) -> None:
    """Make a clip of that length, swap it, and print what it took as JSON."""
    import runpy

    runpy.run_path(str(ROOT / "scripts" / "checkout.py"))["load_checkout"]()
    from multifaceswap import swap_clip
    from multifaceswap.media.pictures import read_picture
    from multifaceswap.models.pool import ModelPool

    clip = folder / f"{seconds}.mp4"
    _make(clip, seconds)
    donor = read_picture(ROOT / "examples" / "astronaut.png")
    started = time.perf_counter()
    result = swap_clip(
        clip, folder / f"{seconds}-out.mp4", [donor], tiles=False, hardware=False, pool=ModelPool(device="cpu")
    )
    taken = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"length": seconds, "frames": result.frames, "peak": peak, "seconds": taken}))


def _make(path: Path, seconds: int) -> None:
    """A portrait that wanders about, with a little noise."""
    import av
    import numpy as np
    from PIL import Image

    width, height = SIZE
    picture = Image.open(ROOT / "examples" / "grace_hopper.jpg").convert("RGB").resize((240, 281))
    whole, random = np.asarray(picture), np.random.default_rng(0)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, RATE)
        for number in range(seconds * RATE):
            left, top = (round(24 + 22 * np.sin(number / pace)) for pace in (19.0, 31.0))
            view = whole[top : top + height, left : left + width] + random.integers(-3, 4, (height, width, 1))
            frame = av.VideoFrame.from_ndarray(np.clip(view, 0, 255).astype(np.uint8), format="rgb24")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        sys.exit(main([int(word) for word in sys.argv[1:]] or [10, 600]))
