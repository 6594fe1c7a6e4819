"""What a report says even where all went well: who got whom, and which models under which licences did it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from .report import Json, counted

if TYPE_CHECKING:
    from ..models.pool import ModelPool
    from ..models.spec import Kind
    from ..pipeline.types import Face, FaceSet, IndexMap, Pair
    from .plan import Plan

_KINDS = {
    "detector": "facedetection",
    "swapper": "swap_model",
    "parser": "occluder",
    "expression": "expression",
    "restorer": "face_restore",
    "embedder": "embedder",
    "attributes": "attributes",
    "landmarker": "landmarks",
    "mesher": "mesh",
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


def of_consent(donors: Iterable[Face]) -> list[str]:
    """What saved faces say of what was agreed about their use, once a donor."""
    lines = (f"source {donor.index}: consent: {note}" for donor in donors for note in donor.consents)
    return list(dict.fromkeys(lines))


class Ran(NamedTuple):
    """A model of some work."""

    use: str
    """What it is to the work: the setting that chooses it, where there is one."""
    name: str
    licences: tuple[str, ...]
    """Of its files; none where it needs no file."""

    def __str__(self) -> str:
        text = f"licence {', '.join(self.licences)}" if self.licences else "needs no model file"
        return f"{self.use} {self.name}: {text}"

    def as_json(self) -> dict[str, Json]:
        return {"use": self.use, "name": self.name, "licences": self.licences}


def of_models(models: ModelPool, plan: Plan, people: Sequence[FaceSet] = ()) -> list[Ran]:
    """Every model of a plan's work, those that ship too. `people`: faces whose identities say which embedder goes on
    with them."""
    chosen: list[tuple[Kind, str]] = [(one.kind, one.name) for one in plan.models()]
    each = dict.fromkeys([*chosen, *_shipped(plan, people)])
    return [Ran(_KINDS.get(kind, kind), name, tuple(models.licences(kind, name))) for kind, name in each]


def _shipped(plan: Plan, people: Sequence[FaceSet]) -> Iterator[tuple[Kind, str]]:
    """What a plan's work opens beside what has to be looked for."""
    if plan.meshes:
        yield "mesher", "facemesh"
    if plan.attributes is not None:
        yield "attributes", plan.attributes.name
    if plan.recognises:
        from .recognise import embedder_of  # with OpenCV, which listing the nodes does without

        yield "embedder", embedder_of(str(plan.values.get("embedder", "auto")), *people).name


def took(seconds: float, work: str) -> str:
    """How long a stage took."""
    return f"{work} took {seconds:.2f} s"


def _of(pairs: Sequence[Pair], swapped: Sequence[Face]) -> list[Pair]:
    done = {face.index for face in swapped}
    return [pair for pair in pairs if pair.target.index in done]
