"""Makes the networks, runs the groups of rows, and shows what came out."""

from __future__ import annotations

import platform
import sys
import warnings
from collections.abc import Iterator, Sequence
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from multifaceswap.models.insightface import DET_10G, W600K_R50
from multifaceswap.models.runtime.onnx import Session
from multifaceswap.models.swappers.rows import INSWAPPER_128

from . import clips, detecting, networks, paste_restore, pasting, peers, starting, swapping
from .timing import Row

_NETWORKS = {INSWAPPER_128: networks.inswapper, W600K_R50: networks.arcface, DET_10G: networks.scrfd}
_LIBRARIES = ("numpy", "opencv-python", "onnxruntime", "onnxruntime-gpu", "torch", "insightface", "facexlib")


def measured(groups: Sequence[str]) -> Iterator[Row]:
    """The rows of these groups, each told on stderr as it comes."""
    limit_threads()
    warnings.simplefilter("ignore")
    with TemporaryDirectory() as folder:
        published = _Networks(Path(folder))
        for group in groups:
            for row in _group(group, published):
                print(f"{row.name}: {row.ratio:.2f}", file=sys.stderr)
                yield row


def limit_threads() -> None:
    """One thread for the libraries that don't ask the environment."""
    import cv2
    import torch

    cv2.setNumThreads(1)
    torch.set_num_threads(1)


class _Networks:
    """The files, made when a group needs them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def folder(self) -> Path:
        for file, make in _NETWORKS.items():
            made = make(_made(self._folder / file.folders[0] / file.name))
            # The layers are the published ones if their size is.
            assert abs(made.stat().st_size / file.sizes[0] - 1) < 0.002, file.name
        return self._folder

    @cached_property
    def session(self) -> Session:
        return Session(self.folder / INSWAPPER_128.folders[0] / INSWAPPER_128.name, threads=1)

    @cached_property
    def inswapper(self) -> Any:
        return peers.inswapper(self.session.path, self.session.open())


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _group(name: str, made: _Networks) -> Iterator[Row]:
    if name == "paste":
        yield from pasting.rows(made.inswapper)
    elif name == "restore":
        yield from paste_restore.rows()
    elif name == "detect":
        yield from detecting.rows(made.folder / DET_10G.folders[0])
    elif name == "swap":
        yield from swapping.rows(made.session, made.inswapper)
    elif name == "clip":
        yield from clips.rows()
    else:
        yield from starting.rows()


def table(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| what | here | against | there | ratio | goal |", "| --- | ---: | --- | ---: | ---: | --- |"]
    return "\n".join([*lines, *(_line(row) for row in rows)])


def _line(row: Row) -> str:
    goals = [f"≥ {row.least:.3g} ×"] if row.least is not None else []
    goals += [f"< {row.most:g} {row.unit}"] if row.most is not None else []
    told = f"{', '.join(goals)}: {'met' if row.met else 'missed'}" if goals else ""
    ours, peer, ratio = (_short(value) for value in (row.ours, row.peer, row.ratio))
    return f"| {row.name} | {ours} {row.unit} | {row.peer_name} | {peer} {row.unit} | {ratio} × | {told} |"


def _short(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    return {
        "processor": _processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "threads": 1,
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name))},
    }


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    lines = listed.read_text().splitlines() if listed.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
