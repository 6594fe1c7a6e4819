"""Items one after another in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .items import Item
from .working import Entry, Worker


def run_locally(items: Sequence[Item], worker: Worker) -> Iterator[Entry]:
    """The items' entries, in their order, each as soon as it is done. Raises CancelledError and what opening raises."""
    yield from map(worker.opened(), items)
