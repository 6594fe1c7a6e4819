"""Where the faces of a picture are, and how they are numbered: for those who choose some of them."""

from __future__ import annotations

from collections.abc import Mapping

from ..app.plan import Plan
from ..app.report import Json
from ..app.session import Session
from ..app.settings import SETTINGS, Scope, Value, checked
from ..media.pictures import decode_picture
from ..pipeline.errors import MultiFaceSwapError, SettingsError
from ..pipeline.quotes import nearest, quoted
from ..pipeline.types import Size
from .errors import Refusal, public_text
from .values import Image

IMAGE = "image"
_SCOPES = ("detect", "order")


def faces_of(image: Image, given: Mapping[str, object], session: Session) -> dict[str, Json]:
    """The picture's size and its faces, each with its number and its box (left, top, right, bottom) in pixels.

    `given` are settings of finding and numbering faces, by name. Raises Refusal.
    """
    try:
        settings = _settings(given)
        picture = decode_picture(image.data, IMAGE)
        found = session.detect([picture], **Plan.of("detect", _of(settings, "detect")).values_of("detect"))
        numbered = session.order(found, **_of(settings, "order"))
    except MultiFaceSwapError as error:
        raise Refusal(400, public_text(error)) from error
    size = Size.of(picture)
    faces: list[Json] = [
        {"index": face.index, "box": [round(float(edge), 1) for edge in face.box]} for face in numbered.frames[0]
    ]
    return {"width": size.width, "height": size.height, "faces": faces, "notes": list(found.notes)}


def accepts(session: Session, name: str, value: Value) -> bool:
    """Whether a setting may have this value here, all others left as they are."""
    asked = {"gender": True} if name == "attributes" else {}  # guessers are opened only then
    try:
        session.plan("detect", _of(_settings({**asked, name: value}), "detect"))
    except MultiFaceSwapError:
        return False
    return True


def known_names() -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for scope in _SCOPES for name in SETTINGS[scope]))


def _settings(given: Mapping[str, object]) -> dict[str, Value]:
    for name in given:
        if name not in known_names():
            raise SettingsError(f"{quoted(name)}: no such setting{nearest(name, [IMAGE, *known_names()])}")
    values = checked(given, "detect", "order")
    gender, age = values["gender"] or values["detect_gender"] != "no", values["age"] or bool(values["detect_age"])
    return {**values, "gender": gender, "age": age}


def _of(settings: Mapping[str, Value], scope: Scope) -> dict[str, object]:
    return {name: settings[name] for name in SETTINGS[scope]}
