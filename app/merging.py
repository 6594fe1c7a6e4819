"""One donor of several faces, with what compares them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..models.catalog import find, names
from ..models.pool import ModelPool
from ..models.spec import EmbedderParams, Model
from ..pipeline.faces.identity import model_of, place_of, with_identities
from ..pipeline.faces.people import Merged, merge
from ..pipeline.protocols import Metric
from ..pipeline.transparency import greyed
from ..pipeline.types import Face, FaceSet, Picture
from ..pipeline.validation import require_pictures
from .plan import Plan
from .recognise import AUTO, embedder_of, threshold_of

_UNKNOWN = "nobody was left out: the faces carry no identities, and their pictures didn't come with them"


def merge_faces(models: ModelPool, plan: Plan, faces: FaceSet, pictures: Sequence[Picture] | None) -> FaceSet:
    """See `Session.merge`."""
    made = merged_person(models, plan, faces, pictures)
    told = made.told() if made.compared else (_UNKNOWN,)
    return replace(made.faces, notes=(*faces.notes, *told), remarks=faces.remarks)


def merged_person(models: ModelPool, plan: Plan, faces: FaceSet, pictures: Sequence[Picture] | None) -> Merged:
    """As `merge_faces`, with the faces of others. The plan's settings are those that tell people apart."""
    single = _single(faces)
    if pictures is not None:
        require_pictures(pictures, "pictures")
        faces.require(pictures, "merged")
        single = _once(single, pictures)
    row = _embedder_of(models, plan, single, pictures is not None)
    if pictures is not None and not _known(single, row.name):
        single = with_identities(single, greyed(pictures), models.embedder(row.name), models.mesher(), "merged")
    compared = _Compared.of(row) if _known(single, row.name) else None
    return merge(single, compared, threshold_of(plan))


def _single(faces: FaceSet) -> FaceSet:
    """Every view as a face of its own, in its picture."""
    views = [replace(view, views=()) for face in faces.flat() for view in face.person]
    frames = tuple(tuple(view for view in views if view.frame == frame) for frame in range(len(faces)))
    return replace(faces, frames=frames, others=())


@dataclass(frozen=True, slots=True)
class _Compared:
    """How a row's embeddings are compared, whether or not its file is there."""

    name: str
    same_person: float
    metric: Metric

    @classmethod
    def of(cls, row: Model) -> _Compared:
        known = row.params_of(EmbedderParams)
        return cls(row.name, known.same_person, known.metric)


def _embedder_of(models: ModelPool, plan: Plan, faces: FaceSet, pictured: bool) -> Model:
    """The embedder that was asked for, else the one that most of the faces can be compared by: of those whose
    identities they carry, and the built-in one. One whose file isn't there measures nothing."""
    carried = [model_of(face) for face in faces.flat()]
    known = [name for name in dict.fromkeys(carried) if name in names("embedder")]
    own = embedder_of(str(plan.values["embedder"]))
    if plan.values["embedder"] != AUTO or not known:
        return own
    usable = [name for name in known if _known(faces, name) or (pictured and models.is_there("embedder", name))]
    rows = [find("embedder", name) for name in usable] + [own]
    return max(rows, key=lambda row: _comparable(faces, row.name, pictured))


def _comparable(faces: FaceSet, model: str, pictured: bool) -> int:
    """How many faces carry an identity of a model, or can be measured."""
    return len({place_of(face) for face in faces.flat() if model_of(face) == model or (pictured and face.pictured)})


def _known(faces: FaceSet, model: str) -> bool:
    return all(model_of(face) == model for face in faces.flat() if face.pictured)


def _once(faces: FaceSet, pictures: Sequence[Picture]) -> FaceSet:
    """Without faces that are there already, in the same pixels: a picture that was given twice shows no more of a
    person. The notes of those that go stay."""
    digests = [hashlib.sha256(np.ascontiguousarray(picture).tobytes()).digest() for picture in pictures]
    first: dict[tuple[object, ...], Face] = {}
    for face in faces.flat():
        key = _same(face, digests[face.frame])
        one = first.setdefault(key, face)
        if face.consent and face.consent not in one.consent:
            first[key] = replace(one, consent="; ".join(filter(None, [one.consent, face.consent])))
    kept = list(first.values())
    return replace(faces, frames=tuple(tuple(face for face in kept if face.frame == n) for n in range(len(faces))))


def _same(face: Face, pixels: bytes) -> tuple[object, ...]:
    """Equal for faces that can't be told apart. Without a picture it is the identity that tells them."""
    who = None if face.pictured or face.embedding is None else face.embedding
    identity = None if who is None else (who.model, who.vector.tobytes())
    return (face.pictured, pixels, identity, face.box.tobytes(), face.landmarks.tobytes())
