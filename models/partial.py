"""A file that has arrived in part, and what is remembered of where it came from, so that only the same is continued."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, NamedTuple

from ..media.atomic import remove, write_atomic
from ..media.sealed import seal, unseal

_RANGE: Final = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")
"""`Content-Range` (RFC 9110, 14.4)."""


_ETAG: Final = re.compile(r'(W/)?"[\x21\x23-\x7e]{0,500}"')
"""RFC 9110, 8.8.3: what can be sent back as it came."""


class Version(NamedTuple):
    """What a server says that tells one version of a file from another."""

    etag: str = ""
    """Strong; empty where there is none."""
    modified: str = ""
    """`Last-Modified` where it is as good; empty where it isn't."""
    total: int | None = None
    """Bytes of the whole file, where the server says so."""

    @property
    def mark(self) -> str:
        """For `If-Range`; empty where nothing tells the versions apart."""
        return self.etag or self.modified

    @classmethod
    def of(cls, headers: Mapping[str, str], total: int | None) -> Version:
        """As an answer's headers say it. Dates count where the server's clock is past them (RFC 9110, 8.8.2.2)."""
        etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
        if not _ETAG.fullmatch(etag):
            etag = ""
        try:
            age = parsedate_to_datetime(headers.get("Date", "")) - parsedate_to_datetime(modified)
            is_past = age.total_seconds() >= 1
        except (ValueError, TypeError, OverflowError):
            is_past = False
        return cls("" if etag.startswith("W/") else etag, modified if is_past else "", total)


class Span(NamedTuple):
    """The bytes that an answer holds, of `total` altogether where that is said."""

    first: int
    last: int
    total: int | None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Span | None:
        """As `Content-Range` says it; None where it says nothing that can be understood."""
        found = _RANGE.fullmatch(headers.get("Content-Range", "").strip())
        if found is None:
            return None
        first, last, total = found.groups()
        return cls(int(first), int(last), None if total == "*" else int(total))


@dataclass(frozen=True, slots=True)
class Partial:
    """A file that is being fetched."""

    path: Path
    is_checked: bool
    """Whether a published hash will tell that it was put together right."""

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def version(self) -> Version:
        """That it is part of; nothing where none is remembered."""
        try:
            known = unseal(self._note.read_bytes(), self.path.name)
        except OSError:
            known = None
        match known:
            case {"etag": str(etag), "modified": str(modified), "total": int() | None as total}:
                return Version(etag, modified, total)
            case _:
                return Version()

    @property
    def can_go_on(self) -> bool:
        """Whether what has arrived may be continued, as far as is known here."""
        return self.path.is_file() and bool(self.is_checked or self.version.mark)

    def fits(self, headers: Mapping[str, str]) -> bool:
        """Whether the answer to a request for the rest is the rest of this version, by its headers."""
        span, known = Span.of(headers), self.version
        if span is None or span.first != self.size or span.last < span.first:
            return False
        totals = {total for total in (span.total, known.total) if total is not None}
        if len(totals) > 1 or any(span.last >= total for total in totals):
            return False
        said = headers.get("ETag" if known.etag else "Last-Modified")
        # Where nothing tells the versions apart, the hash will.
        return self.is_checked if not known.mark or said is None else bool(totals) and said == known.mark

    def begin(self, version: Version) -> None:
        """Nothing has arrived of this version. Raises OSError."""
        self.forget()
        if version.mark:
            write_atomic(self._note, seal(version._asdict(), self.path.name))

    def forget(self) -> None:
        """Nothing has arrived, of whatever version. Raises OSError."""
        remove(self.path)
        remove(self._note)

    @property
    def _note(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")
