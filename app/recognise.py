"""Recognising people: which network compares faces, and who becomes whom by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..models.catalog import find, names
from ..models.pool import ModelPool
from ..models.spec import Model
from ..pipeline.faces.identity import model_of, with_identities
from ..pipeline.faces.matching import match_identities
from ..pipeline.protocols import Embedder
from ..pipeline.transparency import greyed
from ..pipeline.types import FaceSet, IndexMap, Picture
from ..pipeline.validation import require_pictures
from .hints import hint_lines
from .plan import Plan

AUTO = "auto"
_BUILT_IN = "dlib128"


def embedder_of(name: str, *carriers: FaceSet) -> Model:
    """The embedder of that name; `auto` is the one whose identities the faces carry, else the built-in one."""
    if name != AUTO:
        return find("embedder", name)
    carried = [model_of(face) for faces in carriers for face in faces.flat()]
    return find("embedder", next((model for model in carried if model in names("embedder")), _BUILT_IN))


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
    if targets is not None:
        require_pictures(targets, "targets")
    model, reference_faces = known_references(models, plan, reference_faces, references, target_faces)
    if targets is not None:
        target_faces = with_identities(target_faces, greyed(targets), model, models.mesher(), "target")
    made = match_identities(
        target_faces, reference_faces, source_faces, *plan.lists, embedder=model, threshold=threshold_of(plan)
    )
    told = hint_lines(target_faces, source_faces, reference_faces)
    return replace(made, report=(*made.report, *told, *plan.notes))


def known_references(
    models: ModelPool,
    plan: Plan,
    faces: FaceSet,
    pictures: Sequence[Picture] | None,
    *others: FaceSet,
) -> tuple[Embedder, FaceSet]:
    """What compares people, and the reference faces with its identities, measured where they lack them.

    `auto` looks at the identities of the reference faces, then at those of `others`.
    """
    if pictures is not None:
        require_pictures(pictures, "references")
    model = models.embedder(embedder_of(str(plan.values["embedder"]), faces, *others).name)
    if pictures is not None:
        faces = with_identities(faces, greyed(pictures), model, models.mesher(), "reference")
    return model, faces


def threshold_of(plan: Plan) -> float | None:
    """The distance that was asked for; None for the embedder's own."""
    return float(plan.values["identity_threshold"]) or None
