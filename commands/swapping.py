"""One target of a swap, from its file to the result's file."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..app.functions import map_indexes, match_faces, swap_faces
from ..media.pictures import Metadata, read_metadata, read_picture, write_picture
from ..models.pool import ModelPool
from ..pipeline.draw.preview import draw_pairs
from ..pipeline.errors import FaceNotFoundError
from ..pipeline.types import FaceSet, FloatArray, IndexMap, Picture, SwapResult
from . import console
from .clips import is_clip, swap_clip_target
from .limits import fitted_limit
from .options import find_faces


@dataclass(frozen=True, slots=True)
class Job:
    """One target and the files that come of it."""

    target: Path
    output: Path
    mask: Path | None
    preview: Path | None
    limit: FloatArray | None = None
    """Where pixels may change: see `limits.read_limit`."""


class Donors(NamedTuple):
    """What gives the faces: the same for every target."""

    files: Sequence[Path | str]
    """What the report calls them."""
    pictures: Sequence[Picture]
    faces: FaceSet
    references: References | None = None
    note: str | None = None
    """What the gender filter left out of the sources."""


class References(NamedTuple):
    """The people that targets are told by."""

    pictures: Sequence[Picture]
    faces: FaceSet


def read_donors(
    source_files: Sequence[Path], reference_files: Sequence[Path], arguments: Namespace, pool: ModelPool
) -> Donors:
    """The sources with their faces, found once for all targets."""
    sources = [_first_picture(file) for file in source_files]
    faces, note = find_faces(sources, arguments, pool, arguments.detect_gender_source)
    references = _references(reference_files, arguments, pool)
    return Donors(source_files, sources, faces, references, note and f"sources: {note}")


def _first_picture(file: Path) -> Picture:
    picture, note = read_picture(file), read_metadata(file).note
    if note:
        console.note(f"{file}: {note}")
    return picture


def _references(files: Sequence[Path], arguments: Namespace, pool: ModelPool) -> References | None:
    if not files:
        return None
    pictures = [_first_picture(file) for file in files]
    return References(pictures, find_faces(pictures, arguments, pool, "no").faces)


def swap_target(job: Job, donors: Donors, arguments: Namespace, pool: ModelPool) -> dict[str, Any]:
    """Swap one picture or clip, tell about it, and give what the report says of it."""
    if is_clip(job.target):
        if donors.note:
            console.note(donors.note)
        return swap_clip_target(job.target, job.output, donors.pictures, donors.faces, arguments, pool)
    target, metadata = read_picture(job.target), read_metadata(job.target)
    faces, note = find_faces([target], arguments, pool, arguments.detect_gender_input)
    left_out = [text for text in (note, donors.note) if text]
    with _explained(left_out):
        index_map = _mapped(target, faces, donors, arguments, pool)
    result = _swapped(target, job.limit, donors, index_map, arguments, pool)
    if job.mask:
        write_picture(job.mask, _visible(result.masks[0]))
    if job.preview:
        write_picture(job.preview, draw_pairs(target, donors.pictures, index_map.frames[0]))
    notes = [*(console.of_one(line) for line in result.report), *_write(job, result, metadata, arguments)]
    if index_map.report:
        notes = [*left_out, *notes]
    notes = [*filter(None, [metadata.note]), *notes]
    for line in notes:
        console.note(f"{job.target}: {line}")
    pairs = _pairs(index_map, result, donors.files)
    console.say(f"{job.target} -> {job.output}: {len(pairs)} of {faces.count} face(s) swapped")
    return {"output": str(job.output), "faces": faces.count, "pairs": pairs, "report": notes}


@contextmanager
def _explained(left_out: Sequence[str]) -> Iterator[None]:
    """Let a face that isn't found be told in one go with what the gender filter left out."""
    try:
        yield
    except FaceNotFoundError as error:
        raise FaceNotFoundError("; ".join([*left_out, console.of_one(str(error))])) from error


def _mapped(target: Picture, faces: FaceSet, donors: Donors, arguments: Namespace, pool: ModelPool) -> IndexMap:
    lists = arguments.input_faces_index, arguments.source_faces_index, arguments.pairing, arguments.missing
    if donors.references is None:
        return map_indexes(faces, donors.faces, *lists)
    return match_faces(
        faces,
        donors.faces,
        donors.references.faces,
        *lists,
        threshold=arguments.identity_threshold or None,
        embedder=arguments.embedder,
        targets=[target],
        references=donors.references.pictures,
        pool=pool,
    )


def _swapped(
    target: Picture,
    limit: FloatArray | None,
    donors: Donors,
    index_map: IndexMap,
    arguments: Namespace,
    pool: ModelPool,
) -> SwapResult:
    return swap_faces(
        [target],
        donors.pictures,
        index_map,
        arguments.swap_model,
        arguments.interpolation,
        strength=arguments.strength,
        mask_feather=arguments.mask_feather,
        mask=None if limit is None else [fitted_limit(limit, target)],
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


def _write(job: Job, result: SwapResult, metadata: Metadata, arguments: Namespace) -> tuple[str, ...]:
    return write_picture(
        job.output,
        result.images[0],
        image_format=arguments.image_format,
        image_quality=arguments.image_quality,
        metadata=metadata,
    )


def _pairs(index_map: IndexMap, result: SwapResult, source_files: Sequence[Path | str]) -> list[dict[str, Any]]:
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
