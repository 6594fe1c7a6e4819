"""One target from its file to the result's file: what the command line and batches do with each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..media.clips import FrameDone, OnFrame, Paced, PreviewFile, is_clip
from ..media.pictures import picture_format, read_metadata, read_picture, write_mask, write_picture
from ..pipeline.draw.preview import draw_pairs
from ..pipeline.types import FloatArray, Notice, Picture, Progress, Size
from .donor_files import FileDonors, picture_settings
from .effects import Case, only_for, without_effect
from .limits import fitted_limit
from .marks import MarkedPicture, made_by, marked_picture, with_marks
from .pictures import PictureResult
from .report import Json, TargetReport, network_failure
from .session import Session
from .settings import SETTINGS, Scope, Value, checked

_SOURCES: Final = ("detect_gender_source", "detect_age_source")
_PACE: Final = 1.0
"""Seconds from one preview to the next."""


@dataclass(frozen=True, slots=True)
class Job:
    """One target and the files that come of it."""

    target: Path
    output: Path
    mask: Path | None = None
    """Where the mask of what changed goes, white on black."""
    preview: Path | None = None
    """Where both pictures with numbers and arrows go."""
    limit: FloatArray | None = None
    """Where pixels may change: see `limits.read_limit`."""
    watch: Path | None = None
    """Where a clip's frames are shown while they are swapped, before and after, about once a second."""


def swap_job(
    session: Session,
    job: Job,
    donors: FileDonors,
    settings: Mapping[str, object],
    progress: Progress | None = None,
    notice: Notice | None = None,
    on_frame: OnFrame | None = None,
) -> TargetReport:
    """Swap one picture or clip into its file. `settings` are those of pictures, clips and files, by name.

    Raises ImageError, SettingsError, FaceNotFoundError and what models raise.
    """
    values = checked(settings, "picture", "clip", "file")
    if is_clip(job.target):
        return _swap_clip(session, job, donors, values, progress, notice, on_frame)
    return _swap_picture(session, job, donors, values, progress)


def save_picture(path: Path, picture: Picture, marked: MarkedPicture, settings: Mapping[str, Value]) -> tuple[str, ...]:
    """Write a picture as the settings of scope `file` say; what was lost, and which settings had no effect."""
    asked = None if settings["image_format"] == "auto" else str(settings["image_format"])
    lost = write_picture(
        path,
        picture,
        image_format=asked,
        image_quality=int(settings["image_quality"]),
        metadata=marked.metadata,
        finish=marked.finish,
    )
    idle = without_effect(settings, "file", Case(image_format=picture_format(path, asked)))
    return (*lost, *marked.notes, *idle)


def _swap_picture(
    session: Session, job: Job, donors: FileDonors, values: Mapping[str, Value], progress: Progress | None
) -> TargetReport:
    target, metadata = read_picture(job.target), read_metadata(job.target)
    mask = None if job.limit is None else fitted_limit(job.limit, Size.of(target), "--limit-mask")
    shown = donors.colours.seen_in(metadata.profile, donors.donors)
    done = session.swap_picture(target, shown, mask=mask, progress=progress, **_for_targets(picture_settings(values)))
    result = done.result
    if job.mask:
        write_mask(job.mask, result.masks[0])
    if job.preview:
        write_picture(job.preview, draw_pairs(target, shown.pictures, done.index_map.frames[0]))
    pairs = _pairs(done, donors.names)
    marker = session.marker(made_by(values), values)
    marked = marked_picture(marker, metadata, job.output.name, job.target, changed=bool(pairs))
    lost = save_picture(job.output, result.images[0], marked, values)
    notes = (*metadata.notes, *donors.failed, *donors.notes, *done.notes, *lost)
    notes += only_for(values, "clip", "pictures", "picture", "file")
    return TargetReport(
        str(job.target),
        str(job.output),
        network_failure(len(pairs), done.notes),
        details={
            "faces": done.faces.count,
            "pairs": pairs,
            "marks": marked.names,
            "models": _models(session, "picture", picture_settings(values), donors),
        },
        notes=notes,
        summary=with_marks(f"{len(pairs)} of {done.faces.count} face(s) swapped", marked.names, bool(pairs)),
    )


def _swap_clip(
    session: Session,
    job: Job,
    donors: FileDonors,
    values: Mapping[str, Value],
    progress: Progress | None,
    notice: Notice | None,
    on_frame: OnFrame | None,
) -> TargetReport:
    found = donors.colours.seen_in(None, donors.donors)
    settings = _for_targets({name: value for name, value in values.items() if name in SETTINGS["clip"]})
    people, failures = found.references, list[str]()

    def missed(line: str) -> None:
        failures.append(line)
        if notice is not None:
            notice(line)

    watching = [on_frame, job.watch and Paced(PreviewFile(job.watch, missed), _PACE)]
    result = session.swap_clip(
        job.target,
        job.output,
        found.pictures,
        found.faces,
        references=people and people.pictures,
        reference_faces=people and people.faces,
        progress=progress,
        notice=notice,
        on_frame=_each([one for one in watching if one]),
        **settings,
    )
    told = f"{result.swapped} face(s) swapped in {result.frames} frames, {result.encoder}"
    notes = (*donors.failed, *donors.notes, *found.notes, *result.report, *failures)
    notes += only_for(values, "file", "clips", "clip")
    return TargetReport(
        str(job.target),
        str(job.output),
        network_failure(result.swapped, result.report),
        details={
            "frames": result.frames,
            "swapped": result.swapped,
            "encoder": result.encoder,
            "marks": result.marks,
            "models": _models(session, "clip", settings, donors),
        },
        notes=notes,
        summary=with_marks(told, result.marks, bool(result.swapped)),
    )


def _models(session: Session, scope: Scope, settings: Mapping[str, object], donors: FileDonors) -> list[Json]:
    """Which models worked on a target and its sources, with their licences, for the report."""
    people = donors.donors.references
    case = Case(references=people is not None, merged=donors.donors.faces.merged)
    plan = session.plan(scope, settings, case)
    return [one.as_json() for one in session.ran(plan, *(() if people is None else (people.faces,)))]


def _each(calls: Sequence[OnFrame]) -> OnFrame:
    def call(frame: FrameDone) -> None:
        for one in calls:
            one(frame)

    return call


def _for_targets(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Without what was done to the sources when their faces were found."""
    return {name: value for name, value in settings.items() if name not in _SOURCES}


def _pairs(done: PictureResult, names: Sequence[str]) -> list[Json]:
    """The pairs that were swapped, for the report."""
    swapped = {face.index for face in done.result.faces.frames[0]}
    return [
        {
            "input_face": pair.target.index,
            "box": [round(float(edge), 2) for edge in pair.target.box],
            "source_face": pair.source.index,
            "source": names[pair.source.frame],
        }
        for pair in done.index_map.frames[0]
        if pair.target.index in swapped
    ]
