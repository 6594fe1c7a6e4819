"""`multifaceswap swap`: faces of the source pictures onto those of the target pictures."""

from __future__ import annotations

import json
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .. import __version__
from ..api import DISABLE, map_indexes, match_faces, swap_faces
from ..models import catalog
from ..models.pool import ModelPool
from ..models.swappers.neural import PIXEL_BOOSTS
from ..pictures import find_pictures, read_picture, read_profile, write_file, write_picture
from ..pipeline.geometry import INTERPOLATIONS
from ..pipeline.mapping import MISSING, PAIRINGS
from ..pipeline.ordering import GENDERS
from ..pipeline.preview import draw_pairs
from ..pipeline.swap import COLOUR_MATCHES
from ..pipeline.types import FaceSet, FloatArray, IndexMap, Picture, SwapResult
from . import console
from .clips import add_clip_options, is_clip, require_usable, swap_clip_target
from .files import find_targets, require_free, results
from .options import add_choice, add_detection, add_format, add_number, add_restorer, find_faces

# Every target is a batch of its own here, so its number says nothing.
_FRAME = re.compile(r"^(frame|picture) 0[:,] ")


def add_arguments(parser: ArgumentParser) -> None:
    _add_files(parser)
    _add_pairing(parser)
    add_detection(parser)
    _add_engine(parser)
    add_clip_options(parser)


def run(arguments: Namespace) -> int:
    source_files = find_pictures(arguments.source)
    reference_files = find_pictures(arguments.reference) if arguments.reference else []
    jobs = _plan(arguments, [*source_files, *reference_files])
    pool = ModelPool(device=arguments.device)
    if arguments.face_restore != DISABLE:
        # A restorer that isn't there is told before the first picture is read.
        pool.open("restorer", arguments.face_restore)
    sources = [read_picture(file) for file in source_files]
    faces = find_faces(sources, arguments, pool, arguments.detect_gender_source)
    donors = _Donors(source_files, sources, faces, _references(reference_files, arguments, pool))
    with console.progress(jobs, "picture") as bar:
        entries = [_attempt(job, donors, arguments, pool) for job in bar]
    if arguments.report:
        _write_report(arguments, entries)
    return console.exit_code(entries)


@dataclass(frozen=True, slots=True)
class _Job:
    """One target and the files that come of it."""

    target: Path
    output: Path
    mask: Path | None
    preview: Path | None


class _Donors(NamedTuple):
    """What gives the faces: the same for every target."""

    files: Sequence[Path]
    pictures: Sequence[Picture]
    faces: FaceSet
    references: _References | None = None


class _References(NamedTuple):
    """The people that targets are told by."""

    pictures: Sequence[Picture]
    faces: FaceSet


def _references(files: Sequence[Path], arguments: Namespace, pool: ModelPool) -> _References | None:
    if not files:
        return None
    pictures = [read_picture(file) for file in files]
    return _References(pictures, find_faces(pictures, arguments, pool, "no"))


def _plan(arguments: Namespace, other_files: Sequence[Path]) -> list[_Job]:
    """Which files will be written; SettingsError before any work where two are one, or one is an input."""
    targets = find_targets(arguments.target, arguments.output)
    require_usable(targets.files, arguments)
    none = [None] * len(targets.files)
    outputs = results(targets, arguments.output, arguments.image_format, "--output")
    masks = results(targets, arguments.mask, "png", "--mask") if arguments.mask else none
    previews = results(targets, arguments.preview, None, "--preview") if arguments.preview else none
    others = [path for path in [*masks, *previews, arguments.report and Path(arguments.report)] if path]
    inputs = [*other_files, *targets.files]
    require_free(others, inputs)
    require_free([*outputs, *others], [] if arguments.overwrite else inputs, " or say --overwrite")
    return [_Job(*paths) for paths in zip(targets.files, outputs, masks, previews, strict=True)]


def _attempt(job: _Job, donors: _Donors, arguments: Namespace, pool: ModelPool) -> dict[str, Any]:
    return {
        "target": str(job.target),
        **console.attempt(job.target, lambda: _swap(job, donors, arguments, pool)),
    }


