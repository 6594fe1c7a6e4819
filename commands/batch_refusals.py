"""Items of a batch whose results are certain not to be written: said before the work, as of `refusals`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ..app.outputs import require_folders
from ..batch import Entry, Item, Place, files_of, record_of
from .refusals import reason_of, tell


def refused_items(items: Sequence[Item], output: str, formats: Sequence[str | None]) -> list[Entry]:
    """The entries of items whose results or records can't be written on this machine, which is said now.

    `formats` are those that the items' pictures are asked for in. A target that can't be read isn't among them: it may
    be there when its turn comes, or comes again. Raises as `refusals`.
    """
    every = [local([Place(output).at(item.name), record_of(output, item)]) for item in items]
    require_folders(path for paths in every for path in paths)
    reasons = [
        reason_of(None if Place(item.target).is_remote else Path(item.target), paths, image_format, readable=False)
        for item, paths, image_format in zip(items, every, formats, strict=True)
    ]
    tell(reasons)
    refused = [(item, reason) for item, reason in zip(items, reasons, strict=True) if reason]
    return [{**files_of(item, output), "error": reason, "fatal": False} for item, reason in refused]


def local(places: Iterable[Place]) -> list[Path]:
    """Those on this machine."""
    return [Path(place.address) for place in places if not place.is_remote]
