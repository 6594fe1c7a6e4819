"""Items made in a thread of their own, a bounded number before they are used."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from threading import Condition, Thread
from typing import Generic, TypeVar

from ..streams import closing_source

T = TypeVar("T")


def prefetch(items: Iterable[T], depth: int) -> Generator[T]:
    """The items in order, made in a thread of their own while earlier ones are used.

    At most `depth` finished items wait, and one more is being made. What making them raises is raised here, in its
    place. Once the iterator is at its end or closed, the thread has ended and `items`, if it can be, is closed too.
    """
    channel: _Channel[T] = _Channel(depth)
    thread = Thread(target=_fill, args=(channel, items), name="multifaceswap-prefetch", daemon=True)
    thread.start()
    try:
        yield from channel.items()
    finally:
        channel.close()
        thread.join()


class _Channel(Generic[T]):
    """Hands items from one thread to another; a full one makes the giver wait."""

    def __init__(self, depth: int) -> None:
        self._room = Condition()
        self._waiting: deque[T] = deque()
        self._depth = depth
        self._closed = False
        self._ended = False
        self._error: BaseException | None = None

    def put(self, item: T) -> bool:
        """Whether the item was taken: False once nobody wants more."""
        with self._room:
            self._room.wait_for(lambda: self._closed or len(self._waiting) < self._depth)
            if not self._closed:
                self._waiting.append(item)
            self._room.notify_all()
            return not self._closed

    def end(self, error: BaseException | None) -> None:
        with self._room:
            self._ended, self._error = True, error
            self._room.notify_all()

    def close(self) -> None:
        with self._room:
            self._closed = True
            self._waiting.clear()
            self._room.notify_all()

    def items(self) -> Iterator[T]:
        while self._await_item():
            with self._room:
                item = self._waiting.popleft()
                self._room.notify_all()
            yield item
            del item  # or it would be held while the next one is waited for
        if self._error is not None:
            raise self._error

    def _await_item(self) -> bool:
        with self._room:
            self._room.wait_for(lambda: bool(self._waiting) or self._ended)
            return bool(self._waiting)


def _fill(channel: _Channel[T], items: Iterable[T]) -> None:
    error: BaseException | None = None
    try:
        with closing_source(items) as source:
            for item in source:
                if not channel.put(item):
                    break
                del item  # or it would be held while the next one is made
    except BaseException as raised:  # noqa: BLE001 - raised again where the items are used
        error = raised
    channel.end(error)
