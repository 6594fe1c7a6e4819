"""Detection over a batch of pictures, and what is added to faces afterwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from ..errors import MismatchError
from ..protocols import Attributes, Detector, Embedder, Locator, Mesher
from ..types import Box, Face, FaceSet, IndexMap, Pair, Picture, Progress, Size
from .landmarks import Refiner, refined
from .views import NO_PICTURE


def detect_batch(
    pictures: Sequence[Picture],
    detector: Detector,
    *,
    refiner: Refiner | None = None,
    mesher: Mesher | None = None,
    attributes: Attributes | None = None,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
) -> FaceSet:
    """The faces of each picture, numbered as found, with landmarks by `refiner` and what the other models add."""

    def found(number: int) -> Sequence[Face]:
        return detector.detect(pictures[number])

    further = Enrichment(mesher, attributes, embedder)
    return _batch(pictures, found, refiner, further, progress)


def locate_batch(
    pictures: Sequence[Picture],
    boxes: Sequence[Sequence[Box]],
    locator: Locator,
    *,
    refiner: Refiner | None = None,
    mesher: Mesher | None = None,
    attributes: Attributes | None = None,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
) -> FaceSet:
    """The faces inside given boxes (4,) of each picture, numbered as the boxes are; boxes without a face are left out.

    Raises MismatchError unless there is a list of boxes for every picture.
    """
    if len(boxes) != len(pictures):
        raise MismatchError(f"expected a list of boxes for each of {len(pictures)} picture(s), got {len(boxes)}")

    def found(number: int) -> Sequence[Face]:
        return [face for face in locator.locate(pictures[number], boxes[number]) if face is not None]

    further = Enrichment(mesher, attributes, embedder)
    return _batch(pictures, found, refiner, further, progress)


class Enrichment(NamedTuple):
    """Models that add something to faces."""

    mesher: Mesher | None
    attributes: Attributes | None
    embedder: Embedder | None


def _batch(
    pictures: Sequence[Picture],
    found: Callable[[int], Sequence[Face]],
    refiner: Refiner | None,
    further: Enrichment,
    progress: Progress | None,
) -> FaceSet:
    frames: list[tuple[Face, ...]] = []
    remarks: list[str] = []
    for number, picture in enumerate(pictures):
        faces = [replace(face, frame=number) for face in found(number)]
        if refiner is not None:
            faces, unsure = refined(picture, faces, refiner)
            remarks += [f"frame {number}: {refiner.note(unsure)}"] if unsure else []
        faces = enriched(picture, faces, **further._asdict())
        frames.append(tuple(replace(face, index=index) for index, face in enumerate(faces)))
        if progress is not None:
            progress(number + 1, len(pictures))
    return FaceSet(tuple(frames), Size.holding(pictures), remarks=tuple(remarks))


def enriched(
    picture: Picture,
    faces: Sequence[Face],
    *,
    mesher: Mesher | None = None,
    attributes: Attributes | None = None,
    embedder: Embedder | None = None,
) -> list[Face]:
    """The faces with mesh, gender, age and embedding where a model for it is given; no mesh where none fits."""
    found = list(faces) if mesher is None else add_meshes(picture, faces, mesher)
    if attributes is not None:
        guesses = attributes.guess(picture, found)
        found = [replace(f, gender=g.gender, age=g.age) for f, g in zip(found, guesses, strict=True)]
    if embedder is not None:
        found = [replace(f, embedding=e) for f, e in zip(found, embedder.embed(picture, found), strict=True)]
    return found


def add_meshes(picture: Picture, faces: Sequence[Face], mesher: Mesher) -> list[Face]:
    """The faces with a mesh, where one is found; box and landmarks stay the detector's."""
    lacking = [face for face in faces if face.mesh is None]
    fitted = dict(zip(map(id, lacking), mesher.fit(picture, lacking), strict=True))
    return [_with_mesh(face, fitted.get(id(face))) for face in faces]


def _with_mesh(face: Face, fitted: Face | None) -> Face:
    return face if fitted is None else replace(face, mesh=fitted.mesh)


def with_meshes(
    index_map: IndexMap,
    targets: Sequence[Picture],
    sources: Sequence[Picture],
    mesher: Mesher,
    source_mesh: Callable[[Face], Face] | None = None,
) -> IndexMap:
    """The pairs with meshes on both sides; a pair without a mesh is left out, and the report says so.

    Each face is fitted once, however many pairs it is in, and stays one object in all of them. `source_mesh` gives a
    source face with its mesh where that is known already. Raises MismatchError for pairs of other pictures.
    """
    index_map.require(targets, sources)
    fitted: dict[int, Face] = {}

    def meshed(face: Face, fit: Callable[[Face], Face]) -> Face:
        if id(face) not in fitted:
            fitted[id(face)] = fit(face)
        return fitted[id(face)]

    def of_source(face: Face) -> Face:
        return add_meshes(sources[face.frame], [face], mesher)[0]

    report = list(index_map.report)
    frames: list[tuple[Pair, ...]] = []
    others: list[tuple[Face, ...]] = []
    for number, pairs in enumerate(index_map.frames):

        def of_target(face: Face, picture: Picture = targets[number]) -> Face:
            return add_meshes(picture, [face], mesher)[0]

        kept = [Pair(meshed(pair.target, of_target), meshed(pair.source, source_mesh or of_source)) for pair in pairs]
        report += [f"frame {number}, face {pair.target.index}: {_lacking(pair)}" for pair in kept if _lacking(pair)]
        frames.append(tuple(pair for pair in kept if not _lacking(pair)))
        others.append((*index_map.others_of(number), *(pair.target for pair in kept if _lacking(pair))))
    return replace(index_map, frames=tuple(frames), report=tuple(report), others=tuple(others))


def _lacking(pair: Pair) -> str:
    """What a pair lacks to be swapped; nothing where both faces have a mesh."""
    if not pair.source.pictured:
        return f"{NO_PICTURE}, not swapped"
    side = "target" if pair.target.mesh is None else "source" if pair.source.mesh is None else ""
    return f"no mesh fits the {side} face, not swapped" if side else ""
