"""Faces cut out for other tools, and put back once they are edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..pipeline.compose.face_crops import CropResult, FaceCrops, crop_batch, require_crops
from ..pipeline.compose.face_paste import paste_batch
from ..pipeline.errors import MismatchError
from ..pipeline.transparency import extended
from ..pipeline.types import FaceSet, FloatArray, Picture, Progress, Size, SwapResult
from ..pipeline.validation import require_faces, require_pictures
from .limits import fitted_limit, limits_in_range
from .report import counted

if TYPE_CHECKING:
    from .session import Session

NOTHING = "no face was cropped: the pictures are as they came in"


def crop_faces(
    session: Session,
    pictures: Sequence[Picture],
    faces: FaceSet,
    mask: Sequence[FloatArray] | None,
    progress: Progress | None,
    settings: Mapping[str, object],
) -> CropResult:
    """See `Session.crop`."""
    require_pictures(pictures, "pictures")
    require_faces(faces, "faces")
    limits = limits_in_range(mask, pictures, "mask")
    plan = session.plan("crop", settings)
    mesher, given = session.models.mesher(), extended(pictures)
    result = crop_batch(given, faces, plan.crop, mesher=mesher, limits=limits.masks, progress=progress)
    made = f"{counted(result.crops.count, 'crop')} of {plan.crop.side}×{plan.crop.side} from"
    summary = f"{made} {counted(len(pictures), 'picture')}"
    return result._replace(report=(summary, *result.report, *limits.notes, *plan.notes))


def paste_faces(
    session: Session,
    pictures: Sequence[Picture],
    edited: Sequence[Picture],
    crops: FaceCrops,
    mask: Sequence[FloatArray] | None,
    progress: Progress | None,
    settings: Mapping[str, object],
) -> SwapResult:
    """See `Session.paste`."""
    require_pictures(pictures, "pictures")
    require_pictures(edited, "crops")
    require_crops(crops, "crop_data")
    plan = session.plan("paste", settings)
    limits = limits_in_range(_fitted(mask, edited), edited, "mask")
    shown = extended(pictures)
    result = paste_batch(pictures, edited, crops, plan.swap, masks=limits.masks, shown=shown, progress=progress)
    done = f"{result.faces.count} of {counted(crops.count, 'crop')} pasted" if crops.count else NOTHING
    return replace(result, report=(done, *result.report, *limits.notes, *plan.notes))


def _fitted(mask: Sequence[FloatArray] | None, edited: Sequence[Picture]) -> Sequence[FloatArray] | None:
    """The masks in the sizes of the edited crops."""
    if mask is None:
        return None
    if len(mask) != len(edited):
        raise MismatchError(f"mask: expected {len(edited)} mask(s), one for each crop, got {len(mask)}")
    return [fitted_limit(one, Size.of(crop), "mask") for one, crop in zip(mask, edited, strict=True)]
