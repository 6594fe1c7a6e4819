"""What came, as messages show it: at most 200 characters of it, on one line, whatever it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from reprlib import Repr
from typing import Final

MOST: Final = 200
_MANY: Final = 8
"""Names that a list shows."""
_NAME: Final = 100
"""Characters that it shows of each."""
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""What breaks lines, moves the cursor, turns the line round or can't be written at all."""
_ADDRESS: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):/(?=[^/])")
"""Drives of Windows have one letter."""
_REPR: Final = Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = MOST
_REPR.maxlist = _REPR.maxtuple = _REPR.maxdict = _REPR.maxset = 40


def quoted(value: object) -> str:
    """A value as Python writes it, cut off behind its start."""
    if isinstance(value, str | bytes):
        return _cut(repr(value[:MOST]) + ("…" if len(value) > MOST else ""))
    try:
        lines = _REPR.repr(value).splitlines()  # arrays have several
    except (ValueError, RecursionError):  # Python writes no number of more than 4300 digits
        return f"a {type(value).__name__} too large to be shown"
    return _cut(" ".join(line.strip() for line in lines))


def nearest(word: str, known: Iterable[str]) -> str:
    """The known names that are most like a word, for `…, such as a, b`; empty where none is."""
    found = get_close_matches(word[:_NAME], list(known), cutoff=0.5)
    return f", such as {', '.join(found)}" if found else ""


def excerpt(text: object, most: int = MOST) -> str:
    """The start of a text that others wrote, such as a library's message, as one line."""
    return _cut(_printable(" ".join(str(text)[: 4 * most].split())), most)


def reason(error: BaseException) -> str:
    """What an error that isn't the project's own says, in one line; of the system's errors the file and the words,
    without the number and the brackets."""
    if isinstance(error, MemoryError):
        return "there is not enough memory"
    if isinstance(error, OSError) and error.strerror and error.filename is not None:
        name = error.filename
        return f"{named(name.decode(errors='replace') if isinstance(name, bytes) else name)}: {excerpt(error.strerror)}"
    return excerpt(str(error)) or type(error).__name__


def named(path: object) -> str:
    """A file's name, given as text or path. Of a long one the end is shown, which tells files apart."""
    name = as_typed(path)
    shown = _printable(name[-MOST:])
    return shown if len(name) <= MOST and len(shown) <= MOST else f"…{shown[1 - MOST :]}"


def as_typed(path: object) -> str:
    """A path with the slashes that it lost where an address was given for a file."""
    return _ADDRESS.sub(lambda found: f"{found[1]}:///" if found[1] == "file" else f"{found[1]}://", str(path))


def listed(names: Iterable[str]) -> str:
    """The first of several names, with commas."""
    given = list(names)
    return excerpt(", ".join([*(name[:_NAME] for name in given[:_MANY]), *(["…"] if len(given) > _MANY else [])]))


def _cut(text: str, most: int = MOST) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _printable(text: str) -> str:
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
