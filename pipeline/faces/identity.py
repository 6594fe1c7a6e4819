"""Who becomes whom by looks: target faces that look like a reference face take that reference's source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from ..errors import FaceNotFoundError, SettingsError
from ..protocols import Comparison, Embedder, Mesher, Metric
from ..types import Average, Embedding, Face, FaceSet, FloatArray, IndexMap, Pair, Picture, Vector
from .detect import enriched
from .index_list import Span
from .pairing import join_spans, numbered, pair_faces, unpaired

TELLING_SIDE: Final = 80.0
"""Pixels of a face from which on it tells as much of who it is as any."""


class Match(NamedTuple):
    """One target face that looks like a reference face."""

    target: int
    """Its place in its picture."""
    reference: int
    distance: float


def match_identities(
    target_faces: FaceSet,
    reference_faces: FaceSet,
    source_faces: FaceSet,
    input_faces_index: str = "*",
    source_faces_index: str = "*",
    pairing: str = "pairwise",
    missing: str = "skip",
    *,
    embedder: Embedder,
    threshold: float | None = None,
) -> IndexMap:
    """Pair target faces with the sources of the reference faces that they look like.

    The lists pair references with sources as `map_indexes` pairs targets with sources; references are numbered through
    all reference pictures. In each target picture a face and a reference go together if their embeddings, which are
    `embedder`'s, are less than `threshold` apart (None: the embedder's own); the nearest go together first, each face
    and each reference once, of equal distances the lower reference, then the lower face. References without a source
    take part too, so that their faces go to nobody else.

    `missing`: `error` raises FaceNotFoundError where a reference with a source isn't found in a picture. The report
    gives the distances. Raises SettingsError where faces have no embeddings or such of another model, IndexListError.
    """
    threshold = embedder.same_person if threshold is None else threshold
    references = [numbered(face, number) for number, face in enumerate(reference_faces.flat())]
    pairs, lines = pair_faces(
        references, source_faces, input_faces_index, source_faces_index, pairing, missing, noun="reference"
    )
    partners = {pair.target.index: pair.source for pair in pairs}
    tables = [distances(faces, references, embedder) for faces in target_faces]
    matches = [assign(table, threshold) for table in tables]
    if missing == "error":
        _require_found(matches, partners)
    frames = tuple(
        tuple(
            Pair(numbered(faces[match.target], match.target), partners[match.reference])
            for match in found
            if match.reference in partners
        )
        for faces, found in zip(target_faces, matches, strict=True)
    )
    report = (f"matched by identity: {embedder.metric} distance, threshold {threshold:g}", *lines)
    report += tuple(line for number in sorted(partners) for line in _told(number, partners[number], matches, tables))
    report += tuple(_also_alike(matches, tables, partners, threshold))
    others = unpaired(target_faces, frames)
    return IndexMap(frames, report, target_faces.size, source_faces.size, len(source_faces), others)


def with_identities(
    faces: FaceSet, pictures: Sequence[Picture], embedder: Embedder, mesher: Mesher, what: str
) -> FaceSet:
    """The faces with embeddings of this embedder, computed where they lack them; `pictures` are theirs.

    `what` they are is for MismatchError, where they aren't the pictures that the faces were found in. Raises what
    embedder and mesher raise.
    """
    faces.require(pictures, what)

    def measured(picture: Picture, some: Sequence[Face]) -> tuple[Face, ...]:
        lacking = [face for face in some if face.pictured and model_of(face) != embedder.name]
        made = iter(enriched(picture, lacking, mesher=mesher, embedder=embedder))
        return tuple(next(made) if any(face is other for other in lacking) else face for face in some)

    def with_views(face: Face) -> Face:
        views = [one for view in face.views for one in measured(pictures[view.frame], [view])]
        return replace(face, views=tuple(views)) if views else face

    frames = (measured(*both) for both in zip(pictures, faces, strict=True))
    return replace(faces, frames=tuple(tuple(map(with_views, some)) for some in frames))


def model_of(face: Face) -> str | None:
    """The model of the identity that a face carries; None where it carries none."""
    return None if face.embedding is None else face.embedding.model


def average_of(vectors: Sequence[Vector], average: Average = "mean") -> Vector:
    """What identities (D,) of one model come to: the mean or median of their directions, as long as they are on
    average. One by itself stays as it is. Raises SettingsError where they have no direction together."""
    if len(vectors) == 1:
        return vectors[0]
    rows = np.array(vectors, np.float64)
    lengths = np.linalg.norm(rows, axis=1)
    units = rows / np.maximum(lengths[:, None], 1e-12)
    middle = units.mean(0) if average == "mean" else np.median(units, axis=0)
    length = float(np.linalg.norm(middle))
    if length < 1e-6:
        raise SettingsError("the views of a person contradict each other: their identities have no common direction")
    return np.asarray(middle / length * lengths.mean(), np.float32)


def vectors_of(person: Sequence[Face], model: str) -> list[Vector]:
    """The identities of a model that somebody's faces carry. What was saved of a face counts once, beside what its
    picture shows."""
    own = [(face, face.embedding.vector) for face in person if face.embedding and face.embedding.model == model]
    shown = {place_of(face) for face, _ in own if face.pictured}
    return [vector for face, vector in own if face.pictured or place_of(face) not in shown]


def identity_of(person: Sequence[Face], model: str) -> Embedding | None:
    """Who somebody is, of all faces that carry an identity of a model; None where none does."""
    vectors = vectors_of(person, model)
    return Embedding(average_of(vectors), model) if vectors else None


def place_of(face: Face) -> tuple[float, ...]:
    """Where a face is: views at one place are one face, that several models measured."""
    return (face.frame, *face.box.tolist())


def distances(faces: Sequence[Face], references: Sequence[Face], embedder: Comparison) -> FloatArray:
    """(faces, references) how far apart they are, by the embedder's metric; see `apart_from`.

    Raises SettingsError unless all of them carry an embedding of this embedder.
    """
    some, people = require_identities(faces, "target", embedder), require_people(references, "reference", embedder)
    return apart_from(some, people, embedder.metric)


def apart_from(some: FloatArray, people: Sequence[FloatArray], metric: Metric) -> FloatArray:
    """(N, M) how far vectors (N, D) are from people, each known by vectors (V, D): on average.

    That is what groups of faces are made by. The distance to a mean is less the more views there are, for strangers
    too: one threshold wouldn't fit both.
    """
    if not people:
        return np.zeros((len(some), 0))
    return np.stack([apart(some, views, metric).mean(1) for views in people], 1)


def apart(some: FloatArray, others: FloatArray, metric: Metric) -> FloatArray:
    """(N, M) how far vectors (N, D) are from others (M, D) of the same model: Euclidean, or 1 − cosine (0 to 2)."""
    if not len(some) or not len(others):
        return np.zeros((len(some), len(others)))
    if metric == "cosine":
        return 1 - _units(some) @ _units(others).T
    # One by one: the differences of all pairs at once may be gigabytes.
    return np.stack([np.linalg.norm(one - others, axis=1) for one in some])


def assign(table: FloatArray, threshold: float) -> list[Match]:
    """The matches of one picture's (faces, references) distances, by target."""
    order = sorted(
        (float(distance), reference, target)
        for (target, reference), distance in np.ndenumerate(table)
        if distance < threshold
    )
    found: dict[int, Match] = {}
    taken: set[int] = set()
    for distance, reference, target in order:
        if target not in found and reference not in taken:
            found[target] = Match(target, reference, distance)
            taken.add(reference)
    return [found[target] for target in sorted(found)]


