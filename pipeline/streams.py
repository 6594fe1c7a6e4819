"""Streams of items that are closed by the step that takes them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def closing_source(items: Iterable[T]) -> Generator[Iterator[T]]:
    """An iterator over `items`, closed when the block ends, if it can be closed.

    Without it a generator that was left half-way keeps its threads and files until it is collected, which never
    happens while somebody holds the exception that ended the work.
    """
    iterator = iter(items)
    try:
        yield iterator
    finally:
        close = getattr(iterator, "close", None)
        if close is not None:
            close()
