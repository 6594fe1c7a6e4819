"""What a report says even where all went well: who got whom, and which models under which licences did it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from .report import counted

if TYPE_CHECKING:
    from ..models.pool import ModelPool
    from ..pipeline.types import Face, FaceSet, IndexMap, Pair
    from .plan import ModelChoice

_KINDS = {
    "detector": "facedetection",
    "swapper": "swap_model",
    "parser": "occluder",
    "expression": "expression",
    "restorer": "face_restore",
    "embedder": "embedder",
    "attributes": "attributes",
    "landmarker": "landmarks",
}
_MOST_PAIRS = 20
"""Lines of pairs that are told one by one."""


def of_swap(index_map: IndexMap, swapped: FaceSet) -> list[str]:
    """How many faces were swapped, and who got whom."""
    return [f"{swapped.count} of {counted(index_map.count, 'face')} swapped", *of_pairs(index_map, swapped)]


def of_pairs(index_map: IndexMap, swapped: FaceSet | None = None) -> list[str]:
    """A line for each run of pictures with the same pairs: of all, or of those whose targets were swapped."""
    done = index_map.frames if swapped is None else list(map(_of, index_map.frames, swapped.frames))
    texts = [", ".join(f"target {pair.target.index} ← source {pair.source.index}" for pair in pairs) for pairs in done]
    if len(texts) == 1:
        return [text for text in texts if text]
    lines: list[str] = []
    for text, run in groupby(range(len(texts)), key=lambda frame: texts[frame]):
        frames = list(run)
        where = f"frame {frames[0]}" if len(frames) == 1 else f"frames {frames[0]}-{frames[-1]}"
        lines.append(f"{where}: {text or 'nobody'}")
    more = len(lines) - _MOST_PAIRS
    return lines if more <= 0 else [*lines[:_MOST_PAIRS], f"and {counted(more, 'further run')} of frames"]


def of_models(models: ModelPool, choices: Iterable[ModelChoice]) -> list[str]:
    """A line a model: what it is to the work, its name, and the licences of its files."""
    lines: list[str] = []
    for choice in choices:
        licences = models.licences(choice.kind, choice.name)
        text = f"licence {', '.join(licences)}" if licences else "needs no model file"
        lines.append(f"{_KINDS.get(choice.kind, choice.kind)} {choice.name}: {text}")
    return lines


def took(seconds: float, work: str) -> str:
    """How long a stage took."""
    return f"{work} took {seconds:.2f} s"


def _of(pairs: Sequence[Pair], swapped: Sequence[Face]) -> list[Pair]:
    done = {face.index for face in swapped}
    return [pair for pair in pairs if pair.target.index in done]
