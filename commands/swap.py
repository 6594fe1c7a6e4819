"""`multifaceswap swap`: faces of the source pictures onto those of the target pictures."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import __version__
from ..app.functions import DISABLE
from ..media.pictures import find_pictures, write_file
from ..models import catalog
from ..models.pool import ModelPool
from ..models.swappers.neural import PIXEL_BOOSTS
from ..pipeline.compose.swap import COLOUR_MATCHES
from ..pipeline.faces.ordering import GENDERS
from ..pipeline.faces.pairing import MISSING, PAIRINGS
from ..pipeline.geometry import INTERPOLATIONS
from . import console
from .clips import add_clip_options, require_usable
from .files import MASK_TEXT, find_targets, require_free, require_new_masks, results
from .limits import read_limit
from .options import add_choice, add_detection, add_format, add_number, add_restorer
from .swapping import Donors, Job, read_donors, swap_target


def add_arguments(parser: ArgumentParser) -> None:
    _add_files(parser)
    add_pairing(parser)
    add_detection(parser)
    add_engine(parser)
    add_clip_options(parser)


def run(arguments: Namespace) -> int:
    source_files = find_pictures(arguments.source)
    reference_files = find_pictures(arguments.reference) if arguments.reference else []
    jobs = _plan(arguments, [*source_files, *reference_files])
    if arguments.limit_mask:
        limit = read_limit(Path(arguments.limit_mask))
        jobs = [replace(job, limit=limit) for job in jobs]
    pool = ModelPool(device=arguments.device)
    if arguments.face_restore != DISABLE:
        # A restorer that isn't there is told before the first picture is read.
        pool.open("restorer", arguments.face_restore)
    donors = read_donors(source_files, reference_files, arguments, pool)
    with console.progress(jobs, "picture") as bar:
        entries = [_attempt(job, donors, arguments, pool) for job in bar]
    if arguments.report:
        _write_report(arguments, entries)
    return console.exit_code(entries)


def _plan(arguments: Namespace, other_files: Sequence[Path]) -> list[Job]:
    """Which files will be written; SettingsError before any work where two are one, or one is an input."""
    targets = find_targets(arguments.target, arguments.output)
    require_usable(targets.files, arguments)
    none = [None] * len(targets.files)
    outputs = results(targets, arguments.output, arguments.image_format, "--output")
    masks = results(targets, arguments.mask, "png", "--mask") if arguments.mask else none
    previews = results(targets, arguments.preview, None, "--preview") if arguments.preview else none
    others = [path for path in [*masks, *previews, arguments.report and Path(arguments.report)] if path]
    inputs = [*other_files, *targets.files, *([Path(arguments.limit_mask)] if arguments.limit_mask else [])]
    require_free(others, inputs)
    require_free([*outputs, *others], [] if arguments.overwrite else inputs, " or say --overwrite")
    if not arguments.overwrite:
        require_new_masks(path for path in masks if path)
    return [Job(*paths) for paths in zip(targets.files, outputs, masks, previews, strict=True)]


def _attempt(job: Job, donors: Donors, arguments: Namespace, pool: ModelPool) -> dict[str, Any]:
    return {
        "target": str(job.target),
        **console.attempt(job.target, lambda: swap_target(job, donors, arguments, pool)),
    }


def _write_report(arguments: Namespace, entries: Sequence[dict[str, Any]]) -> None:
    settings = {name: value for name, value in vars(arguments).items() if name != "run"}
    report = {"multifaceswap": __version__, "settings": settings, "targets": entries}
    write_file(arguments.report, f"{json.dumps(report, indent=2)}\n".encode())


def _add_files(parser: ArgumentParser) -> None:
    many: dict[str, Any] = {"nargs": "+", "action": "extend", "required": True, "metavar": "FILE"}
    parser.add_argument("--source", help="pictures or folders that give faces", **many)
    parser.add_argument(
        "--target", help="pictures, clips or folders of pictures to change; they stay as they are", **many
    )
    text = "pictures of people to look for in the targets; --input-faces-index then counts their faces"
    parser.add_argument("--reference", nargs="+", action="extend", metavar="FILE", help=text)
    parser.add_argument("--output", required=True, metavar="PATH", help="file to write; of several targets, a folder")
    parser.add_argument("--mask", metavar="FILE", help=MASK_TEXT)
    text = "picture that says where a target may change: white yes, black no, grey in part; of a target's proportions"
    parser.add_argument("--limit-mask", metavar="FILE", help=text)
    parser.add_argument("--preview", metavar="FILE", help="also write both pictures with numbers and arrows")
    parser.add_argument("--report", metavar="FILE.json", help="also write what was done, as JSON")
    parser.add_argument(
        "--overwrite", action="store_true", help="let --output replace a target or source, and --mask a file"
    )
    add_format(parser)


def add_pairing(parser: ArgumentParser) -> None:
    """Who becomes whom."""
    lists = "numbers from 0: 0 or 0,1,2 or 0-3, -1 for the last, * for all (default: %(default)s)"
    parser.add_argument("--input-faces-index", default="0", metavar="LIST", help=f"target faces to change, {lists}")
    parser.add_argument("--source-faces-index", default="0", metavar="LIST", help=f"source faces to put there, {lists}")
    add_choice(parser, "--pairing", PAIRINGS, "pairwise", "how the two lists are paired")
    add_choice(parser, "--missing", MISSING, "skip", "what to do about a face that isn't there")
    add_choice(parser, "--embedder", catalog.names("embedder"), "dlib128", "what tells people from each other")
    add_number(
        parser,
        "--identity-threshold",
        0,
        2,
        0.0,
        "how far a face may be from its --reference, 0: what suits --embedder",
    )
    add_choice(parser, "--detect-gender-input", GENDERS, "no", "number only such target faces")
    add_choice(parser, "--detect-gender-source", GENDERS, "no", "number only such source faces")


def add_engine(parser: ArgumentParser) -> None:
    """How faces are made and blended in."""
    add_choice(parser, "--swap-model", catalog.names("swapper"), "mesh", "engine")
    add_choice(parser, "--interpolation", INTERPOLATIONS, "Bilinear", "how pixels are resampled")
    add_choice(parser, "--colour-match", COLOUR_MATCHES, "auto", "how the face takes the target's light")
    add_number(parser, "--strength", 0, 1, 1.0, "from the target's face to the source's")
    add_number(parser, "--mask-feather", 0, 0.5, 0.0, "softer rim, as a share of the face")
    parser.add_argument("--parse-mask", action="store_true", help="keep hair and hands before a face (bisenet)")
    sides = (
        f"side of the faces that neural engines make: {', '.join(map(str, PIXEL_BOOSTS))} (default: the model's own, 0)"
    )
    parser.add_argument("--pixel-boost", type=int, choices=PIXEL_BOOSTS, default=0, metavar="PIXELS", help=sides)
    add_restorer(parser, DISABLE)
    parser.add_argument("--no-mirror", dest="mirror", action="store_false", help="never use a face's mirror image")
