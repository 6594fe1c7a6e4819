"""Recognising people: which network compares faces, and who becomes whom by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..models.catalog import MODELS, find
from ..models.pool import ModelPool
from ..models.spec import Model
from ..pipeline.faces.identity import match_identities, with_identities
from ..pipeline.types import FaceSet, IndexMap, Picture
from ..pipeline.validation import require_pictures
from .plan import Plan

AUTO = "auto"
_BUILT_IN = "dlib128"


def embedder_of(name: str, *carriers: FaceSet) -> Model:
    """The embedder of that name; `auto` is the one whose identities the faces carry, else the built-in one."""
    if name != AUTO:
        return find("embedder", name)
    known = {row.params["numbers"]: row for row in MODELS if row.kind == "embedder"}
    carried = [len(face.embedding) for faces in carriers for face in faces.flat() if face.embedding is not None]
    return next((known[length] for length in carried if length in known), find("embedder", _BUILT_IN))


def match_faces(
    models: ModelPool,
    plan: Plan,
    target_faces: FaceSet,
    source_faces: FaceSet,
    reference_faces: FaceSet,
    targets: Sequence[Picture] | None,
    references: Sequence[Picture] | None,
) -> IndexMap:
    """See `Session.match`."""
    for name, pictures in (("targets", targets), ("references", references)):
        if pictures is not None:
            require_pictures(pictures, name)
    row = embedder_of(str(plan.values["embedder"]), reference_faces, target_faces)
    model, mesher, numbers = models.embedder(row.name), models.mesher(), row.params["numbers"]
    if targets is not None:
        target_faces = with_identities(target_faces, targets, model, numbers, mesher, "target")
    if references is not None:
        reference_faces = with_identities(reference_faces, references, model, numbers, mesher, "reference")
    threshold = float(plan.values["identity_threshold"]) or model.same_person
    made = match_identities(
        target_faces, reference_faces, source_faces, *plan.lists, metric=model.metric, threshold=threshold
    )
    return replace(made, report=(*made.report, *plan.notes))
