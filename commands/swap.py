"""`multifaceswap swap`: faces of the source pictures onto those of the target pictures."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..app import report
from ..app.donor_files import FileDonors, read_donors
from ..app.effects import Case
from ..app.jobs import Job, swap_job
from ..app.limits import read_limit
from ..app.outputs import require_outputs
from ..app.report import TargetReport
from ..app.session import Session
from ..app.settings import SETTINGS, Value
from ..media.clips import CLIP_EXTENSIONS, PREVIEW_EXTENSIONS, checkpoint_folder, is_clip
from ..media.pictures import write_file
from ..pipeline.errors import BusyError, SettingsError
from ..pipeline.quotes import named
from . import console
from .files import (
    MASK_TEXT,
    add_paths,
    find_targets,
    require_free,
    require_new_masks,
    results,
)
from .grouping import add_group, group_of, people_of
from .options import add_settings, add_signing, signing_of, values_of
from .refusals import refusals, refused_parts
from .sources import add_sources, faces_and_pictures, flat, has_people, sources_of

_PICTURES_ONLY = ("mask", "limit_mask", "preview")


def add_arguments(parser: ArgumentParser) -> None:
    add_sources(parser, "pictures that give faces")
    add_paths(parser, "--target", "pictures, clips or folders of pictures to change; they stay as they are")
    text = "pictures or saved faces of people to look for in the targets; --input-faces-index then counts their faces"
    add_paths(parser, "--reference", text, required=False)
    add_group(parser, "people to look for; --input-faces-index then counts them")
    parser.add_argument("--output", required=True, metavar="PATH", help="file to write; of several targets, a folder")
    parser.add_argument("--mask", metavar="FILE", help=MASK_TEXT)
    text = "picture that says where a target may change: white yes, black no, grey in part; of a target's proportions"
    parser.add_argument("--limit-mask", metavar="FILE", help=text)
    parser.add_argument("--preview", metavar="FILE", help="also write both pictures with numbers and arrows")
    text = (
        "while a clip is swapped, show a frame before and after in this .jpg or .png about once a second; other "
        "programs may read it at any time"
    )
    parser.add_argument("--watch", metavar="FILE", help=text)
    parser.add_argument("--report", metavar="FILE.json", help="also write what was done, as JSON")
    parser.add_argument(
        "--overwrite", action="store_true", help="let --output replace a target or source, and --mask a file"
    )
    add_signing(parser)
    add_settings(parser, "picture", "clip", "file", "session")


def run(arguments: Namespace) -> int:
    sources = sources_of(arguments.source)
    references = faces_and_pictures(arguments.reference or ())
    group = group_of(arguments)
    if group and references:
        raise SettingsError("--group and --reference both say whom to look for: expected one of them")
    jobs, refused = _jobs(arguments, [*map(Path, [*flat(sources), *references])])
    settings = values_of(arguments, "picture", "clip", "file")
    with Session(device=arguments.device, licence=arguments.licence, signing=signing_of(arguments)) as session:
        session.credentials(settings)
        case = Case(references=bool(references or group), merged=has_people(sources))
        require_models(session, [job.target for job in jobs], settings, case)
        refused |= refused_parts([job.target for job in jobs], [job.output for job in jobs], settings)
        if group:
            references = [*map(str, people_of(session, group, [job.target for job in jobs], settings).files)]
        donors = read_donors(session, sources, references, settings)
        for line in donors.failed:
            console.fail(line)
        for line in donors.notes:
            console.note(line)
        with console.progress(jobs, "picture") as bar:
            done = [_attempt(session, job, donors, settings, refused.get(job.output)) for job in bar]
    if arguments.report:
        _write_report(arguments, done)
    return console.exit_code([one.error for one in done] + [*donors.failed], written=any(one.output for one in done))


def require_models(session: Session, targets: Sequence[Path], settings: dict[str, Value], case: Case) -> None:
    """Raise, before any work, where a model or package is missing that one of the targets needs."""
    scopes = {"clip" if is_clip(target) else "picture" for target in targets}
    for scope in ("picture", "clip"):
        if scope in scopes:
            known = {name: value for name, value in settings.items() if name in SETTINGS[scope]}
            session.plan(scope, known, case)


def _jobs(arguments: Namespace, other_files: Sequence[Path]) -> tuple[list[Job], dict[Path, str]]:
    """Which files will be written, and which of them can't be; SettingsError before any work where two are one, or one
    is an input."""
    targets = find_targets(arguments.target, arguments.output)
    _require_usable(targets.files, arguments)
    none = [None] * len(targets.files)
    image_format = None if arguments.image_format == "auto" else arguments.image_format
    outputs = results(targets, arguments.output, image_format, "--output")
    masks = results(targets, arguments.mask, "png", "--mask") if arguments.mask else none
    previews = results(targets, arguments.preview, None, "--preview") if arguments.preview else none
    report, watch = (Path(name) if name else None for name in (arguments.report, arguments.watch))
    others = [path for path in [*masks, *previews, report, watch] if path]
    inputs = [*other_files, *targets.files, *([Path(arguments.limit_mask)] if arguments.limit_mask else [])]
    require_free(others, inputs)
    require_free([*outputs, *others], [] if arguments.overwrite else inputs, " or say --overwrite")
    if not arguments.overwrite:
        require_new_masks(path for path in masks if path)
    require_outputs(path for path in (report, watch) if path)
    extras = [[path for path in pair if path] for pair in zip(masks, previews, strict=True)]
    refused = refusals(targets.files, outputs, extras, image_format)
    limit = read_limit(Path(arguments.limit_mask)) if arguments.limit_mask else None
    jobs = [Job(*paths) for paths in zip(targets.files, outputs, masks, previews, strict=True)]
    return [replace(job, limit=limit, watch=watch) for job in jobs], refused


def _require_usable(targets: Sequence[Path], arguments: Namespace) -> None:
    """Raise SettingsError where a clip is a target and an option is set that is about pictures alone."""
    for name in _PICTURES_ONLY:
        for target in filter(is_clip, targets if getattr(arguments, name) else ()):
            known = ", ".join(sorted(CLIP_EXTENSIONS))
            raise SettingsError(f"--{name.replace('_', '-')} works for pictures; {named(target)} is a clip ({known})")
    if arguments.watch:
        if not any(map(is_clip, targets)):
            raise SettingsError("--watch shows clips while they are swapped; no target is a clip")
        if not arguments.watch.lower().endswith(PREVIEW_EXTENSIONS):
            raise SettingsError(f"--watch {named(arguments.watch)}: expected one of {', '.join(PREVIEW_EXTENSIONS)}")


def _attempt(
    session: Session, job: Job, donors: FileDonors, settings: dict[str, Value], refused: str | None
) -> TargetReport:
    if refused:
        return TargetReport(str(job.target), error=refused)
    return console.attempt(str(job.target), lambda: _swap(session, job, donors, settings))


def _swap(session: Session, job: Job, donors: FileDonors, settings: dict[str, Value]) -> TargetReport:
    said = [*donors.failed, *donors.notes]

    def notice(line: str) -> None:
        said.append(line)
        console.note(f"{named(job.target)}: {line}")

    try:
        with console.frames(job.target.name, shown=is_clip(job.target)) as tell:
            done = swap_job(session, job, donors, settings, notice=notice, on_frame=tell)
    except BusyError:  # what is left there isn't this command's
        raise
    except BaseException:  # whatever ended it: this only says what is left
        if is_clip(job.target) and checkpoint_folder(job.output).is_dir():
            console.note(
                f"{named(checkpoint_folder(job.output))} keeps what is finished: the same command goes on from there"
            )
        raise
    console.done(done, said)
    return done


def _write_report(arguments: Namespace, done: Sequence[TargetReport]) -> None:
    settings = {name: value for name, value in vars(arguments).items() if name != "run"}
    write_file(arguments.report, report.document(settings, [one.as_json() for one in done]))
