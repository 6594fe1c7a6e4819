"""An answer of the API, and whether one whose connection broke is there all the same."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ...pipeline.quotes import excerpt
from .errors import ResultError
from .lenient_json import Json, read_json
from .media import decode_base64, decode_result


@dataclass(frozen=True, slots=True, eq=False)
class ApiResponse:
    """An answer, whole."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)
    redacted: Callable[[str], str] = field(default=str, repr=False)
    """Makes texts of it fit to be shown."""
    _read: list[Json] = field(default_factory=list, init=False, repr=False)
    """What the body says, once somebody asked."""

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def json(self) -> Json:
        """The body as JSON, or None where it isn't: see `read_json`."""
        if not self._read:
            self._read.append(read_json(self.body))
        return self._read[0]

    def picture(self) -> bytes:
        """The bytes of a body that is a picture, of base64 text where it is that."""
        body = self.body
        is_text = body[:64].isascii() and body.isascii()
        return decode_base64(body.decode("ascii")) or body if is_text else body

    def detail(self) -> str:
        """The server's words on what went wrong, in one line."""
        body = self.json()
        error = body.get("error") or body.get("message") or body.get("detail") if isinstance(body, dict) else None
        text = error if isinstance(error, str) else json.dumps(error) if error else self._text()
        return excerpt(self.redacted(text))

    def saying(self, what: str) -> str:
        """What is wrong with it, with the server's words behind it."""
        detail = self.detail()
        return f"{what}: {detail}" if detail else what

    def outlived_its_connection(self) -> bool:
        """Whether the answer can be used although its connection ended before it should have.

        A refusal's status says what counts; JSON and pictures show by themselves that their end is there.
        """
        return not self.ok or self.json() is not None or self._is_picture()

    def _is_picture(self) -> bool:
        try:
            decode_result(self.picture())
        except ResultError:
            return False
        return True

    def _text(self) -> str:
        kind = self.headers.get("content-type", "")
        if "html" in kind or "text" in kind:
            return re.sub(r"<[^>]*>", " ", self.body[:4000].decode(errors="replace"))
        return ""
