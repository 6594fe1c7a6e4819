"""One item at a time: kept where it is done already, tried again where it fails, recorded when it is done."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import socket
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple, cast

from ..app.report import Json
from ..media.ownership import owned
from ..media.retry import Retries
from ..media.sealed import seal, unseal
from ..pipeline.errors import (
    BusyError,
    CancelledError,
    EngineError,
    FaceNotFoundError,
    MismatchError,
    MissingPackageError,
    ModelError,
    MultiFaceSwapError,
    NotFiniteError,
    SettingsError,
)
from ..pipeline.quotes import reason
from .items import RECORDS, Item
from .places import Place

log = logging.getLogger(__name__)

Entry = dict[str, Json]
"""What the report says of an item."""
Work = Callable[[Item, Path, Path], Mapping[str, Json]]
"""Makes a target's file into a result's file, both on this machine, and gives what the report says of it."""
_LONGEST_NAME = 255
"""What file systems take, in bytes."""
_LOCK = "batch"
_FINAL = (BusyError, SettingsError, MismatchError, FaceNotFoundError, NotFiniteError)
"""The same again would end the same."""
_FATAL = (ModelError, MissingPackageError)
"""All items would end like this."""


@dataclass(frozen=True, slots=True)
class Worker:
    """Does items, on this machine or another: `open_work` must be picklable and open nothing until it is called."""

    open_work: Callable[[], Work]
    output: str
    """The folder of the results: path or URL."""
    settings: Mapping[str, object]
    """All that results depend on beside the item: with another setting they are made anew. Plain values."""
    inputs: Sequence[str] = ()
    """Files that all items share: when they change, results are made anew too."""
    retries: int = 2
    """How often an item that failed is tried again."""
    run: str = field(default_factory=lambda: secrets.token_hex(8))
    """Tells this run's records from those of runs before it."""

    def opened(self) -> Callable[[Item], Entry]:
        """Ready to work, in the process that works."""
        work = self.open_work()
        return lambda item: self._entry(item, work)

    def _entry(self, item: Item, work: Work) -> Entry:
        files = files_of(item, self.output)
        try:
            return {**files, **self._done(item, work), "error": None}
        except CancelledError:
            raise
        except (MultiFaceSwapError, OSError, MemoryError) as error:
            # A model or package that is missing fails all items alike.
            return {**files, "error": _message(error), "fatal": isinstance(error, _FATAL)}

    def _done(self, item: Item, work: Work) -> Entry:
        fingerprint = self._fingerprint(item)
        output, record = Place(self.output).at(item.name), record_of(self.output, item)
        known = _read(record)
        entry = known.get("entry")
        if known.get("fingerprint") == fingerprint and isinstance(entry, dict) and _is_whole(output, known):
            return {**cast("Entry", entry), "kept": known.get("run") != self.run}
        run = {"run": self.run, "fingerprint": fingerprint}
        begun = _count(known.get("begun")) if known.items() >= run.items() else 0
        if begun > self.retries:
            raise EngineError(f"left out: {begun} workers ended while doing it, as they do when memory runs out")
        record.write(seal({**run, "begun": begun + 1}))
        entry = {**self._tried(item, output, work), "worker": f"{socket.gethostname()}:{os.getpid()}"}
        record.write(seal({**run, "entry": entry, "size": output.size()}))
        return {**entry, "kept": False}

    def _tried(self, item: Item, output: Place, work: Work) -> Entry:
        retries = Retries(self.retries + 1)
        pauses = retries.pauses()
        attempts = 0
        while True:
            attempts += 1
            try:
                with Place(item.target).fetched() as target, output.filled() as path:
                    return {**work(item, target, path), "attempts": attempts}
            except (*_FINAL, *_FATAL, CancelledError):
                raise
            except (MultiFaceSwapError, OSError, MemoryError):
                if (pause := next(pauses, None)) is None:
                    raise
            retries.sleep(pause)

    def _fingerprint(self, item: Item) -> str:
        """Of all that the result depends on."""
        files = [(address, Place(address).version()) for address in (item.target, *item.sources, *self.inputs)]
        text = json.dumps([dict(self.settings), dict(item.options), files], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def owned_folder(output: str) -> Generator[None]:
    """Keep other batches from a folder of results on this machine; object storage has no locks.

    Raises BusyError where one is at it, OSError where nothing can be written there.
    """
    place = Place(output)
    if place.is_remote:
        yield
        return
    with owned(Path(place.address) / RECORDS / _LOCK, place.address):
        yield


def files_of(item: Item, output: str) -> Entry:
    """How an item's entry begins."""
    return {"name": item.name, "target": item.target, "output": Place(output).at(item.name).address}


def record_of(output: str, item: Item) -> Place:
    """Where it is kept what was done to an item, under another name where the result's leaves no space for more."""
    name = f"{item.name}.json"
    if len(os.fsencode(PurePosixPath(name).name)) > _LONGEST_NAME:
        short = hashlib.sha256(os.fsencode(PurePosixPath(name).name)).hexdigest()
        name = str(PurePosixPath(name).with_name(f"{short}.json"))
    return Place(output).at(f"{RECORDS}/{name}")


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
    kept = sum(entry.get("kept") is True for entry in entries)
    return Tally(len(entries) - failed - kept, kept, failed)


def _is_whole(output: Place, known: Mapping[str, object]) -> bool:
    """Whether a result is there as it was written."""
    size = output.size()
    return size is not None and size == known.get("size")


def _count(begun: object) -> int:
    return begun if isinstance(begun, int) else 0


def _read(record: Place) -> dict[str, object]:
    """What is known of an item: nothing where there is no record, or none as it was written."""
    try:
        return unseal(record.read()) or {}
    except OSError as error:
        log.debug("%s: no record: %s", record.address, error)
        return {}


def _message(error: BaseException) -> str:
    return str(error) if isinstance(error, MultiFaceSwapError) and str(error) else reason(error)
