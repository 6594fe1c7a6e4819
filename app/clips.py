"""The swap of a clip, from file to file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from io import BufferedIOBase
from typing import TYPE_CHECKING, Final

import numpy as np

from ..media.clips import Clip, ClipResult, swap_file
from ..pipeline.clip.assignment import Assignment
from ..pipeline.clip.flow import Engine, Models, Watcher
from ..pipeline.protocols import Swapper
from ..pipeline.types import FaceSet, Picture, Progress
from ..pipeline.validation import require_pictures
from .effects import Case
from .pictures import find_donors
from .plan import Plan
from .recognise import embedder_of
from .settings import SETTINGS

if TYPE_CHECKING:
    from .session import Session

_ELSEWHERE: Final = ("start", "duration", "resume", "hardware")
"""Settings that the swapped faces don't depend on, or that the encoding's own identity holds."""


def swap_clip(
    session: Session,
    target: str | os.PathLike[str] | BufferedIOBase,
    output: str | os.PathLike[str],
    sources: Sequence[Picture],
    source_faces: FaceSet | None,
    progress: Progress | None,
    settings: Mapping[str, object],
) -> ClipResult:
    """Swap the faces of a clip into the file `output` (.mp4, .mov, .mkv or .webm), in memory that doesn't grow with it.

    `source_faces` are the faces of `sources`, detected and ordered; None finds and numbers them. With `track`, people
    are followed: those in the first frame of a scene are numbered by `detection_face_order`, those who appear later get
    the next numbers, and after a cut the numbers start over. The lists are read over everybody seen in the scene so far
    when a person appears, and what a person becomes stays so. `missing` `error` is raised at the end of a scene that
    shows people and lacks one asked for. Without `track` each frame is by itself.

    `progress` is called once a frame. Raises ImageError, SettingsError and the models' errors.
    """
    require_pictures(sources, "sources")
    plan = session.plan("clip", settings, Case(source_faces=source_faces is not None))
    swapper = session.swapper(plan)
    found, notes = (source_faces, ()) if source_faces is not None else _find(session, sources, plan)
    donors = _usable(session, found, sources, swapper)
    engine = Engine(
        session.prepared.of(sources, swapper),
        swapper,
        plan.swap,
        session.parser(plan),
        session.swap_restore(plan),
        session.models.mesher(),
    )
    result = swap_file(
        Clip(target, float(plan.values["start"]), float(plan.values["duration"]) or None),
        output,
        _watcher(session, plan, swapper, donors),
        engine,
        plan.clip,
        identity=_digest(plan, sources, donors),
        hardware=bool(plan.values["hardware"]),
        resume=bool(plan.values["resume"]),
        progress=progress,
    )
    return result._replace(report=(*result.report, *notes, *plan.notes, *session.model_lines(plan)))


def _find(session: Session, sources: Sequence[Picture], plan: Plan) -> tuple[FaceSet, tuple[str, ...]]:
    shared = {name: value for name, value in plan.values.items() if name in SETTINGS["picture"]}
    donors = find_donors(session, sources, (), shared)
    return donors.faces, donors.notes


def _usable(session: Session, donors: FaceSet, sources: Sequence[Picture], swapper: Swapper) -> FaceSet:
    """The donors, with meshes where the engine needs them; those that no mesh fits are left out."""
    donors.require(sources, "source")
    if not swapper.needs_mesh:
        return donors
    mesher = session.models.mesher()
    frames = ((session.prepared.with_mesh(face, sources[face.frame], mesher) for face in faces) for faces in donors)
    return FaceSet(tuple(tuple(face for face in faces if face.mesh is not None) for faces in frames), donors.size)


def _watcher(session: Session, plan: Plan, swapper: Swapper, donors: FaceSet) -> Watcher:
    models, track = session.models, plan.clip.track
    embedder = models.embedder(embedder_of(str(plan.values["embedder"])).name) if track else None
    looking = Models(
        models.detector(plan.detector.name, **plan.detector.options),
        models.mesher() if swapper.needs_mesh else None,
        models.attributes() if plan.rules.detect_gender != "no" else None,
        embedder,
        models.mesher(),
    )
    threshold = float(plan.values["identity_threshold"])
    return Watcher(looking, Assignment(plan.rules, donors), track, same_person=threshold or None)


def _digest(plan: Plan, sources: Sequence[Picture], donors: FaceSet) -> str:
    """Of everything but the clip that the result depends on."""
    values = {name: value for name, value in plan.values.items() if name not in _ELSEWHERE}
    digest = hashlib.sha256(repr(sorted(values.items())).encode())
    for picture in sources:
        digest.update(f"{picture.shape} {picture.dtype}".encode())
        digest.update(np.ascontiguousarray(picture).data)
    for face in donors.flat():
        digest.update(face.box.tobytes() + face.landmarks.tobytes())
    return digest.hexdigest()
