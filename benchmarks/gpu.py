"""`python -m benchmarks.gpu`: what runs on this machine's GPU, whether it gives what the CPU gives, and how fast.

Each check says that it passed, failed, or could not be run and why. The table is written to `docs/gpu.json`; exit code
1 where a check failed, 3 where none could be run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
from multifaceswap import MultiFaceSwapError
from multifaceswap.models.pool import ModelPool
from multifaceswap.models.runtime.devices import CPU
from multifaceswap.models.runtime.onnx import Session
from multifaceswap.models.runtime.torch import TorchNetwork
from multifaceswap.pipeline.compose.swap import SwapSettings, swap_batch
from multifaceswap.pipeline.faces.detect import detect_batch
from multifaceswap.pipeline.types import IndexMap, Pair, Size

from . import networks
from .running import machine
from .scenes import crowd

_RESULTS = Path(__file__).resolve().parent.parent / "docs" / "gpu.json"
_LEAST_MEMORY = 64 << 20
"""Bytes by which free memory may differ once a network is closed: the libraries keep some."""
_BATCHES = (1, 4, 16)
_WARM, _RUNS, _FEW = 3, 20, 2


class CannotRunError(Exception):
    """The check needs what isn't there."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a check."""

    name: str
    state: str
    """`passed`, `failed` or `not run`."""
    detail: str
    numbers: dict[str, float] = field(default_factory=dict[str, float])


Found = tuple[bool, str, dict[str, float]]
"""Whether it is as it should be, how it was told, and what was measured."""


@dataclass(frozen=True, slots=True)
class Bench:
    """What the checks run on."""

    device: str
    folder: Path
    small: bool = False
    """Networks of a hundredth of the size: to try the checks."""

    def network(self, batch: int | str = 1) -> Path:
        """One that is shaped like InSwapper's."""
        path = self.folder / f"inswapper-{batch}.onnx"
        width = 16 if self.small else 1
        return path if path.exists() else networks.inswapper(path, batch, narrower=width)


def outcomes(bench: Bench) -> Iterator[Outcome]:
    """Of every check, as they come."""
    for name, check in _CHECKS.items():
        try:
            good, detail, numbers = check(bench)
        except CannotRunError as error:
            yield Outcome(name, "not run", str(error))
        except (MultiFaceSwapError, RuntimeError) as error:
            yield Outcome(name, "failed", str(error).splitlines()[0])
        else:
            yield Outcome(name, "passed" if good else "failed", detail, numbers)


def _onnx(bench: Bench, path: Path) -> Session:
    """A session that runs on the device itself."""
    session = Session(path, bench.device)
    provider = session.provider
    if provider == CPU and bench.device != "cpu":
        raise CannotRunError(session.state.why or f"onnxruntime has nothing for {bench.device} here")
    return session


def _torch(bench: Bench) -> Any:
    """torch's device."""
    import torch

    if bench.device == "cpu":
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise CannotRunError("torch sees no GPU here")
    return torch.device("cuda")


def _feeds(rows: int = 1) -> dict[str, Any]:
    random = np.random.default_rng(0)
    return {"target": random.random((rows, 3, 128, 128), np.float32), "source": random.random((1, 512), np.float32)}


def _apart(one: Any, other: Any) -> float:
    return float(np.abs(np.asarray(one, np.float64) - np.asarray(other, np.float64)).max())


def _onnx_agrees(bench: Bench) -> Found:
    path, wanted = bench.network(), [(1, 3, 128, 128)]
    ours = _onnx(bench, path)
    apart = _apart(ours.run(_feeds(), wanted)[0], Session(path, "cpu").run(_feeds(), wanted)[0])
    return apart < 2e-3, f"{ours.provider}: {apart:.1e} from the CPU's, at most 2e-3", {"difference": apart}


def _torch_agrees(bench: Bench, *, half: bool) -> Found:
    device = _torch(bench)
    images = np.random.default_rng(0).random((2, 3, 256, 256), np.float32) * 2 - 1
    path, wanted = _weights(bench), [(2, 3, 256, 256)]
    made = {name: TorchNetwork(path, _convolutions, name, what="the test network") for name in (bench.device, "cpu")}
    ours = made[bench.device].run(images, wanted, half=half)[0]
    apart, most = _apart(ours, made["cpu"].run(images, wanted)[0]), 5e-2 if half else 1e-4
    kind = "bfloat16 where the device has it" if half else "float32"
    return apart < most, f"{device}, {kind}: {apart:.1e} from the CPU's, at most {most:g}", {"difference": apart}


def _weights(bench: Bench) -> Path:
    import torch

    torch.manual_seed(0)
    path = bench.folder / "convolutions.pth"
    torch.save(_convolutions().state_dict(), path)
    return path


def _convolutions() -> Any:
    from torch import nn

    layers: list[Any] = []
    for taken, given in ((3, 32), (32, 64), (64, 64), (64, 32)):
        layers += [nn.Conv2d(taken, given, 3, padding=1), nn.LeakyReLU(0.2)]
    return nn.Sequential(*layers, nn.Conv2d(32, 3, 3, padding=1), nn.Tanh())


