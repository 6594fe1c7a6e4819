"""JSON from servers and files: what can't be read in one place doesn't hide what stands beside it."""

from __future__ import annotations

import json
import re
from typing import Final, TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
_DEEPEST: Final = 64
_LONGEST_NUMBER: Final = 400
"""Digits. Python reads no more than 4,300, and a float holds no more than 309."""
_BLANK: Final = b" \t\r\n\0\xef\xbb\xbf\xfe\xff"
"""Spaces and the marks of an encoding."""
# The end of the text ends a string as well, so that no part of it is looked at twice.
_TOKEN: Final = re.compile(r'([\[{])|([\]}])|"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)


def read_json(data: bytes) -> Json:
    """An object, array or string, or None where there is none.

    Bytes that are no text become replacement marks, numbers of more than 400 digits infinity, and what is nested
    deeper than 64 levels null.
    """
    start = data.lstrip(_BLANK)[:1]
    if not start or start not in b'{["':
        return None
    text = data.decode(json.detect_encoding(data), "replace")
    try:
        return json.loads(_shallow(text), parse_int=_integer)
    except ValueError:
        return None


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
