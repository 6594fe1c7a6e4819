"""A clip of five faces against what can't be left out of it: its codec, a mesh fit and a swap a face."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
from multifaceswap.media.clips import Clip
from multifaceswap.media.clips.encoding import PartWriter, plan
from multifaceswap.media.clips.formats import output_format
from multifaceswap.media.clips.reading import decoded_of
from multifaceswap.models.pool import ModelPool
from multifaceswap.pipeline.compose.swap import SwapSettings, swap_batch
from multifaceswap.pipeline.faces.detect import detect_batch
from multifaceswap.pipeline.types import IndexMap, Pair, Size
from PIL import Image

from .scenes import crowd
from .timing import Row, best

ROOT = Path(__file__).resolve().parent.parent
_SIZE, _FACES, _FACE = Size(1920, 1080), 5, 200
_FRAMES, _RATE = 48, 24
_ALLOWED = 1.5
_BUSY = 0.85
_START = "import numpy, cv2, onnxruntime"
_LOAD = """
from sys import argv
from scripts.checkout import load_checkout
load_checkout()
"""
_SWAP = (
    _LOAD
    + """
import os
from pathlib import Path
from time import perf_counter, process_time
from multifaceswap import swap_clip
from multifaceswap.media.pictures import read_picture
donor, clip = read_picture("examples/astronaut.png"), Path(argv[1])
output = clip.with_name("out.mp4")
settings = {"input_faces_index": "*", "hardware": False, "resume": False}
"""
)
_WHOLE = (
    _SWAP
    + """
start = perf_counter(), process_time()
result = swap_clip(clip, output, [donor], **settings)
assert result.swapped == 5 * result.frames, result
print((perf_counter() - start[0]) * 1000, (process_time() - start[1]) * 1000)
"""
)
_FIRST_FRAME = _SWAP + "swap_clip(clip, output, [donor], **settings, progress=lambda done, frames: os._exit(0))"
_FIRST_LOOK = _LOAD + "from multifaceswap.cli import main; raise SystemExit(main(['detect', argv[1]]))"


def rows() -> Iterator[Row]:
    """Whole clips are swapped in processes of their own, on all cores."""
    with TemporaryDirectory() as folder:
        clip, picture = Path(folder) / "five.mp4", Path(folder) / "five.png"
        write_clip(clip)
        Image.fromarray(crowd(_SIZE, _FACES, face=_FACE)).save(picture, compress_level=1)
        fit, swap = _a_face()
        codec = best(partial(_recoded, clip, Path(folder) / "codec.mp4"), seconds=0) / _FRAMES
        wall, processor = map(float, _process(_WHOLE, clip).split())
        floor = codec + _FACES * (fit + swap)
        name = f"a frame of a clip, {_FACES} faces, 1080p, mesh"
        yield Row(name, processor / _FRAMES, "codec, mesh fits and swaps alone", floor, least=1 / _ALLOWED)
        cores = len(os.sched_getaffinity(0))
        yield Row(f"{cores} cores while it is swapped", wall * cores, "at work", processor, least=_BUSY)
        yield Row(f"a swap with mesh, {_FACE} pixels", swap, "a mesh fit", fit, most=15)
        start = _wall(_START, clip)
        yield Row("to a clip's first frame", _wall(_FIRST_FRAME, clip), _START, start, most=2000)
        yield Row("to a picture's first faces, 1080p", _wall(_FIRST_LOOK, picture), _START, start, most=600)


def write_clip(path: Path) -> None:
    """The faces, each in its place, under a camera that pans and a little noise."""
    import av

    still = crowd(Size(_SIZE.width + 48, _SIZE.height), _FACES, face=_FACE)
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=_RATE)
        stream.width, stream.height, stream.pix_fmt = *_SIZE, "yuv420p"
        for number in range(_FRAMES):
            view = still[:, number : number + _SIZE.width].astype(np.int16)
            noisy = np.clip(view + random.integers(-3, 4, (*view.shape[:2], 1), np.int16), 0, 255).astype(np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="rgb24")))
        out.mux(stream.encode(None))


def _recoded(clip: Path, output: Path) -> None:
    """Decoded and encoded as a swap does it."""
    source = Clip(clip)
    info = source.info()
    writer = PartWriter(output, plan(info, output_format(output), False), 0)
    writer.open()
    for frame in source.frames(info, None):
        writer.encode(decoded_of(frame), frame.picture, ())
    writer.close()


def _a_face() -> tuple[float, float]:
    """Milliseconds of a mesh fit, and of a swap with the donor prepared."""
    frame, pool = crowd(_SIZE, _FACES, face=_FACE), ModelPool(device="cpu")
    found = detect_batch([frame], pool.open("detector", "builtin"))
    assert found.count == _FACES, "the five faces must be seen"
    donor = found.frames[0][0]
    pairs = IndexMap((tuple(Pair(face, donor) for face in found.frames[0]),), (), found.size, found.size, 1)
    swapper, parsers = pool.open("swapper", "mesh"), [pool.open("parser", "builtin")]
    work: Any = partial(swap_batch, [frame], [frame], pairs, swapper, SwapSettings(), parsers=parsers)
    follower = pool.mesher()
    fits = best(lambda: follower.fit(frame, list(found.frames[0])), seconds=1) / _FACES
    return fits, best(work, seconds=2) / _FACES


def _process(code: str, file: Path) -> str:
    """What a fresh process prints, which may use all cores."""
    limits = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    free = {name: value for name, value in os.environ.items() if name not in limits}
    words = [sys.executable, "-W", "ignore", "-c", code, str(file)]
    return subprocess.run(words, cwd=ROOT, env=free, check=True, capture_output=True, text=True).stdout


def _wall(code: str, file: Path) -> float:
    """Milliseconds of a fresh process, the best of three."""
    times: list[float] = []
    for _ in range(3):
        start = perf_counter()
        _process(code, file)
        times.append((perf_counter() - start) * 1000)
    return min(times)
