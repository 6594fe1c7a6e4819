"""One item at a time: kept where it is done already, tried again where it fails, recorded when it is done."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import sleep
from typing import Any, NamedTuple

from ..pipeline.errors import (
    CancelledError,
    EngineError,
    FaceNotFoundError,
    MismatchError,
    MissingPackageError,
    ModelError,
    MultiFaceSwapError,
    SettingsError,
)
from .items import Item
from .places import Place

Entry = dict[str, Any]
"""What the report says of an item."""
Work = Callable[[Item, Path, Path], Mapping[str, Any]]
"""Makes a target's file into a result's file, both on this machine, and gives what the report says of it."""
_RECORDS = ".multifaceswap"
"""Folder in the output folder."""
_FINAL = (SettingsError, MismatchError, FaceNotFoundError)
"""The same again would end the same."""
_FATAL = (ModelError, MissingPackageError)
"""All items would end like this."""
_WAIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Worker:
    """Does items, on this machine or another: `open_work` must be picklable and open nothing until it is called."""

    open_work: Callable[[], Work]
    output: str
    """The folder of the results: path or URL."""
    settings: Mapping[str, Any]
    """All that results depend on beside the item: another setting makes them anew. Plain values."""
    inputs: Sequence[str] = ()
    """Files that all items share: their change makes results anew too."""
    retries: int = 2
    run: str = field(default_factory=lambda: secrets.token_hex(8))
    """Tells this run's records from those of runs before it."""

    def opened(self) -> Callable[[Item], Entry]:
        """Ready to work, in the process that works."""
        work = self.open_work()
        return lambda item: self._entry(item, work)

    def _entry(self, item: Item, work: Work) -> Entry:
        told = {"name": item.name, "target": item.target, "output": Place(self.output).at(item.name).address}
        try:
            return {**told, **self._done(item, work), "error": None}
        except CancelledError:
            raise
        except (MultiFaceSwapError, OSError, MemoryError) as error:
            # A model or package that is missing fails all items alike.
            return {**told, "error": _message(error), "fatal": isinstance(error, _FATAL)}

    def _done(self, item: Item, work: Work) -> Entry:
        fingerprint = self._fingerprint(item)
        output, record = Place(self.output).at(item.name), Place(self.output).at(f"{_RECORDS}/{item.name}.json")
        known = _read(record)
        if known.get("fingerprint") == fingerprint and "entry" in known and output.exists():
            return {**known["entry"], "kept": known.get("run") != self.run}
        mark = {"run": self.run, "fingerprint": fingerprint}
        begun = known.get("begun", 0) if known.items() >= mark.items() else 0
        if begun > self.retries:
            raise EngineError(f"left out: it ended {begun} workers, as memory that runs full does")
        record.write(json.dumps({**mark, "begun": begun + 1}).encode())
        facts, attempts = self._tried(item, output, work)
        entry = {**facts, "attempts": attempts, "worker": f"{socket.gethostname()}:{os.getpid()}"}
        record.write(json.dumps({**mark, "entry": entry}).encode())
        return {**entry, "kept": False}

    def _tried(self, item: Item, output: Place, work: Work) -> tuple[dict[str, Any], int]:
        for attempt in range(1, self.retries + 2):
            try:
                with Place(item.target).fetched() as target, output.filled() as path:
                    return dict(work(item, target, path)), attempt
            except (*_FINAL, *_FATAL, CancelledError):
                raise
            except (MultiFaceSwapError, OSError, MemoryError):
                if attempt > self.retries:
                    raise
                sleep(_WAIT_S * 2 ** (attempt - 1))
        raise AssertionError("the last attempt returns or raises")

    def _fingerprint(self, item: Item) -> str:
        """Of all that the result depends on."""
        files = [(address, Place(address).version()) for address in (item.target, *item.sources, *self.inputs)]
        text = json.dumps([dict(self.settings), dict(item.options), files], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


class Tally(NamedTuple):
    """How many items came to which end."""

    done: int
    kept: int
    failed: int

    def __str__(self) -> str:
        return f"{self.done} done, {self.kept} kept from before, {self.failed} failed"


def tally(entries: Sequence[Entry]) -> Tally:
    """Count the entries by how they ended."""
    failed = sum(entry["error"] is not None for entry in entries)
    kept = sum(entry.get("kept", False) for entry in entries)
    return Tally(len(entries) - failed - kept, kept, failed)


def _read(record: Place) -> dict[str, Any]:
    """What is known of an item: nothing where there is no record, or none that can be read."""
    try:
        known = json.loads(record.read())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _message(error: BaseException) -> str:
    return "there is not enough memory" if isinstance(error, MemoryError) else str(error) or type(error).__name__
