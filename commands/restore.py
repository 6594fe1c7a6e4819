"""`multifaceswap restore`: sharpens the faces of pictures."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..app.functions import restore_faces
from ..media.pictures import read_metadata, read_picture, write_picture
from ..models.pool import ModelPool
from . import console
from .files import MASK_TEXT, find_targets, require_free, require_new_masks, results
from .options import add_detection, add_format, add_number, add_restorer, find_faces


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="pictures or folders; they stay as they are")
    parser.add_argument("--output", required=True, metavar="PATH", help="file to write; of several pictures, a folder")
    parser.add_argument("--mask", metavar="FILE", help=MASK_TEXT)
    parser.add_argument("--overwrite", action="store_true", help="let --output replace a picture, and --mask a file")
    add_restorer(parser, "codeformer-v0.1.0.pth")
    add_number(parser, "--visibility", 0, 1, 1.0, "how much of the restored face is blended in")
    parser.add_argument(
        "--no-colour-correct", dest="colour_correct", action="store_false", help="keep the restorer's own colours"
    )
    parser.add_argument("--parse-mask", action="store_true", help="keep hair and hands before a face (bisenet)")
    add_detection(parser)
    add_format(parser)


class _Job(NamedTuple):
    """One picture and the files that come of it."""

    file: Path
    output: Path
    mask: Path | None


def run(arguments: Namespace) -> int:
    jobs = _plan(arguments)
    pool = ModelPool(device=arguments.device)
    # A restorer that isn't there is told before the first picture is read.
    pool.open("restorer", arguments.face_restore)
    with console.progress(jobs, "picture") as bar:
        return console.exit_code([_attempt(job, arguments, pool) for job in bar])


def _plan(arguments: Namespace) -> list[_Job]:
    targets = find_targets(arguments.files, arguments.output)
    outputs = results(targets, arguments.output, arguments.image_format, "--output")
    masks = results(targets, arguments.mask, "png", "--mask") if arguments.mask else [None] * len(outputs)
    others = [mask for mask in masks if mask]
    require_free(others, targets.files)
    require_free([*outputs, *others], [] if arguments.overwrite else targets.files, " or say --overwrite")
    if not arguments.overwrite:
        require_new_masks(others, "")
    return [_Job(*paths) for paths in zip(targets.files, outputs, masks, strict=True)]


def _attempt(job: _Job, arguments: Namespace, pool: ModelPool) -> dict[str, Any]:
    return console.attempt(job.file, lambda: _restore(job, arguments, pool))


def _restore(job: _Job, arguments: Namespace, pool: ModelPool) -> dict[str, Any]:
    picture, metadata = read_picture(job.file), read_metadata(job.file)
    result = restore_faces(
        [picture],
        find_faces([picture], arguments, pool, "no").faces,
        arguments.face_restore,
        arguments.face_restore_weight,
        visibility=arguments.visibility,
        colour_correct=arguments.colour_correct,
        parse_mask=arguments.parse_mask,
        pool=pool,
    )
    if job.mask:
        # Rounded up: where the file is black, nothing changed.
        write_picture(job.mask, np.ceil(result.masks[0] * 255).astype(np.uint8))
    lost = write_picture(
        job.output,
        result.images[0],
        image_format=arguments.image_format,
        image_quality=arguments.image_quality,
        metadata=metadata,
    )
    for line in (*filter(None, [metadata.note]), *result.report, *lost):
        console.note(f"{job.file}: {console.of_one(line)}")
    console.say(f"{job.file} -> {job.output}: {result.faces.count} face(s) restored")
    return {}
