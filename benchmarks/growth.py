"""`python -m benchmarks.growth`: cost against frame size, faces a frame and frames a clip, as `docs/growth.png`.

Processor time of one thread, built-in models.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from multifaceswap.models.pool import ModelPool
from multifaceswap.pipeline.compose.swap import SwapSettings, swap_batch
from multifaceswap.pipeline.faces.detect import detect_batch
from multifaceswap.pipeline.types import FaceSet, IndexMap, Pair, Size

from .running import limit_threads, machine
from .scenes import crowd
from .starting import clip_memory
from .timing import best

_DOCS = Path(__file__).resolve().parent.parent / "docs"
_SIZES = (Size(960, 540), Size(1280, 720), Size(1920, 1080), Size(2560, 1440), Size(3840, 2160), Size(5120, 2880))
_FACES = (1, 2, 4, 6, 8, 12)
_FRAMES = (1, 8, 16, 32, 64)


class Line(NamedTuple):
    """Costs that are measured at several places."""

    name: str
    unit: str
    x: Sequence[float]
    y: Sequence[float]

    @property
    def straightness(self) -> float:
        """Share of the variance that the best straight line explains; 1 where the costs don't vary at all."""
        fit = np.polyval(np.polyfit(self.x, self.y, 1), self.x)
        spread = float(((self.y - np.mean(self.y)) ** 2).sum())
        return 1 - float(((self.y - fit) ** 2).sum()) / max(spread, 1e-12)


class Panel(NamedTuple):
    """One picture of the four."""

    title: str
    x_name: str
    lines: list[Line]


class _Costs:
    """Detects and swaps with the built-in models."""

    def __init__(self) -> None:
        pool = ModelPool(device="cpu")
        self._detector, self._swapper = pool.open("detector", "builtin"), pool.open("swapper", "mesh")

    def detection(self, frame: Any) -> float:
        return best(lambda: self._detector.detect(frame), seconds=2)

    def swap(self, frames: Any) -> float:
        """Of the first face onto all faces."""
        found = detect_batch(frames[:1], self._detector)
        donor = found.frames[0][0]
        pairs = tuple(Pair(face, donor) for face in found.frames[0])
        faces = FaceSet(found.frames * len(frames), found.size)
        index_map = IndexMap((pairs,) * len(frames), (), faces.size, faces.size, 1)
        return best(lambda: swap_batch(frames, frames[:1], index_map, self._swapper, SwapSettings()), seconds=4)


def measured() -> list[Panel]:
    """The four panels."""
    costs = _Costs()
    return [_sizes(costs), _faces(costs), _frames(costs), _memory()]


def _sizes(costs: _Costs) -> Panel:
    frames = [crowd(size, 1, face=150) for size in _SIZES]
    x = [size.width * size.height / 1e6 for size in _SIZES]
    lines = [
        _line("find faces of 16 pixels and more", "ms", x, [costs.detection(frame) for frame in frames]),
        _line("swap one face of 150 pixels", "ms", x, [costs.swap(frame[None]) for frame in frames]),
    ]
    return Panel("Frame size", "megapixels", lines)


def _faces(costs: _Costs) -> Panel:
    frames = [crowd(Size(2560, 1440), count, face=150) for count in _FACES]
    lines = [
        _line("find them", "ms", _FACES, [costs.detection(frame) for frame in frames]),
        _line("swap them", "ms", _FACES, [costs.swap(frame[None]) for frame in frames]),
    ]
    return Panel("Faces in a frame of 1440p", "faces", lines)


def _frames(costs: _Costs) -> Panel:
    frame = crowd(Size(960, 540), 1)
    swaps = [costs.swap(np.repeat(frame[None], count, 0)) for count in _FRAMES]
    return Panel("Frames of a clip of 540p: time", "frames", [_line("swap one face a frame", "ms", _FRAMES, swaps)])


def _memory() -> Panel:
    peaks = [clip_memory(count) for count in _FRAMES]
    line = _line("peak beside clip and result", "MB", _FRAMES, peaks)
    return Panel("Frames of a clip of 540p: memory", "frames", [line])


def _line(name: str, unit: str, x: Sequence[float], y: Sequence[float]) -> Line:
    return Line(name, unit, list(x), list(y))


def draw(panels: Sequence[Panel], path: Path) -> None:
    """The panels, measured points on their straight lines."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 8), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, panel in zip(figure.subplots(2, 2).flat, panels, strict=True):
        _draw_panel(axes, panel)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def _draw_panel(axes: Any, panel: Panel) -> None:
    axes.set(title=panel.title, xlabel=panel.x_name, ylabel=" and ".join(dict.fromkeys(ln.unit for ln in panel.lines)))
    for number, line in enumerate(panel.lines):
        slope, start = np.polyfit(line.x, line.y, 1)
        ends = np.array([0, max(line.x)])
        label = f"{line.name}: {start:.0f} + {slope:.3g} {line.unit} a {panel.x_name.removesuffix('s')}"
        axes.plot(ends, start + slope * ends, color=f"C{number}", linewidth=1)
        axes.plot(line.x, line.y, "o", color=f"C{number}", label=label)
    axes.set_ylim(0, axes.get_ylim()[1] * 1.25)
    axes.set_xlim(left=0)
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", fontsize=8)


def main() -> None:
    """Measure, draw, and write the numbers beside the picture."""
    limit_threads()
    panels = measured()
    draw(panels, _DOCS / "growth.png")
    lines = [{**line._asdict(), "straightness": line.straightness} for panel in panels for line in panel.lines]
    for line in lines:
        print(f"{line['name']}: straightness {line['straightness']:.3f}, {[round(y, 1) for y in line['y']]}")
    text = json.dumps({"machine": machine(), "lines": lines}, indent=2, ensure_ascii=False)
    (_DOCS / "growth.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
