"""`multifaceswap detect`: where the faces are and how they are numbered."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..media.pictures import read_metadata, read_picture, write_picture
from ..models.pool import ModelPool
from ..pipeline.draw.preview import draw_faces
from ..pipeline.faces.ordering import GENDERS
from ..pipeline.types import Face
from . import console
from .files import find_targets, require_free, results
from .options import add_choice, add_detection, find_faces


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="pictures or folders")
    parser.add_argument("--preview", metavar="FILE", help="write the picture with numbered boxes; of several, a folder")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--gender", action="store_true", help="also tell genders")
    add_choice(parser, "--detect-gender", GENDERS, "no", "number only such faces")
    add_detection(parser)


def run(arguments: Namespace) -> int:
    targets = find_targets(arguments.files, arguments.preview)
    previews: list[Path | None] = [None] * len(targets.files)
    if arguments.preview:
        previews = [*results(targets, arguments.preview, None, "--preview")]
        require_free([path for path in previews if path], targets.files)
    pool = ModelPool(device=arguments.device)
    jobs = [*zip(targets.files, previews, strict=True)]
    with console.progress(jobs, "picture") as bar:
        entries = [_attempt(file, preview, arguments, pool) for file, preview in bar]
    if arguments.json:
        console.say(json.dumps({"pictures": entries}, indent=2))
    return console.exit_code(entries)


def _attempt(file: Path, preview: Path | None, arguments: Namespace, pool: ModelPool) -> dict[str, Any]:
    return {"file": str(file), **console.attempt(file, lambda: _detect(file, preview, arguments, pool))}


def _detect(file: Path, preview: Path | None, arguments: Namespace, pool: ModelPool) -> dict[str, Any]:
    picture, note = read_picture(file), read_metadata(file).note
    if note:
        console.note(f"{file}: {note}")
    height, width = picture.shape[:2]
    found = find_faces([picture], arguments, pool, arguments.detect_gender, gender=arguments.gender)
    (faces,) = found.faces
    if found.note:
        console.note(f"{file}: {found.note}")
    if preview:
        write_picture(preview, draw_faces(picture, faces))
    if not arguments.json:
        console.say("\n".join([f"{file}: {len(faces)} face(s) in {width}x{height}", *map(_line, faces)]))
    return {"width": width, "height": height, "faces": _facts(faces)}


def _line(face: Face) -> str:
    left, top, right, bottom = (round(float(edge)) for edge in face.box)
    return f"  {face.index}: {left},{top} to {right},{bottom}, score {face.score:.2f} {face.gender or ''}".rstrip()


def _facts(faces: Sequence[Face]) -> list[dict[str, Any]]:
    return [
        {
            "index": face.index,
            "box": [round(float(edge), 2) for edge in face.box],
            "landmarks": [[round(float(value), 2) for value in point] for point in face.landmarks],
            "score": round(face.score, 4),
            "gender": face.gender,
        }
        for face in faces
    ]
