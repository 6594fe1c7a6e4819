"""`multifaceswap detect`: where the faces are and how they are numbered."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from ..app import settings
from ..app.pictures import filtered
from ..app.report import Json, TargetReport
from ..app.session import Session
from ..media.pictures import read_metadata, read_picture, write_picture
from ..pipeline.draw.preview import draw_faces
from ..pipeline.errors import SettingsError
from ..pipeline.quotes import named
from ..pipeline.types import Face, FaceSet, Picture
from . import console
from .files import find_targets, require_free, results
from .grouping import add_group, group_of, people_of
from .options import add_settings, values_of
from .refusals import refusals


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="pictures or folders")
    parser.add_argument("--preview", metavar="FILE", help="write the picture with numbered boxes; of several, a folder")
    add_group(parser, "people: faces that look alike are somebody, of pictures and clips")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_settings(parser, "detect", "order", "merge", "session")


def run(arguments: Namespace) -> int:
    if group := group_of(arguments):
        return _grouped(arguments, group)
    for name in settings.changed(values_of(arguments, "merge"), ["merge"]):
        raise SettingsError(f"--{name.replace('_', '-')} tells people apart, which only --group does here")
    targets = find_targets(arguments.files, arguments.preview)
    previews: list[Path | None] = [None] * len(targets.files)
    refused = dict[Path, str]()
    if arguments.preview:
        previews = [*results(targets, arguments.preview, None, "--preview")]
        wanted = [path for path in previews if path]
        require_free(wanted, targets.files)
        refused = refusals(targets.files, wanted, [()] * len(wanted), None)
    jobs = [*zip(targets.files, previews, strict=True)]
    with Session(device=arguments.device, licence=arguments.licence) as session:
        plan = session.plan("detect", _asked(arguments))
        models = [one.as_json() for one in session.ran(plan)]
        for line in plan.notes:
            console.note(line)
        with console.progress(jobs, "picture") as bar:
            done = [
                _attempt(session, file, preview, arguments, preview and refused.get(preview)) for file, preview in bar
            ]
    if arguments.json:
        entries = [{"file": one.target, **one.details, "error": one.error} for one in done]
        console.say(json.dumps({"pictures": entries, "models": models}, indent=2))
    return console.exit_code([one.error for one in done])


def _grouped(arguments: Namespace, folder: Path) -> int:
    """The files' people with numbers, in a folder."""
    alone = {"--preview": arguments.preview, "--json": arguments.json, "--limit": arguments.limit}
    for name in (name for name, value in alone.items() if value):
        raise SettingsError(f"{name} goes with faces picture by picture, and --group is about all of them")
    from ..app.people_folder import people_in

    if people_in(folder):
        raise SettingsError(f"--group {named(folder)}: there are people in it already; choose another folder")
    asked = {**values_of(arguments, "detect"), **values_of(arguments, "order"), **values_of(arguments, "merge")}
    asked |= {f"{name}_input": asked[name] for name in ("detect_gender", "detect_age")}
    with Session(device=arguments.device, licence=arguments.licence) as session:
        failed = people_of(session, folder, find_targets(arguments.files).files, asked).failed
    return 1 if failed else 0


def _attempt(
    session: Session, file: Path, preview: Path | None, arguments: Namespace, refused: str | None
) -> TargetReport:
    if refused:
        return TargetReport(str(file), error=refused)
    return console.attempt(str(file), lambda: _detect(session, file, preview, arguments))


def _detect(session: Session, file: Path, preview: Path | None, arguments: Namespace) -> TargetReport:
    picture, left_out = read_picture(file), read_metadata(file).notes
    found, kept = _found(session, picture, arguments)
    (faces,) = kept.frames
    for line in filter(None, (*left_out, _left_out(found, arguments), *found.notes, *found.remarks)):
        console.note(f"{named(file)}: {line}")
    if preview:
        write_picture(preview, draw_faces(picture, faces))
    height, width = picture.shape[:2]
    if not arguments.json:
        console.say("\n".join([f"{file}: {len(faces)} face(s) in {width}x{height}", *map(_line, faces)]))
    return TargetReport(str(file), details={"width": width, "height": height, "faces": [*map(_entry, faces)]})


def _found(session: Session, picture: Picture, arguments: Namespace) -> tuple[FaceSet, FaceSet]:
    """All faces, and those that count."""
    found = session.detect([picture], **_asked(arguments))
    return found, session.order(found, **values_of(arguments, "order"))


def _asked(arguments: Namespace) -> dict[str, Any]:
    """The settings of detection: the filters ask for what they need."""
    values = dict[str, Any](values_of(arguments, "detect"))
    values["gender"] = values["gender"] or arguments.detect_gender != "no"
    values["age"] = values["age"] or bool(arguments.detect_age)
    return values


def _left_out(found: FaceSet, arguments: Namespace) -> str:
    return filtered(found, arguments.detect_gender, arguments.detect_age)


def _line(face: Face) -> str:
    left, top, right, bottom = (round(float(edge)) for edge in face.box)
    guessed = " ".join(str(guess) for guess in (face.gender, face.age) if guess is not None)
    return f"  {face.index}: {left},{top} to {right},{bottom}, score {face.score:.2f} {guessed}".rstrip()


def _entry(face: Face) -> Json:
    return {
        "index": face.index,
        "box": [round(float(edge), 2) for edge in face.box],
        "landmarks": [[round(float(value), 2) for value in point] for point in face.landmarks],
        "score": round(face.score, 4),
        "gender": face.gender,
        "age": None if face.age is None else str(face.age),
    }