def _swap(job: _Job, donors: _Donors, arguments: Namespace, pool: ModelPool) -> dict[str, Any]:
    if is_clip(job.target):
        return swap_clip_target(job.target, job.output, donors.pictures, donors.faces, arguments, pool)
    target = read_picture(job.target)
    faces = find_faces([target], arguments, pool, arguments.detect_gender_input)
    index_map = _mapped(target, faces, donors, arguments, pool)
    result = _swapped(target, donors, index_map, arguments, pool)
    if job.mask:
        write_picture(job.mask, _visible(result.masks[0]))
    if job.preview:
        write_picture(job.preview, draw_pairs(target, donors.pictures, index_map.frames[0]))
    notes = [*(_FRAME.sub("", line) for line in result.report), *_write(job, result, arguments)]
    for line in notes:
        console.note(f"{job.target}: {line}")
    pairs = _pairs(index_map, result, donors.files)
    console.say(f"{job.target} -> {job.output}: {len(pairs)} of {faces.count} face(s) swapped")
    return {"output": str(job.output), "faces": faces.count, "pairs": pairs, "report": notes}


def _mapped(target: Picture, faces: FaceSet, donors: _Donors, arguments: Namespace, pool: ModelPool) -> IndexMap:
    lists = arguments.input_faces_index, arguments.source_faces_index, arguments.pairing, arguments.missing
    if donors.references is None:
        return map_indexes(faces, donors.faces, *lists)
    return match_faces(
        faces,
        donors.faces,
        donors.references.faces,
        *lists,
        threshold=arguments.identity_threshold,
        embedder=arguments.embedder,
        targets=[target],
        references=donors.references.pictures,
        pool=pool,
    )


def _swapped(
    target: Picture, donors: _Donors, index_map: IndexMap, arguments: Namespace, pool: ModelPool
) -> SwapResult:
    return swap_faces(
        [target],
        donors.pictures,
        index_map,
        arguments.swap_model,
        arguments.interpolation,
        strength=arguments.strength,
        mask_feather=arguments.mask_feather,
        parse_mask=arguments.parse_mask,
        colour_match=arguments.colour_match,
        mirror=arguments.mirror,
        pixel_boost=arguments.pixel_boost,
        face_restore=arguments.face_restore,
        face_restore_weight=arguments.face_restore_weight,
        pool=pool,
    )


def _visible(mask: FloatArray) -> Picture:
    """The mask in 8 bits, rounded up: where the file is black, nothing changed."""
    return np.ceil(mask * 255).astype(np.uint8)


def _write(job: _Job, result: SwapResult, arguments: Namespace) -> tuple[str, ...]:
    return write_picture(
        job.output,
        result.images[0],
        image_format=arguments.image_format,
        image_quality=arguments.image_quality,
        profile=read_profile(job.target),
    )


def _pairs(index_map: IndexMap, result: SwapResult, source_files: Sequence[Path]) -> list[dict[str, Any]]:
    """The pairs that were swapped, for the report."""
    swapped = {face.index for face in result.faces.frames[0]}
    return [
        {
            "input_face": pair.target.index,
            "box": [round(float(edge), 2) for edge in pair.target.box],
            "source_face": pair.source.index,
            "source": str(source_files[pair.source.frame]),
        }
        for pair in index_map.frames[0]
        if pair.target.index in swapped
    ]


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
    parser.add_argument("--mask", metavar="FILE", help="also write what was changed, white on black")
    parser.add_argument("--preview", metavar="FILE", help="also write both pictures with numbers and arrows")
    parser.add_argument("--report", metavar="FILE.json", help="also write what was done, as JSON")
    parser.add_argument("--overwrite", action="store_true", help="let --output replace a target or source")
    add_format(parser)


def _add_pairing(parser: ArgumentParser) -> None:
    lists = "numbers from 0: 0 or 0,1,2 or 0-3, -1 for the last, * for all (default: %(default)s)"
    parser.add_argument("--input-faces-index", default="0", metavar="LIST", help=f"target faces to change, {lists}")
    parser.add_argument("--source-faces-index", default="0", metavar="LIST", help=f"source faces to put there, {lists}")
    add_choice(parser, "--pairing", PAIRINGS, "pairwise", "how the two lists are paired")
    add_choice(parser, "--missing", MISSING, "skip", "what to do about a face that isn't there")
    add_choice(parser, "--embedder", catalog.names("embedder"), "dlib128", "what tells people from each other")
    add_number(parser, "--identity-threshold", 0, 2, 0.6, "how far a face may be from its --reference")
    add_choice(parser, "--detect-gender-input", GENDERS, "no", "number only such target faces")
    add_choice(parser, "--detect-gender-source", GENDERS, "no", "number only such source faces")


def _add_engine(parser: ArgumentParser) -> None:
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
