"""What calls take and give, as OpenAPI says it: made from the tables of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ..app.faces.folders import PREFIX
from ..app.settings import Setting, Value, of
from ..hosted.segmind.settings import SETTINGS as API
from ..pipeline.faces.parts import PARTS
from .submission import BASE64, PICTURES

Schema = dict[str, object]
Accepts = Callable[[str, Value], bool]
"""Whether a setting may have a value."""
_FORMAT: Final = "picture"
"""Of texts that stand for a picture: no pattern says whether there is one."""
_FACES: Final = rf"([0-9]{{1,9}}|-[1-9]|{'|'.join(f'{n}-[{n}-9]' for n in range(9))})"
_PERCENT: Final = r"[0-4]?[0-9](\.[0-9]{1,4})?"
_PART: Final = f"({'|'.join(PARTS)})"
_PATTERNS: Final = {
    "indexes": rf"^ *(\*|{_FACES}( *, *{_FACES})*) *$",
    "parts": rf"^[ ,]*({_PART}( *, *{_PART})*)?[ ,]*$",
    "padding": rf"^ *({_PERCENT}( *, *{_PERCENT} *, *{_PERCENT} *, *{_PERCENT})?)? *$",
    "ages": r"^ *([1-9]?[0-9]\+?|[1-3]?[0-9] *- *[4-9][0-9])? *$",
}
"""The usual forms of texts; more are accepted, as the descriptions say."""
_TEXT: Final[Schema] = {"type": "string"}


def request_schema(accepts: Accepts) -> Schema:
    """The JSON object that both calls for a swap take.

    `accepts` says whether a setting may have a value here, all others left as they are: what needs a model that isn't
    there is left out.
    """
    rows = of("picture", "file")
    names: Schema = {name: _picture(name) for name in PICTURES}
    names |= {name: _setting(row, accepts) for name, row in rows.items()}
    names["image_format"] = {**_setting(rows["image_format"], accepts), "default": API["image_format"].default}
    names[BASE64] = {"type": ["boolean", "null"], "default": False, "description": API[BASE64].text}
    return {"type": "object", "required": [*PICTURES], "properties": names, "additionalProperties": False}


def faces_schema(accepts: Accepts) -> Schema:
    """The JSON object of a question for a picture's faces. `accepts` as of `request_schema`."""
    rows = of("detect", "order")
    names: Schema = {name: _setting(row, accepts) for name, row in rows.items()}
    image: Schema = {"type": "string", "format": _FORMAT, "minLength": 1}
    return {
        "type": "object",
        "required": ["image"],
        "properties": {"image": image, **names},
        "additionalProperties": False,
    }


def body_of(schema: Schema) -> Schema:
    """A route's `openapi_extra` for a body that is read and checked by the program itself."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def upload_schema(most: int) -> Schema:
    items = {"type": "string", "format": _FORMAT, "minLength": 1}
    urls = {"type": "array", "items": items, "minItems": 1, "maxItems": most}
    return {
        "type": "object",
        "required": ["data_urls"],
        "properties": {"data_urls": urls},
        "additionalProperties": False,
    }


ERROR: Final[Schema] = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": _TEXT, "status": _TEXT, "request_id": _TEXT},
}


def answers(*codes: int, ok: Mapping[str, object] | None = None) -> dict[int | str, dict[str, object]]:
    """A route's answers: what it gives where all is well, and the codes of refusals."""
    made: dict[int | str, dict[str, object]] = {}
    if ok is not None:
        made[200] = {"description": "Done", "content": dict(ok)}
    for code in codes:
        made[code] = {"description": _REASONS[code], "content": _json(ERROR)}
    return made


def json_of(required: Mapping[str, Schema]) -> dict[str, object]:
    """The content of an answer that is an object with these fields."""
    return _json({"type": "object", "required": [*required], "properties": dict(required)})


_REASONS: Final = {
    400: "A setting or a picture can't be used",
    401: "The key is missing or wrong",
    404: "There is no such thing, or no longer",
    405: "This address takes other methods",
    408: "The body took too long",
    409: "The idempotency key came with another request",
    413: "Too large",
    415: "The body isn't JSON",
    422: "The request FAILED",
    429: "Too many requests: Retry-After says when to come again",
    500: "A mistake of the server's own",
    503: "The server isn't ready, or is about to end",
    504: "The result took too long: it can be fetched later",
    507: "The server has no room for more pictures",
}


def _json(schema: Schema) -> dict[str, object]:
    return {"application/json": {"schema": schema}}


def _picture(name: str) -> Schema:
    is_source = name.startswith("source")
    about = f"URL or data URI of the picture that {'gives the faces' if is_source else 'is changed'}"
    more = f"; or {PREFIX}NAME, a face that is saved on the server" if is_source else ""
    return {"type": "string", "format": _FORMAT, "minLength": 1, "description": about + more}


def _setting(row: Setting, accepts: Accepts) -> Schema:
    about: Schema = {"description": row.text, "default": row.default}
    if row.kind in ("number", "integer"):
        ends = [end for end in (row.low, 0, 1, row.high, row.default) if row.low <= float(end) <= row.high]
        able = [float(end) for end in ends if accepts(row.name, end)]
        return {"type": [row.kind, "null"], "minimum": min(able), "maximum": max(able), **about}
    known = [True, False] if row.kind == "switch" else list(row.known)
    able = [value for value in known if accepts(row.name, value)]
    if known:
        numbers = [int(value or 0) for value in able if str(value).isdecimal()] if "off" in row.choices else []
        return {"enum": [*able, *numbers, *([0] if "off" in row.choices else []), None], **about}
    pattern = _PATTERNS[row.kind] if row.kind != "ages" or accepts(row.name, "20") else "^ *$"
    return {"type": ["string", "null"], "pattern": pattern, **about}
