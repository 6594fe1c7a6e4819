"""Pieces of an open file, read as if they were a file of their own: a large file needn't be held to be decoded."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Span(NamedTuple):
    """Bytes of a file: from `start` up to `end`."""

    start: int
    end: int


def size_of(file: BinaryIO) -> int:
    """Bytes of an open file, which is left at its end."""
    return file.seek(0, io.SEEK_END)


def read_span(file: BinaryIO, span: Span) -> bytes:
    """What a file has there; fewer bytes where it ends before."""
    file.seek(span.start)
    return file.read(span.end - span.start)


def read_whole(file: BinaryIO) -> bytes:
    """All that a file has."""
    return read_span(file, Span(0, size_of(file)))


def whole(file: BinaryIO) -> BinaryIO:
    """As `joined`, of all that a file has."""
    return joined(file, [Span(0, size_of(file))])


def joined(file: BinaryIO, spans: Sequence[Span]) -> BinaryIO:
    """The spans of a file, one after the other; it has a place of its own, and closing it leaves the file open."""
    return io.BufferedReader(_Slices(file, spans))


class _Slices(io.RawIOBase):
    def __init__(self, file: BinaryIO, spans: Sequence[Span]) -> None:
        self._file, self._spans, self._place = file, spans, 0
        # Where each span begins in what they come to.
        self._begins = [0, *accumulate(span.end - span.start for span in spans)]

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._begins[-1]}[whence]
        if place < 0:
            raise ValueError(f"negative seek position {place}")
        self._place = place
        return place

    def readinto(self, buffer: WriteableBuffer) -> int:
        wanted = memoryview(buffer).cast("B")
        number = bisect_right(self._begins, self._place) - 1
        if number >= len(self._spans) or not wanted:
            return 0
        start, end = self._spans[number]
        start += self._place - self._begins[number]
        found = read_span(self._file, Span(start, min(start + len(wanted), end)))
        wanted[: len(found)] = found
        self._place += len(found)
        return len(found)
