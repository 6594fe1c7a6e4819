"""What calls take and give, as OpenAPI says it: made from the tables of settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..app.settings import Setting, of
from ..hosted.segmind.settings import SETTINGS as API
from .submission import BASE64, PICTURES

Schema = dict[str, object]
_PICTURE: Final = r"^(https?://[^\s]+|data:image/[a-z0-9.+-]+;base64,[A-Za-z0-9+/]+={0,2})$"
_TEXT: Final[Schema] = {"type": "string"}


def request_schema() -> Schema:
    """The JSON object that both calls for a swap take."""
    rows = of("picture", "file")
    names: Schema = {name: _picture(name) for name in PICTURES}
    names |= {name: _setting(row) for name, row in rows.items()}
    names["image_format"] = {**_setting(rows["image_format"]), "default": API["image_format"].default}
    names[BASE64] = {"type": ["boolean", "null"], "default": False, "description": API[BASE64].text}
    return {"type": "object", "required": [*PICTURES], "properties": names, "additionalProperties": False}


def body_of(schema: Schema) -> Schema:
    """A route's `openapi_extra` for a body that is read and checked by the program itself."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def upload_schema(most: int) -> Schema:
    items = {"type": "string", "pattern": _PICTURE}
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
    what = "gives the faces" if name.startswith("source") else "is changed"
    return {"type": "string", "pattern": _PICTURE, "description": f"URL or data URI of the picture that {what}"}


def _setting(row: Setting) -> Schema:
    about: Schema = {"description": row.text, "default": row.default}
    if row.kind == "switch":
        return {"type": ["boolean", "null"], **about}
    if row.kind in ("number", "integer"):
        return {"type": [row.kind, "null"], "minimum": row.low, "maximum": row.high, **about}
    if row.known and row.model != "restorer":
        return {"type": ["string", "null"], "enum": [*row.known, None], **about}
    return {"type": ["string", "null"], **about}
