"""JSON from servers and files: what can't be read in one place doesn't hide what stands beside it."""

from __future__ import annotations

import json
import re
from typing import Final, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
_DEEPEST: Final = 64
_LONGEST_NUMBER: Final = 400
"""Digits. Python reads no more than 4,300, and a float holds no more than 309."""
_MOST_VALUES: Final = 1_000_000
"""Marks that values need: each value takes a hundred times as long to read as a letter."""
_MOST_ESCAPES: Final = 4_000_000
"""Backslashes: base64 text of the largest picture may have one every sixty letters."""
_BLANK: Final = b" \t\r\n\0\xef\xbb\xbf\xfe\xff"
"""Spaces and the marks of an encoding."""
_SPACES: Final = " \t\r\n\0\ufeff"
# The end of the text ends a string as well, so that no part of it is looked at twice.
_TOKEN: Final = re.compile(r'([\[{])|([\]}])|"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)


def read_json(data: bytes) -> Json:
    """An object, array or string, or None where there is none, or one of more values than any answer has.

    Bytes that are no text become replacement marks, numbers of more than 400 digits infinity, and what is nested
    deeper than 64 levels null. Control characters may stand in strings as they are, and what follows behind a whole
    object or array is left out.
    """
    start = data.lstrip(_BLANK)[:1]
    if not start or start not in b'{["' or _is_costly(data):
        return None
    text = data.decode(json.detect_encoding(data), "replace").lstrip(_SPACES)
    brackets = text.count("[") + text.count("{")
    decoder = json.JSONDecoder(parse_int=_integer, strict=False)
    try:
        return decoder.raw_decode(_shallow(text) if brackets > _DEEPEST else text)[0]
    except ValueError:
        return None


def _is_costly(data: bytes) -> bool:
    return sum(map(data.count, (b",", b":", b'"', b"[", b"{"))) > _MOST_VALUES or data.count(b"\\") > _MOST_ESCAPES


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else float("inf")


def _shallow(text: str) -> str:
    """The text with null for everything that is nested too deeply."""
    kept: list[str] = []
    depth = start = 0
    for token in _TOKEN.finditer(text):
        if token.lastindex == 1:
            depth += 1
            if depth == _DEEPEST + 1:
                kept += [text[start : token.start()], "null"]
        elif token.lastindex == 2:
            if depth == _DEEPEST + 1:
                start = token.end()
            depth -= 1
    return "".join(kept) + text[start:] if depth <= _DEEPEST else "".join(kept)
