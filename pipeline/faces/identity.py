"""Who faces show: what their identities come to, and how far apart they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from ..errors import SettingsError
from ..protocols import Comparison, Embedder, Mesher, Metric
from ..types import Average, Embedding, Face, FaceSet, FloatArray, Picture, Vector
from .detect import enriched

TELLING_SIDE: Final = 80.0
"""Pixels of a face from which on it tells as much of who it is as any."""


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
