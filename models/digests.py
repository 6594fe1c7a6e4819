"""SHA-256 and CRC32 of files, worked out once: kept in the user's cache folder by path, size and time of change."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, cast

from ..media.atomic import write_atomic
from ..media.files import open_file
from .caches import cache_folder

log = logging.getLogger(__name__)

_CHUNK: Final = 1 << 20
_MOST: Final = 512
"""Files kept; those whose digest was worked out longest ago go first."""
_SHA256: Final = re.compile("[0-9a-f]{64}")
_CRC32: Final = re.compile("[0-9a-f]{8}")


class Digests(NamedTuple):
    """Of a file's contents, in hexadecimal."""

    sha256: str
    crc32: str


class _Known(NamedTuple):
    """Digests, and what the file was like when they were worked out."""

    size: int
    changed: int
    """In nanoseconds."""
    digests: Digests


def sha256_of(path: Path) -> str:
    """The file's SHA-256, as `digests_of` gives it. Raises OSError."""
    return digests_of(path).sha256


def digests_of(path: Path) -> Digests:
    """The file is read once as long as its size and time of change stay. Raises OSError."""
    status = path.stat()
    return _digests(path.absolute(), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _digests(path: Path, size: int, changed: int) -> Digests:
    known = _read().get(str(path))
    if known is not None and (known.size, known.changed) == (size, changed):
        return known.digests
    digests = _computed(path)
    status = path.stat()
    if (status.st_size, status.st_mtime_ns) == (size, changed):
        _keep(path, _Known(size, changed, digests))
    return digests


def _computed(path: Path) -> Digests:
    sha256, crc32 = hashlib.sha256(), 0
    with open_file(path) as stream:
        while chunk := stream.read(_CHUNK):
            sha256.update(chunk)
            crc32 = zlib.crc32(chunk, crc32)
    return Digests(sha256.hexdigest(), f"{crc32:08x}")


def _file() -> Path:
    return cache_folder() / "digests.json"


def _read() -> dict[str, _Known]:
    """What is kept; nothing where that can't be read, for it can be worked out again."""
    try:
        content: object = json.loads(_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        log.debug("no digests are kept: %s", error)
        return {}
    if not isinstance(content, dict):
        return {}
    rows = {path: _known(row) for path, row in cast("dict[str, object]", content).items()}
    return {path: row for path, row in rows.items() if row is not None}


def _known(row: object) -> _Known | None:
    match row:
        case [int(size), int(changed), [str(sha256), str(crc32)]] if _SHA256.fullmatch(sha256) and _CRC32.fullmatch(
            crc32
        ):
            return _Known(size, changed, Digests(sha256, crc32))
        case _:
            return None


def _keep(path: Path, known: _Known) -> None:
    """Best effort: of two processes that do it at the same time, one's may be lost and is worked out again."""
    rows = _read()
    rows.pop(str(path), None)
    rows = dict([*rows.items(), (str(path), known)][-_MOST:])
    try:
        write_atomic(_file(), json.dumps(rows).encode())
    except OSError as error:
        log.debug("%s: its digests aren't kept: %s", path, error)