def require_identities(faces: Sequence[Face], what: str, embedder: Comparison) -> FloatArray:
    """(N, D) the faces' embeddings, of several views what they come to. Raises SettingsError unless all of them carry
    one of this embedder's."""
    return np.array([average_of(list(views)) for views in require_people(faces, what, embedder)], np.float64)


def require_people(faces: Sequence[Face], what: str, embedder: Comparison) -> list[FloatArray]:
    """(V, D) the embeddings of each face and its views. Raises SettingsError unless each has one of this embedder's."""
    found = [vectors_of(face.person, embedder.name) for face in faces]
    if all(found):
        return [np.array(vectors, np.float64) for vectors in found]
    others = sorted({model for face in faces for model in map(model_of, face.person) if model} - {embedder.name})
    if not others:
        raise SettingsError(
            f"the {what} faces carry no identity: detect them with identity, or give their pictures to this step"
        )
    raise SettingsError(
        f"the {what} faces carry identities of {', '.join(others)}, which can't be compared with those of "
        f"{embedder.name}: give their pictures to this step, or choose that embedder"
    )


def _units(vectors: FloatArray) -> FloatArray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)


def _require_found(matches: Sequence[Sequence[Match]], partners: dict[int, Face]) -> None:
    for frame, found in enumerate(matches):
        lost = sorted(partners.keys() - {match.reference for match in found})
        if lost:
            raise nobody_like(lost, f"frame {frame}")


