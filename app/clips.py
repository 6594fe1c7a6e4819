"""The swap of a clip, from file to file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ..media.clips import Clip, ClipResult, Marks, OnFrame, part_of, swap_file
from ..pipeline.clip.assignment import Assignment
from ..pipeline.clip.flow import Engine
from ..pipeline.clip.recognition import Recognition
from ..pipeline.clip.watching import Models, Watcher
from ..pipeline.errors import FaceNotFoundError, SettingsError
from ..pipeline.faces.ordering import Wanted
from ..pipeline.faces.views import NO_PICTURE
from ..pipeline.protocols import Embedder, Swapper
from ..pipeline.types import Face, FaceSet, Notice, Picture, Progress
from ..pipeline.validation import require_pictures
from .effects import Case
from .hints import TURNS, age_lines, remark_lines
from .marks import MarkedClip, made_by, marked_clip
from .pictures import Donors, Found, References, find_faces, require_donors
from .plan import Plan
from .recognise import embedder_of, known_references, threshold_of
from .told import of_consent

if TYPE_CHECKING:
    from .session import Session

_ELSEWHERE: Final = ("start", "end", "duration", "resume", "hardware", "mark")
"""Settings that the swapped faces don't depend on, or that the encoding's own identity holds."""


class ClipSources(NamedTuple):
    """Where the faces of a clip's people come from, and who is to be recognised."""

    sources: Sequence[Picture]
    source_faces: FaceSet | None = None
    """The faces of `sources`, detected and ordered; None finds and numbers them."""
    references: Sequence[Picture] | None = None
    """Pictures of people to recognise; may be missing where their faces carry identities."""
    reference_faces: FaceSet | None = None
    """The faces of `references`; None finds and numbers them."""

    @property
    def has_references(self) -> bool:
        return self.references is not None or self.reference_faces is not None


class _References(NamedTuple):
    """Reference faces with identities, and what compares them."""

    embedder: Embedder
    faces: FaceSet


def swap_clip(
    session: Session,
    target: str | os.PathLike[str] | BufferedIOBase | Clip,
    output: str | os.PathLike[str],
    given: ClipSources,
    progress: Progress | None,
    notice: Notice | None,
    on_frame: OnFrame | None,
    settings: Mapping[str, object],
) -> ClipResult:
    """Swap the faces of a clip into the file `output` (.mp4, .mov, .mkv or .webm), in memory that doesn't grow with it.

    Faces that aren't given are found in their pictures and numbered by `detection_face_order`. With `track`, people
    are followed: those in the first frame of a scene are numbered by `detection_face_order`, those who appear later get
    the next numbers, and after a cut the numbers start over. The lists are read over everybody seen in the scene so far
    when a person appears, and what a person becomes stays so. Without `track` each frame is by itself.

    With reference faces the target numbers count those, and whoever looks like one takes its source, in every scene and
    wherever they are: see `pipeline.clip.recognition`.

    `start` and `end` keep a part: the frames from the one to before the other, counted from the beginning of `target`,
    which may be a `Clip`, a part of a file itself.

    `missing` `error` is raised at the end of a scene that shows people and lacks one asked for. `progress` and
    `on_frame` are called once a frame, `notice` before the first with what the output can't hold. Raises ImageError,
    SettingsError, BusyError where another command is writing the output, and the models' errors, and before any work
    FaceNotFoundError or SettingsError where it is certain that no face can be swapped, or that no frame is in the part.
    """
    _require_files(target, output)
    known = given.source_faces
    merged = known is not None and known.merged
    case = Case(source_faces=known is not None, references=given.has_references, merged=merged)
    plan = session.plan("clip", settings, case)
    clip = kept_part(target, plan)
    donors = _donors(session, given, plan)
    swapper = session.swapper(plan)
    donors = donors._replace(faces=_usable(session, donors, swapper))
    plan = replace(plan, case=case._replace(merged=donors.faces.merged))
    reached = require_donors(donors, plan)
    people = donors.references
    references = people and _References(*known_references(session.models, plan, people.faces, people.pictures))
    engine = Engine(
        session.prepared.of(donors.pictures, swapper),
        swapper,
        plan.swap,
        session.parsers(plan),
        session.stages(plan),
        session.models.mesher(),
    )
    marker, marked = session.marker(made_by(plan.values), plan.values), list[MarkedClip]()

    def marks(swapped: int) -> Marks:
        marked.append(marked_clip(marker, clip, Path(output), swapped))
        return marked[-1].given

    result = swap_file(
        clip,
        output,
        _watcher(session, plan, swapper, donors.faces, references),
        engine,
        plan.clip,
        identity=_digest(plan, donors, references),
        hardware=bool(plan.values["hardware"]),
        resume=bool(plan.values["resume"]),
        progress=progress,
        notice=notice,
        on_frame=on_frame,
        marks=marks,
    )
    hints = () if result.swapped or plan.values["turns"] else (TURNS,)
    measured = (*remark_lines(sources=donors.faces, references=people and people.faces), *age_lines(plan))
    told = (
        *hints,
        *donors.notes,
        *of_consent(reached),
        *measured,
        *plan.notes,
        *session.swap_lines(plan, result.swapped),
    )
    names = tuple(name for one in marked for name in one.names)
    return result._replace(report=(*result.report, *told, *(note for one in marked for note in one.notes)), marks=names)


