"""`multifaceswap restore`: sharpens the faces of pictures."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, NamedTuple

from ..app.effects import only_for
from ..app.jobs import save_picture
from ..app.marks import made_by, marked_picture, with_marks
from ..app.report import TargetReport, network_failure, of_one_picture
from ..app.session import Session
from ..media.pictures import read_metadata, read_picture, write_mask
from . import console
from .files import MASK_TEXT, find_targets, require_free, require_new_masks, results
from .options import add_settings, add_signing, signing_of, values_of
from .refusals import refusals


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="pictures or folders; they stay as they are")
    parser.add_argument("--output", required=True, metavar="PATH", help="file to write; of several pictures, a folder")
    parser.add_argument("--mask", metavar="FILE", help=MASK_TEXT)
    parser.add_argument("--overwrite", action="store_true", help="let --output replace a picture, and --mask a file")
    add_signing(parser)
    add_settings(parser, "restore", "order", "file", "session", without=("detect_gender", "detect_age", "limit"))


class _Restoration(NamedTuple):
    """One picture and the files that come of it."""

    file: Path
    output: Path
    mask: Path | None


def run(arguments: Namespace) -> int:
    jobs, refused = _plan(arguments)
    with Session(device=arguments.device, licence=arguments.licence, signing=signing_of(arguments)) as session:
        session.credentials(values_of(arguments, "file"))
        session.plan("restore", values_of(arguments, "restore"))
        with console.progress(jobs, "picture") as bar:
            done = [_attempt(session, job, arguments, refused.get(job.output)) for job in bar]
    return console.exit_code([one.error for one in done], written=any(one.output for one in done))


def _plan(arguments: Namespace) -> tuple[list[_Restoration], dict[Path, str]]:
    """The pictures, and why results can't be written."""
    targets = find_targets(arguments.files, arguments.output)
    image_format = None if arguments.image_format == "auto" else arguments.image_format
    outputs = results(targets, arguments.output, image_format, "--output")
    masks = results(targets, arguments.mask, "png", "--mask") if arguments.mask else [None] * len(outputs)
    others = [mask for mask in masks if mask]
    require_free(others, targets.files)
    require_free([*outputs, *others], [] if arguments.overwrite else targets.files, " or say --overwrite")
    if not arguments.overwrite:
        require_new_masks(others, "")
    refused = refusals(targets.files, outputs, [[mask] if mask else [] for mask in masks], image_format)
    return [_Restoration(*paths) for paths in zip(targets.files, outputs, masks, strict=True)], refused


def _attempt(session: Session, job: _Restoration, arguments: Namespace, refused: str | None) -> TargetReport:
    if refused:
        return TargetReport(str(job.file), error=refused)
    return console.attempt(str(job.file), lambda: _restore(session, job, arguments))


def _restore(session: Session, job: _Restoration, arguments: Namespace) -> TargetReport:
    picture, metadata = read_picture(job.file), read_metadata(job.file)
    result = session.restore([picture], **dict[str, Any](values_of(arguments, "restore")))
    if job.mask:
        write_mask(job.mask, result.masks[0])
    # Kept for older command lines: all faces are restored, in any order.
    idle = only_for(values_of(arguments, "order"), "order", "restoration", "restore")
    values = values_of(arguments, "restore", "file")
    marker = session.marker(made_by(values), values)
    marked = marked_picture(marker, metadata, job.output.name, job.file, changed=bool(result.faces.count))
    lost = save_picture(job.output, result.images[0], marked, values_of(arguments, "file"))
    models = [one.as_json() for one in session.ran(session.plan("restore", values_of(arguments, "restore")))]
    done = TargetReport(
        str(job.file),
        str(job.output),
        network_failure(result.faces.count, result.report),
        notes=(*metadata.notes, *of_one_picture(result.report), *idle, *lost),
        details={"marks": marked.names, "models": models},
        summary=with_marks(f"{result.faces.count} face(s) restored", marked.names, bool(result.faces.count)),
    )
    console.done(done)
    return done
