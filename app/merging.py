"""One donor of several faces, with what compares them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..models.pool import ModelPool
from ..pipeline.faces.identity import model_of, with_identities
from ..pipeline.faces.people import Merged, merge
from ..pipeline.protocols import Embedder
from ..pipeline.transparency import greyed
from ..pipeline.types import Face, FaceSet, Picture
from ..pipeline.validation import require_pictures
from .plan import Plan
from .recognise import embedder_of, threshold_of

_UNKNOWN = "nobody was left out: the faces carry no identities, and their pictures didn't come with them"


def merge_faces(models: ModelPool, plan: Plan, faces: FaceSet, pictures: Sequence[Picture] | None) -> FaceSet:
    """See `Session.merge`."""
    made = merged_person(models, plan, faces, pictures)
    told = made.told() if made.compared else (_UNKNOWN,)
    return replace(made.faces, notes=(*faces.notes, *told), remarks=faces.remarks)


def merged_person(models: ModelPool, plan: Plan, faces: FaceSet, pictures: Sequence[Picture] | None) -> Merged:
    """As `merge_faces`, with the faces of others. The plan's settings are those that tell people apart."""
    single = _single(faces)
    embedder = models.embedder(embedder_of(str(plan.values["embedder"]), single).name)
    if pictures is not None:
        require_pictures(pictures, "pictures")
        single = with_identities(single, greyed(pictures), embedder, models.mesher(), "merged")
    known = _known(single, embedder)
    return merge(single, embedder if known else None, threshold_of(plan))


def _single(faces: FaceSet) -> FaceSet:
    """Every view as a face of its own, in its picture."""
    views = [replace(view, views=()) for face in faces.flat() for view in face.person]
    frames = tuple(tuple(view for view in views if view.frame == frame) for frame in range(len(faces)))
    return replace(faces, frames=frames, others=())


def _known(faces: FaceSet, embedder: Embedder) -> bool:
    shown: list[Face] = [face for face in faces.flat() if face.pictured]
    return all(model_of(face) == embedder.name for face in shown)