def kept_part(target: str | os.PathLike[str] | BufferedIOBase | Clip, plan: Plan) -> Clip:
    """The part of a clip that a plan keeps. Raises ImageError, and SettingsError where no frame is in it."""
    clip = target if isinstance(target, Clip) else Clip(target)
    return part_of(clip, *plan.part, float(plan.values["duration"]))


def _require_files(target: object, output: object) -> None:
    if not isinstance(target, str | os.PathLike | BufferedIOBase | Clip):
        raise SettingsError(f"target: expected a path or an open binary file, got {type(target).__name__}")
    if not isinstance(output, str | os.PathLike):
        raise SettingsError(f"output: expected a path, got {type(output).__name__}")


def _donors(session: Session, given: ClipSources, plan: Plan) -> Donors:
    """The sources and references with the faces that count. Raises where none of them can be used."""
    if given.source_faces is not None:
        given.source_faces.require(given.sources, "source")
    found = _found(session, given.sources, given.source_faces, plan, "source")
    notes = [f"sources: {note}" for note in found.notes]
    people = None
    if given.has_references:
        if given.references is not None:
            require_pictures(given.references, "references")
        known = _found(session, given.references, given.reference_faces, plan, "")
        people = References(given.references, known.faces)
        notes += [f"references: {note}" for note in known.notes]
    donors = Donors(given.sources, found.faces, people, tuple(notes))
    require_donors(donors, plan)
    return donors


def _found(session: Session, pictures: Sequence[Picture] | None, faces: FaceSet | None, plan: Plan, side: str) -> Found:
    """The faces as they were given, or else those that the pictures show."""
    if faces is None:
        return find_faces(session, () if pictures is None else pictures, plan, side)
    return Found(replace(faces, notes=()), faces.notes)


def _usable(session: Session, donors: Donors, swapper: Swapper) -> FaceSet:
    """The source faces, with meshes where the engine needs them; those that no mesh fits are left out. Saved faces
    without pictures stay, so that the numbers go on: none of them is asked for."""
    if not swapper.needs_mesh:
        return donors.faces
    mesher = session.models.mesher()
    frames = tuple(
        tuple(session.prepared.with_mesh(face, donors.pictures, mesher) for face in faces) for faces in donors.faces
    )
    kept = tuple(tuple(face for face in faces if not _shown(face) or face.mesh is not None) for faces in frames)
    usable = replace(donors.faces, frames=kept)
    if not any(map(_shown, usable.flat())):
        lacking = "no mesh fits any source face" if any(f.pictured for f in donors.faces.flat()) else NO_PICTURE
        raise FaceNotFoundError(f"{lacking}: nothing can be swapped")
    return usable


def _shown(donor: Face) -> bool:
    return any(face.pictured for face in donor.person)


def _watcher(
    session: Session, plan: Plan, swapper: Swapper, source_faces: FaceSet, references: _References | None
) -> Watcher:
    models, track = session.models, plan.clip.track
    own = models.embedder(embedder_of(str(plan.values["embedder"])).name) if track and not references else None
    chosen = plan.detector
    looking = Models(
        models.detector(chosen.name, **chosen.options),
        # Parts that stay are steadier by a mesh that is smoothed with the face.
        models.mesher() if swapper.needs_mesh or plan.swap.keep else None,
        session.attributes(plan) if plan.rules.wanted != Wanted() else None,
        references.embedder if references else own,
        models.mesher() if references else None,
        models.mesher(),
        models.follower(chosen.name, **chosen.options),
        session.refiner(plan),
    )
    if references is None:
        return Watcher(looking, Assignment(plan.rules, source_faces), track, threshold_of(plan))
    reach = {"ahead": plan.clip.ahead, "max_gap": plan.clip.max_gap if track else 0}
    who = Recognition(plan.rules, references.faces, source_faces, references.embedder, threshold_of(plan), **reach)
    return Watcher(looking, who, track)


def _digest(plan: Plan, donors: Donors, references: _References | None) -> str:
    """Of everything but the clip that the result depends on."""
    values = {name: value for name, value in plan.values.items() if name not in _ELSEWHERE}
    digest = hashlib.sha256(repr(sorted(values.items())).encode())
    for picture in donors.pictures:
        digest.update(f"{picture.shape} {picture.dtype}".encode())
        digest.update(np.ascontiguousarray(picture).data)
    for donor in donors.faces.flat():
        for face in donor.person:
            digest.update(face.box.tobytes() + face.landmarks.tobytes())
    # Of saved faces without pictures, the identity is all that there is.
    known = [face for donor in donors.faces.flat() for face in donor.person if not face.pictured]
    people = references.faces.flat() if references else ()
    recognised = [face for somebody in people for face in somebody.person]
    for face in (*known, *recognised):
        if face.embedding is not None:
            digest.update(face.embedding.model.encode() + face.embedding.vector.tobytes())
    return digest.hexdigest()
