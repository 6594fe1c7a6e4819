"""Detection over a batch of pictures, and what is added to faces afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .types import (
    Attributes,
    Detector,
    Embedder,
    Face,
    FaceSet,
    IndexMap,
    Mesher,
    Pair,
    Picture,
    Progress,
    Size,
)


def detect_batch(
    pictures: Sequence[Picture],
    detector: Detector,
    *,
    mesher: Mesher | None = None,
    attributes: Attributes | None = None,
    embedder: Embedder | None = None,
    progress: Progress | None = None,
) -> FaceSet:
    """The faces of each picture, numbered as found, with what the given models add."""
    frames: list[tuple[Face, ...]] = []
    for number, picture in enumerate(pictures):
        faces = [replace(face, frame=number) for face in detector.detect(picture)]
        faces = enriched(picture, faces, mesher=mesher, attributes=attributes, embedder=embedder)
        frames.append(tuple(replace(face, index=index) for index, face in enumerate(faces)))
        if progress is not None:
            progress(number + 1, len(pictures))
    return FaceSet(tuple(frames), Size.holding(pictures))


def enriched(
    picture: Picture,
    faces: Sequence[Face],
    *,
    mesher: Mesher | None = None,
    attributes: Attributes | None = None,
    embedder: Embedder | None = None,
) -> list[Face]:
    """The faces with mesh, gender and embedding where a model for it is given.

    A face under which no mesh is found stays as it is but for the mesh: then gender and embedding stay None too.
    """
    found = list(faces) if mesher is None else add_meshes(picture, faces, mesher)
    able = [i for i, face in enumerate(found) if mesher is None or face.mesh is not None]
    chosen = [found[i] for i in able]
    if attributes is not None:
        chosen = [replace(f, gender=g) for f, g in zip(chosen, attributes.genders(picture, chosen), strict=True)]
    if embedder is not None:
        chosen = [replace(f, embedding=e) for f, e in zip(chosen, embedder.embed(picture, chosen), strict=True)]
    for i, face in zip(able, chosen, strict=True):
        found[i] = face
    return found


def add_meshes(picture: Picture, faces: Sequence[Face], mesher: Mesher) -> list[Face]:
    """The faces with a mesh, where one is found; box and landmarks stay the detector's."""
    lacking = [face for face in faces if face.mesh is None]
    fitted = dict(zip(map(id, lacking), mesher.fit(picture, lacking), strict=True))
    return [_with_mesh(face, fitted.get(id(face))) for face in faces]


def _with_mesh(face: Face, fitted: Face | None) -> Face:
    return face if fitted is None else replace(face, mesh=fitted.mesh)


def with_meshes(
    index_map: IndexMap, targets: Sequence[Picture], sources: Sequence[Picture], mesher: Mesher
) -> IndexMap:
    """The pairs with meshes on both sides; a pair without a mesh is left out, and the report says so."""
    index_map.require(targets, sources)
    report = list(index_map.report)
    frames: list[tuple[Pair, ...]] = []
    for number, pairs in enumerate(index_map.frames):
        kept: list[Pair] = []
        for pair in pairs:
            target = add_meshes(targets[number], [pair.target], mesher)[0]
            source = add_meshes(sources[pair.source.frame], [pair.source], mesher)[0]
            if target.mesh is None or source.mesh is None:
                side = "target" if target.mesh is None else "source"
                report.append(f"picture {number}, face {pair.target.index}: no mesh fits the {side} face, not swapped")
                continue
            kept.append(Pair(target, source))
        frames.append(tuple(kept))
    return replace(index_map, frames=tuple(frames), report=tuple(report))
