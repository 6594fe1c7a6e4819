"""Index lists such as `0,2-4`: how they are written and which faces they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from ..errors import IndexListError, SettingsError
from ..quotes import quoted

MAX_DIGITS: Final = 9
"""Longer numbers are slips of the keyboard."""
_DIGITS: Final = re.compile("[0-9]+")


class Span(NamedTuple):
    """The numbers from first to last, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"


class Missing(NamedTuple):
    """Consecutive entries of a list that name no face."""

    span: Span


@dataclass(frozen=True, slots=True)
class IndexList:
    """The faces that a list names. `str()` writes it so that `parse_indexes` reads the same list again."""

    spans: tuple[Span, ...] | None
    """A negative number, counted from the last face, stands alone in its span. None stands for all faces."""

    def __post_init__(self) -> None:
        if self.spans is not None and not (self.spans and all(_sound(span) for span in self.spans)):
            raise ValueError(f"expected rising spans of face numbers, got {self.spans}")

    def __str__(self) -> str:
        return "*" if self.spans is None else ",".join(map(str, self.spans))

    def length(self, count: int) -> int:
        """Number of entries; only that of `*` depends on the `count` of faces there are."""
        return count if self.spans is None else sum(span.length for span in self.spans)

    def resolve(self, count: int) -> list[int | Missing]:
        """The entries one by one where there are `count` faces; neighbouring ones that name no face are one Missing.

        However far a range runs, the result holds no more than `count` + 1 items for it.
        """
        spans = (Span(0, count - 1),) if self.spans is None else self.spans
        return [item for span in spans for item in _resolved(span, count)]

    def pick(self, position: int, count: int) -> int | Missing:
        """The entry at `position` (from 0), where there are `count` faces. Raises IndexError beyond the list."""
        for span in (Span(0, count - 1),) if self.spans is None else self.spans:
            if position < span.length:
                number = span.first + position
                return next(_resolved(Span(number, number), count))
            position -= span.length
        raise IndexError(position)

    def position(self, number: int, count: int) -> int | None:
        """Where the list first names face `number` (from 0) of `count`; None where it doesn't. Undoes `pick`."""
        position = 0
        for span in (Span(0, count - 1),) if self.spans is None else self.spans:
            first, last = (end + count if end < 0 else end for end in span)
            if first <= number <= last:
                return position + number - first
            position += span.length
        return None

    def require_distinct(self, setting: str) -> None:
        """Raise SettingsError where a face is listed twice."""
        for before, after in pairwise(sorted(self.spans or ())):
            if after.first <= before.last:
                raise SettingsError(
                    f"{setting}: face {after.first} is listed twice in {str(self)!r}, but it can take one source only"
                )


def _sound(span: Span) -> bool:
    return span.first == span.last or 0 <= span.first < span.last


def _resolved(span: Span, count: int) -> Iterator[int | Missing]:
    first, last = (number + count if number < 0 else number for number in span)
    if first < 0:
        yield Missing(span)
        return
    yield from range(first, min(last + 1, count))
    if last >= count:
        yield Missing(Span(max(first, count), last))


def parse_indexes(text: str) -> IndexList:
    """Read an index list.

    `*` alone is all faces. Otherwise comma-separated entries, spaces allowed: `2` is the third face, `0-3` the first
    four (ranges rise and count from the first face), `-1` the last face, `-2` the one before it. Numbers have at most
    MAX_DIGITS digits of 0 to 9. Anything else raises IndexListError with the position, what is no text SettingsError.
    """
    _require_text(text)
    if text.strip(" ") == "*":
        return IndexList(None)
    reader = _Reader(text)
    spans = [reader.span()]
    while reader.take(","):
        spans.append(reader.span())
    if reader.position < len(text):
        raise reader.error("expected a comma")
    return IndexList(tuple(spans))


def _require_text(value: object) -> None:
    if not isinstance(value, str):
        raise SettingsError(f"index list: expected a text such as '0,2-4', got {quoted(value)}")


class _Reader:
    """Reads a list from left to right and knows where it stands."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def take(self, character: str) -> bool:
        found = self.text.startswith(character, self.position)
        self.position += found
        return found

    def skip_spaces(self) -> None:
        while self.take(" "):
            pass

    def span(self) -> Span:
        self.skip_spaces()
        span = self._from_the_end() if self.take("-") else self._range()
        self.skip_spaces()
        return span

    def _from_the_end(self) -> Span:
        start = self.position
        number = self._number()
        if number == 0:
            raise self.error("-1 is the last face, -0 none", start)
        return Span(-number, -number)

    def _range(self) -> Span:
        first = last = self._number()
        self.skip_spaces()
        if self.take("-"):
            self.skip_spaces()
            start = self.position
            last = self._number()
            if last < first:
                raise self.error(f"a range rises: write {last}-{first}, or the numbers one by one", start)
        return Span(first, last)

    def _number(self) -> int:
        digits = _DIGITS.match(self.text, self.position)
        if digits is None:
            alone = self.text.startswith("*", self.position)
            raise self.error("* is all faces and stands alone" if alone else "expected a face number")
        if len(digits.group()) > MAX_DIGITS:
            raise self.error(f"a face number has at most {MAX_DIGITS} digits", self.position + MAX_DIGITS)
        self.position = digits.end()
        return int(digits.group())

    def error(self, expected: str, position: int | None = None) -> IndexListError:
        at = self.position if position is None else position
        found = repr(self.text[at]) if at < len(self.text) else "the end"
        return IndexListError(self.text, at, f"{expected} (found {found})")