def nobody_like(references: Sequence[int], where: str) -> FaceNotFoundError:
    """The error for references that were asked for and not found in some frame or frames."""
    return FaceNotFoundError(
        f"{where}: nobody looks like reference {', '.join(map(str, references))}. Raise the threshold, name other "
        "references, or let missing 'skip' them."
    )


def _told(reference: int, source: Face, matches: Sequence[Sequence[Match]], tables: Sequence[FloatArray]) -> list[str]:
    """Where one reference was found and how near, and where it wasn't and how far the nearest face was."""
    found = [(frame, match) for frame, some in enumerate(matches) for match in some if match.reference == reference]
    lines: list[str] = []
    if found:
        targets = sorted({match.target for _, match in found})
        who = f"target {targets[0]}" if len(targets) == 1 else "targets " + ", ".join(map(str, targets))
        apart = [match.distance for _, match in found]
        near = shown_range(min(apart), max(apart))
        where = join_spans(Span(frame, frame) for frame, _ in found)
        lines.append(
            f"reference {reference} → source {source.index}: {who} in {_frames(found)} {where}, distance {near}"
        )
    seen = {frame for frame, _ in found}
    lost = [frame for frame in range(len(matches)) if frame not in seen]
    if lost:
        near = [float(tables[frame][:, reference].min()) for frame in lost if len(tables[frame])]
        nearest = f", nearest face {min(near):.2f} away" if near else ""
        where = join_spans(Span(frame, frame) for frame in lost)
        lines.append(f"reference {reference} not found in {_frames(lost)} {where}{nearest}")
    return lines


def _also_alike(
    matches: Sequence[Sequence[Match]], tables: Sequence[FloatArray], partners: dict[int, Face], threshold: float
) -> Iterator[str]:
    """A line for each reference with a source that further faces look like: the same person twice in a picture, such as
    in a mirror, or somebody alike."""
    seen: dict[int, list[tuple[int, Match]]] = {}
    for frame, (found, table) in enumerate(zip(matches, tables, strict=True)):
        taken = {match.target for match in found}
        for target, row in enumerate(table):
            if target not in taken and len(row) and row.min() < threshold:
                nearest = Match(target, int(row.argmin()), float(row.min()))
                seen.setdefault(nearest.reference, []).append((frame, nearest))
    for reference in sorted(seen.keys() & partners.keys()):
        near = [match.distance for _, match in seen[reference]]
        targets = sorted({match.target for _, match in seen[reference]})
        who = f"target {targets[0]} looks" if len(targets) == 1 else f"targets {', '.join(map(str, targets))} look"
        numbers = sorted({frame for frame, _ in seen[reference]})
        where = f"{_frames(numbers)} {join_spans(Span(frame, frame) for frame in numbers)}"
        yield (
            f"reference {reference}: {who} like it too in {where}, {shown_range(min(near), max(near))} away: each "
            "person is swapped once a picture"
        )


def _frames(items: Sequence[object]) -> str:
    return "frame" if len(items) == 1 else "frames"


def shown_range(low: float, high: float) -> str:
    """Distances as reports give them."""
    return f"{low:.2f}" if f"{low:.2f}" == f"{high:.2f}" else f"{low:.2f} to {high:.2f}"
