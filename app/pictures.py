"""All steps of a swap of one picture, and the donors that many of them share."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from ..pipeline.errors import FaceNotFoundError, SettingsError
from ..pipeline.faces.feasible import require_feasible
from ..pipeline.types import FaceSet, FloatArray, IndexMap, Picture, Progress, SwapResult
from .effects import Case
from .plan import Plan
from .report import counted, of_one_picture

if TYPE_CHECKING:
    from .session import Session


class References(NamedTuple):
    """The people that targets are recognised by."""

    pictures: Sequence[Picture] | None
    """None where the faces carry their identities."""
    faces: FaceSet


class Donors(NamedTuple):
    """What gives the faces: the same for every target."""

    pictures: Sequence[Picture]
    faces: FaceSet
    references: References | None = None
    notes: tuple[str, ...] = ()
    """What the gender filter left out of the sources, and what to try for those that show no face."""


class PictureResult(NamedTuple):
    """What became of one picture."""

    faces: FaceSet
    """Those of the target that count."""
    index_map: IndexMap
    result: SwapResult
    notes: tuple[str, ...]
    """Lines to read, without the number of the only picture."""


class Found(NamedTuple):
    faces: FaceSet
    notes: tuple[str, ...]
    """What the gender filter left out, and what to try where there is no face."""


def find_donors(
    session: Session, sources: Sequence[Picture], references: Sequence[Picture], settings: Mapping[str, object]
) -> Donors:
    """See `Session.donors`."""
    plan = session.plan("picture", settings, Case(references=bool(references)))
    found = find_faces(session, sources, plan, "detect_gender_source")
    notes = tuple(f"sources: {note}" for note in found.notes)
    people = None
    if references:
        known = find_faces(session, references, plan, "")
        people = References(references, known.faces)
        notes += tuple(f"references: {note}" for note in known.notes)
    donors = Donors(sources, found.faces, people, notes)
    require_donors(donors, plan)
    return donors


def require_donors(donors: Donors, plan: Plan) -> None:
    """Raise, before any target is looked at, where it is certain that no face can be swapped: see
    `pipeline.faces.feasible`."""
    people = None if donors.references is None else donors.references.faces
    try:
        require_feasible(donors.faces, people, *plan.lists)
    except (FaceNotFoundError, SettingsError) as error:
        kind = FaceNotFoundError if isinstance(error, FaceNotFoundError) else SettingsError
        raise kind("; ".join([str(error), *donors.notes])) from error


def swap_picture(
    session: Session,
    target: Picture,
    donors: Donors,
    mask: FloatArray | None,
    progress: Progress | None,
    settings: Mapping[str, object],
) -> PictureResult:
    """See `Session.swap_picture`, which raises what this raises."""
    plan = session.plan("picture", settings, Case(references=donors.references is not None, source_faces=True))
    require_donors(donors, plan)
    found = find_faces(session, [target], plan, "detect_gender_input")
    left_out = (*found.notes, *donors.notes)
    with _explained(left_out):
        index_map = _mapped(session, target, found.faces, donors, plan)
    limits = None if mask is None else [mask]
    result = session.swap(
        [target], donors.pictures, index_map, mask=limits, progress=progress, **plan.values_of("swap")
    )
    idle = (line for line in plan.notes if line not in result.report)
    notes = (*(left_out if index_map.report else ()), *of_one_picture(result.report), *idle)
    return PictureResult(found.faces, index_map, result, notes)


def find_faces(session: Session, pictures: Sequence[Picture], plan: Plan, gender: str) -> Found:
    """The pictures' faces, filtered by the setting `gender` names, if any, and numbered."""
    wanted = str(plan.values[gender]) if gender else "no"
    faces = session.detect(pictures, gender=wanted != "no", **plan.values_of("detect"))
    order = plan.values["detection_face_order"]
    kept = session.order(faces, detection_face_order=order, detect_gender=wanted)
    return Found(replace(kept, notes=()), tuple(filter(None, [filtered(faces, wanted), *faces.notes])))


def filtered(found: FaceSet, gender: str) -> str:
    """What a gender filter left out of these faces, for people to read; nothing where it left out none."""
    guessed = sum(face.gender == gender for frame in found for face in frame)
    if gender == "no" or guessed == found.count:
        return ""
    return f"{counted(found.count, 'face')} found, {guessed or 'none'} guessed {gender}"


def _mapped(session: Session, target: Picture, faces: FaceSet, donors: Donors, plan: Plan) -> IndexMap:
    settings = plan.values_of("map")
    if donors.references is None:
        return session.map(faces, donors.faces, **settings)
    people = donors.references
    return session.match(faces, donors.faces, people.faces, targets=[target], references=people.pictures, **settings)


@contextmanager
def _explained(left_out: Sequence[str]) -> Generator[None]:
    """Add to an error about a face that isn't there what the gender filter left out."""
    try:
        yield
    except FaceNotFoundError as error:
        raise FaceNotFoundError("; ".join([*left_out, *of_one_picture([str(error)])])) from error
