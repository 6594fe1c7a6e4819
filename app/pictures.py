"""All steps of a swap of one picture, and the donors that many of them share."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from ..pipeline.errors import FaceNotFoundError, SettingsError
from ..pipeline.faces.feasible import require_feasible
from ..pipeline.faces.ordering import Wanted, is_wanted
from ..pipeline.types import Face, FaceSet, FloatArray, IndexMap, Picture, Progress, Size, SwapResult
from .effects import Case
from .engine_needs import require_usable
from .hints import remark_lines
from .people import Person, Shown, each, gathered, name_of, searched
from .plan import Plan
from .report import counted, model_lines, of_one_picture

if TYPE_CHECKING:
    from .session import Session


_FILTERS: Final = (("detect_gender", "no"), ("detect_age", ""))
"""Filters of either side, and what stands for none."""


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
    """What the filters left out of the sources, and what to try for those that show no face."""
    names: tuple[str, ...] = ()
    """What messages call whom each source picture shows."""
    told: tuple[str, ...] = ()
    """Of which faces a person's donor was made, and which were left out as another person's."""


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
    """What the filters left out, and what to try where there is no face."""


def find_donors(
    session: Session,
    sources: Sequence[Shown | Person],
    references: Sequence[Shown],
    settings: Mapping[str, object],
) -> Donors:
    """The faces that count of pictures, people and saved faces, and who is to be recognised: see `Session.donors`."""
    merges = any(isinstance(source, Person) for source in sources)
    plan = session.plan("picture", settings, Case(references=bool(references), merged=merges))
    found = _found(session, searched(sources), plan, "source")
    notes = tuple(f"sources: {note}" for note in found.notes)
    own = gathered(session, plan, sources, found.faces)
    people = None
    if references:
        known = _found(session, searched(references), plan, "")
        recognised = gathered(session, plan, references, known.faces)
        people = References(recognised.pictures, recognised.faces)
        notes += tuple(f"references: {note}" for note in known.notes)
    told = (*own.told, *_unfiltered(sources, plan))
    donors = Donors(own.pictures, own.faces, people, notes, own.names, told)
    require_donors(donors, plan)
    return donors


def _unfiltered(sources: Sequence[Shown | Person], plan: Plan) -> list[str]:
    """A line for each filter of sources that was asked for where saved faces are among them."""
    if not any(shown.faces is not None for shown in each(sources)):
        return []
    asked = [f"{name}_source" for name, none in _FILTERS if plan.values[f"{name}_source"] != none]
    return [f"{name} has no effect on saved faces: whoever is named gives a face" for name in asked]


def _found(session: Session, pictures: Sequence[Picture], plan: Plan, side: str) -> Found:
    return find_faces(session, pictures, plan, side) if pictures else Found(FaceSet((), Size(0, 0)), ())


def require_donors(donors: Donors, plan: Plan) -> list[Face]:
    """The source faces that some target may get. Raises, before any target is looked at, where it is certain that no
    face can be swapped: see `pipeline.faces.feasible`, or where one of them was saved without what the engine takes."""
    people = None if donors.references is None else donors.references.faces
    try:
        reached = require_feasible(donors.faces, people, *plan.lists)
    except (FaceNotFoundError, SettingsError) as error:
        kind = FaceNotFoundError if isinstance(error, FaceNotFoundError) else SettingsError
        raise kind("; ".join([str(error), *donors.notes])) from error
    require_usable(reached, str(plan.values["swap_model"]), partial(name_of, donors.names))
    return reached


def swap_picture(
    session: Session,
    target: Picture,
    donors: Donors,
    mask: FloatArray | None,
    progress: Progress | None,
    settings: Mapping[str, object],
) -> PictureResult:
    """See `Session.swap_picture`, which raises what this raises."""
    plan = session.plan(
        "picture",
        settings,
        Case(references=donors.references is not None, source_faces=True, merged=donors.faces.merged),
    )
    require_donors(donors, plan)
    found = find_faces(session, [target], plan, "input")
    left_out = (*found.notes, *donors.notes)
    with _explained(left_out):
        index_map = _mapped(session, target, found.faces, donors, plan)
    limits = None if mask is None else [mask]
    result = session.swap(
        [target], donors.pictures, index_map, mask=limits, progress=progress, **plan.values_of("swap")
    )
    idle = (line for line in plan.notes if line not in result.report)
    swapping = list(session.plan("swap", plan.values_of("swap"), Case(merged=donors.faces.merged)).models())
    finding = model_lines(session.models, [choice for choice in plan.models() if choice not in swapping])
    measured = (*found.faces.remarks, *_remarks_of(donors), *finding)
    notes = (*(left_out if index_map.report else ()), *of_one_picture(result.report), *measured, *idle)
    return PictureResult(found.faces, index_map, result, notes)


def find_faces(session: Session, pictures: Sequence[Picture], plan: Plan, side: str) -> Found:
    """The pictures' faces, filtered as the settings of a side say, `input` or `source`, if any, and numbered."""
    gender, ages = (str(plan.values.get(f"{name}_{side}", none)) for name, none in _FILTERS)
    asked = plan.values_of("detect")
    if plan.attributes is not None:  # what suits all that is asked for, of either side
        asked["attributes"] = plan.attributes.name
    faces = session.detect(pictures, gender=gender != "no", age=bool(ages), **asked)
    order = plan.values["detection_face_order"]
    kept = session.order(faces, detection_face_order=order, detect_gender=gender, detect_age=ages)
    return Found(replace(kept, notes=()), tuple(filter(None, [filtered(faces, gender, ages), *faces.notes])))


def filtered(found: FaceSet, gender: str, ages: str = "") -> str:
    """What the filters left out of these faces, for people to read; nothing where they left out none."""
    kept = sum(is_wanted(face, Wanted(gender, ages)) for frame in found for face in frame)
    if kept == found.count:
        return ""
    asked = " and ".join(word for word in (gender if gender != "no" else "", ages) if word)
    return f"{counted(found.count, 'face')} found, {kept or 'none'} guessed {asked}"


def _remarks_of(donors: Donors) -> tuple[str, ...]:
    people = donors.references
    return remark_lines(sources=donors.faces, references=people and people.faces)


def _mapped(session: Session, target: Picture, faces: FaceSet, donors: Donors, plan: Plan) -> IndexMap:
    people = donors.references
    if people is None:
        *lists, pairing, missing = plan.lists
        # Those that tell people apart acted on the donors; whether they did, the plan says.
        return session.map(faces, donors.faces, *lists, pairing=pairing, missing=missing)
    settings = plan.values_of("map")
    return session.match(faces, donors.faces, people.faces, targets=[target], references=people.pictures, **settings)


@contextmanager
def _explained(left_out: Sequence[str]) -> Generator[None]:
    """Add to an error about a face that isn't there what the filters left out."""
    try:
        yield
    except FaceNotFoundError as error:
        raise FaceNotFoundError("; ".join([*left_out, *of_one_picture([str(error)])])) from error
