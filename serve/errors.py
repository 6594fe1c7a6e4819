"""What a server answers where it doesn't do what it is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import gettempdir

from ..pipeline.errors import MissingModelError, MultiFaceSwapError
from ..pipeline.quotes import excerpt, reason

_FOLDERS = re.compile(r"(?<![\w:/.\\])(?:[A-Za-z]:)?[/\\](?:[^/\\\s:'\"]+[/\\])+")
"""The folders of a path; of an address, nothing."""
_PYTHON = re.compile(r"(?<=, got )(None|True|False)$")
_JSON = {"None": "null", "True": "true", "False": "false"}
_LONGEST = 300
_SEARCHED = " is in none of these folders:"


class Refusal(MultiFaceSwapError):
    """An answer of 4xx or 5xx: its status, what is said, and headers such as `Retry-After`."""

    def __init__(self, status: int, text: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.headers = dict(headers or {})


def busy(text: str, seconds: float) -> Refusal:
    """429, with the seconds after which another try may succeed."""
    return Refusal(429, text, {"Retry-After": str(max(1, round(seconds)))})


def ending(later: str = "") -> Refusal:
    """503: the server is about to end."""
    return Refusal(503, f"the server is about to end{later}", {"Retry-After": "10"})


def public_text(error: BaseException, *folders: Path) -> str:
    """What an error says, in one line and without the server's folders."""
    if isinstance(error, MissingModelError):
        return _missing(str(error))
    said = str(error) if isinstance(error, MultiFaceSwapError) else reason(error)
    return excerpt(without_folders(in_json(said), *folders), _LONGEST)


def in_json(text: str) -> str:
    """A message whose last word is a value that came, as JSON writes it."""
    return _PYTHON.sub(lambda found: _JSON[found[0]], text)


def without_folders(text: str, *folders: Path) -> str:
    """A text whose paths are cut down to the names of files. Where a folder's name has a space in it, that is known of
    those below the user's own, the one for temporary files and the `folders` given."""
    for known in (*folders, Path(gettempdir()), Path.home()):
        start = re.escape(str(known))
        text = re.sub(rf"{start}[/\\]+(?:[^/\\:'\"]+[/\\]+)*", "", text)
    return _FOLDERS.sub("", text)


def _missing(text: str) -> str:
    """Which file isn't there, its licence, and how the server's owner gets it."""
    lines = [line.replace(_SEARCHED, " isn't on this server") for line in text.splitlines()]
    return without_folders(". ".join(line for line in lines if not line.startswith(" ")))
