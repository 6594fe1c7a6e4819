"""What a program sends, read and checked: the hosted API's names, and every setting of this machine by its own."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Final, NamedTuple, TypeGuard, cast

from ..app.session import Session
from ..app.settings import SETTINGS, Value, checked, of
from ..hosted.segmind.settings import SETTINGS as API
from ..pipeline.errors import MissingModelError, MultiFaceSwapError, SettingsError
from ..pipeline.quotes import nearest, quoted
from .config import ServeConfig
from .errors import Refusal, in_json, public_text

PICTURES: Final = ("source_img", "target_img")
BASE64: Final = "base64"
_API_FORMAT: Final = str(API["image_format"].default)
_IDEMPOTENCY: Final = re.compile(r"[!-~]{1,255}")


class Submission(NamedTuple):
    """What is asked for, before its pictures are looked at."""

    source: str
    """What `references.Pictures` takes."""
    target: str
    settings: Mapping[str, Value]
    base64: bool
    digest: str
    notes: tuple[str, ...] = ()
    """What is done otherwise than asked."""


def read_object(body: bytes) -> dict[str, object]:
    """The JSON object of a request's body. Raises Refusal."""
    try:
        content: object = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "the body: expected JSON, got something else") from error
    if not _is_object(content):
        raise Refusal(400, in_json(f"the body: expected a JSON object, got {quoted(content)}"))
    return content


def submission(body: Mapping[str, object], session: Session, config: ServeConfig) -> Submission:
    """What a request asks for. Raises Refusal for an unknown name, a wrong value, a model that isn't here."""
    given = {name: value for name, value in body.items() if name not in PICTURES}
    try:
        source, target = (reference_in(body, name) for name in PICTURES)
        settings, notes = _possible(_settings(given, config.defaults), session, config)
        as_text = bool(API[BASE64].check(BASE64, _given(given, BASE64, False)))
    except Refusal:
        raise
    except MultiFaceSwapError as error:
        raise Refusal(400, public_text(error)) from error
    return Submission(source, target, settings, as_text, _digest(body), notes)


def accepts(session: Session, name: str, value: Value) -> bool:
    """Whether a setting may have this value here, all others left as they are."""
    try:
        asked = {"detect_gender_input": "female"} if name == "attributes" else {}  # guessers are opened only then
        _require({**checked(asked, "picture", "file"), name: value}, session)
    except MultiFaceSwapError:
        return False
    return True


def _require(settings: Mapping[str, Value], session: Session) -> None:
    session.plan("picture", {name: settings[name] for name in SETTINGS["picture"]})


def _possible(
    settings: dict[str, Value], session: Session, config: ServeConfig
) -> tuple[dict[str, Value], tuple[str, ...]]:
    """Settings whose models are all here, and what was changed to have it so. Raises as `Session.plan`."""
    try:
        _require(settings, session)
        return settings, ()
    except MissingModelError:
        asked = settings["facedetection"]
        own = config.defaults.get("facedetection", SETTINGS["picture"]["facedetection"].default)
        if not config.substitute or asked == own or asked not in API["facedetection"].choices:
            raise
    changed = {**settings, "facedetection": own}
    _require(changed, session)
    return changed, (f"facedetection {asked} isn't on this server: {own} found the faces",)


def reference_in(body: Mapping[str, object], name: str) -> str:
    """What a body gives for a picture. Raises Refusal where that is no text."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        got = f"got {quoted(value)}" if name in body else "it is missing"
        raise Refusal(400, in_json(f"{name}: expected a picture's http(s) URL or its data URI, {got}"))
    return value


def known_names() -> tuple[str, ...]:
    """Every setting that a request may name: the hosted API's, then those of this machine."""
    return tuple(dict.fromkeys([*API, *of("picture", "file")]))


def require_idempotency(key: str | None) -> str | None:
    """An idempotency key as it came, or None. Raises Refusal."""
    if key is not None and not _IDEMPOTENCY.fullmatch(key):
        raise Refusal(400, "Idempotency-Key: expected up to 255 letters, digits and marks without spaces")
    return key


def _settings(given: Mapping[str, object], defaults: Mapping[str, Value]) -> dict[str, Value]:
    """All settings by name. Of the hosted API's own defaults only the format counts: this machine has none of its."""
    for name in given:
        if name not in known_names():
            raise SettingsError(f"{quoted(name)}: no such setting{nearest(name, [*PICTURES, *known_names()])}")
    named = {name: value for name, value in given.items() if name != BASE64 and value is not None}
    return checked({"image_format": _API_FORMAT, **defaults, **named}, "picture", "file")


def _given(given: Mapping[str, object], name: str, default: object) -> object:
    value = given.get(name)
    return default if value is None else value


def _digest(body: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def is_texts(value: object) -> TypeGuard[list[str]]:
    """Whether this is an array of strings."""
    return isinstance(value, list) and all(isinstance(one, str) for one in cast("list[object]", value))


def _is_object(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