def _memory_returns(bench: Bench) -> Found:
    import torch

    if _torch(bench).type == "cpu":
        raise CannotRunError("the CPU's memory is measured by the tests")
    session = _onnx(bench, bench.network())
    free: list[int] = []
    for _ in range(4):
        session.run(_feeds(), [(1, 3, 128, 128)])
        session.close()
        free.append(int(torch.cuda.mem_get_info()[0]))
    lost = max(free[0] - free[-1], 0)
    return (
        lost < _LEAST_MEMORY,
        f"{lost / 2**20:.0f} MiB fewer are free after it was closed three times more",
        {"bytes": lost},
    )


def _swap_agrees(bench: Bench) -> Found:
    """The shipped models find and swap six faces."""
    _onnx(bench, bench.network())
    frame = crowd(Size(1280, 720), 6)
    images, boxes = zip(*(_swapped(frame, name) for name in (bench.device, "cpu")), strict=True)
    moved, apart = _apart(*boxes), _apart(*images)
    good = moved < 0.5 and apart <= 4
    detail = f"boxes {moved:.2f} pixels and pictures {apart:.0f} levels from the CPU's, at most 0.5 and 4"
    return good, detail, {"pixels": moved, "levels": apart}


def _swapped(frame: Any, device: str) -> tuple[Any, Any]:
    pool = ModelPool(device=device)
    found = detect_batch([frame], pool.open("detector", "builtin"))
    faces = sorted(found.frames[0], key=lambda face: tuple(np.rint(face.box)))
    pairs = IndexMap((tuple(Pair(face, faces[0]) for face in faces),), (), found.size, found.size, 1)
    swapped = swap_batch([frame], [frame], pairs, pool.open("swapper", "mesh"), SwapSettings())
    return swapped.images[0], np.stack([face.box for face in faces])


def _throughput(bench: Bench) -> Found:
    """Faces a second: arrays in host memory, the same bound to the device, and in batches."""
    alone, batched = _onnx(bench, bench.network()), _onnx(bench, bench.network("N"))
    numbers = {"one by one": 1000 / _milliseconds(bench, lambda: alone.run(_feeds(), [(1, 3, 128, 128)]))}
    numbers["one by one, bound"] = 1000 / _milliseconds(bench, _bound(bench, alone))
    for rows in _BATCHES:
        feeds, wanted = _feeds(rows), [(rows, 3, 128, 128)]
        numbers[f"batches of {rows}"] = rows * 1000 / _milliseconds(bench, partial(batched.run, feeds, wanted))
    detail = ", ".join(f"{name} {value:.1f} faces/s" for name, value in numbers.items())
    return True, detail, numbers


def _bound(bench: Bench, session: Session) -> Callable[[], Any]:
    """A run that leaves inputs and outputs where the network is."""
    import onnxruntime

    place = ("cpu", 0) if bench.device == "cpu" else ("cuda", int(bench.device.partition(":")[2] or 0))
    opened: Any = session.open()
    binding = opened.io_binding()
    for name, values in _feeds().items():
        binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(values, *place))
    binding.bind_output("output", *place)
    return partial(opened.run_with_iobinding, binding)


def _milliseconds(bench: Bench, work: Callable[[], Any]) -> float:
    """The median run's."""
    for _ in range(_WARM):
        work()
    times: list[float] = []
    for _ in range(_FEW if bench.small else _RUNS):
        start = perf_counter()
        work()
        times.append((perf_counter() - start) * 1000)
    return float(np.median(times))


_CHECKS: dict[str, Callable[[Bench], Found]] = {
    "onnxruntime gives what the CPU gives": _onnx_agrees,
    "torch gives what the CPU gives": partial(_torch_agrees, half=False),
    "torch in half precision gives nearly that": partial(_torch_agrees, half=True),
    "the shipped models find and swap the same": _swap_agrees,
    "memory is returned": _memory_returns,
    "throughput of a network shaped like InSwapper's": _throughput,
}


def table(found: list[Outcome]) -> str:
    """The outcomes as a Markdown table."""
    lines = ["| check | | |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {one.name} | {one.state} | {one.detail} |" for one in found)])


def _gpus() -> list[str]:
    import torch

    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]


def main(words: list[str] | None = None) -> int:
    """Run the checks, print the table and write it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--device", default="cuda", help="as in the settings; cpu tries the checks themselves")
    parser.add_argument("--json", type=Path, default=_RESULTS, metavar="FILE", help="default: docs/gpu.json")
    parser.add_argument("--small", action="store_true", help="smaller networks, to try the checks")
    chosen = parser.parse_args(words)
    with TemporaryDirectory() as folder:
        found = list(outcomes(Bench(chosen.device, Path(folder), chosen.small)))
    print(table(found))
    told = {"device": chosen.device, "gpus": _gpus(), "machine": machine(), "checks": [asdict(one) for one in found]}
    chosen.json.write_text(f"{json.dumps(told, indent=2, ensure_ascii=False)}\n", encoding="utf-8")
    states = {one.state for one in found}
    return 1 if "failed" in states else 3 if states == {"not run"} else 0


if __name__ == "__main__":
    sys.exit(main())
