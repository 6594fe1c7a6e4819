"""Fetches weight files, when asked to: resumed, verified, and under their final name only when they are whole."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ..media.atomic import replace_file
from ..media.ownership import owned
from ..media.retry import Retries
from ..pipeline.errors import DamagedModelError, MissingModelError
from .digests import sha256_of
from .partial import Partial, Span, Version
from .spec import ModelFile
from .verify import require_intact

if TYPE_CHECKING:
    import requests

ByteProgress = Callable[[int, int | None], None]
"""Called as `progress(done, total)` in bytes; total is None where the server doesn't say. May raise to stop."""

_CHUNK = 1 << 16
"""Nothing is kept of a piece that a broken connection leaves unfinished: small ones lose little."""
_TIMEOUT = (15, 60)
"""Seconds to connect and between two pieces."""
_DIGITS = 19
"""No length has as many."""
_RETRIES = Retries(tries=4)
"""For a connection that brings nothing new; one that does is continued at once."""


def download(file: ModelFile, target: Path, progress: ByteProgress | None = None, retries: Retries = _RETRIES) -> Path:
    """Fetch a file to `target`, from the first of its addresses that gives it; returns `target`.

    What arrived before a failure is kept beside it and continued the next time, if the server still gives the same
    version; a file without a published hash whose versions the server doesn't tell apart is fetched whole. Nothing
    takes the name `target` before it is whole and has a published hash (valid contents, where none is known). Raises
    MissingModelError where no address gives the file, DamagedModelError where what they give is something else,
    BusyError where another command is fetching it, OSError where it can't be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with owned(target):
        return _fetch_first(file, target, progress or _silent, retries)


def _fetch_first(file: ModelFile, target: Path, progress: ByteProgress, retries: Retries) -> Path:
    failures: list[str] = []
    for url in file.urls:
        path = target.with_name(f"{target.name}.{zlib.crc32(url.encode()):08x}.part")
        part = Partial(path, is_checked=bool(file.sha256))
        try:
            _fetch_verified(url, part, file, progress, retries)
        except (MissingModelError, DamagedModelError) as error:
            failures.append(str(error))
            if url == file.urls[-1]:
                raise type(error)("\n".join([f"{file.name} could not be fetched:", *failures])) from error
            continue
        replace_file(part.path, target, durable=True)
        part.forget()
        return target
    raise MissingModelError(f"{file.name}: no address is known from which it could be fetched")


def _silent(_done: int, _total: int | None) -> None:
    """Shows nothing."""


def _fetch_verified(url: str, part: Partial, file: ModelFile, progress: ByteProgress, retries: Retries) -> None:
    """The whole file in `part`; what was continued and doesn't fit together is fetched anew, once."""
    continued = part.can_go_on
    _fetch(url, part, progress, retries)
    try:
        _require_published(url, part.path, file)
    except DamagedModelError:
        part.forget()
        if not continued:
            raise
        _fetch_verified(url, part, file, progress, retries)


def _require_published(url: str, part: Path, file: ModelFile) -> None:
    try:
        require_intact(part, Path(file.name).suffix)
    except DamagedModelError as error:
        raise DamagedModelError(f"{url} gave something else: {error}") from error
    found = sha256_of(part)
    if file.sha256 and found not in file.sha256:
        raise DamagedModelError(
            f"{url} gave another file: {part.stat().st_size:,} bytes of sha256 {found}, "
            f"expected {' or '.join(file.sha256)}"
        )


def _fetch(url: str, part: Partial, progress: ByteProgress, retries: Retries) -> None:
    import requests

    pauses, most = retries.pauses(), part.size
    with requests.Session() as session:
        while True:
            try:
                if _fetch_on(session, url, part, progress):
                    return
                reason = "the connection ended early, or what came was not the rest"
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                reason = type(error).__name__
            except (requests.RequestException, ValueError) as error:  # ValueError: a redirect to no address
                raise MissingModelError(f"{url}: {error}") from error
            if part.size > most:
                pauses, most = retries.pauses(), part.size
            elif (pause := next(pauses, None)) is not None:
                retries.sleep(pause)
            else:
                raise _given_up(url, part, reason)


def _given_up(url: str, part: Partial, reason: str) -> MissingModelError:
    if part.can_go_on:
        return MissingModelError(f"{url}: {reason}; what arrived is kept, the same command continues from there")
    if part.size:
        part.forget()
        return MissingModelError(f"{url}: {reason}; nothing is kept, because nothing would tell another version apart")
    return MissingModelError(f"{url}: no connection ({reason}): check the network, its proxy and its firewall")


def _fetch_on(session: requests.Session, url: str, part: Partial, progress: ByteProgress) -> bool:
    """Fetch what is missing; whether the file is whole then."""
    start = part.size if part.can_go_on else 0
    with session.get(url, headers=_asked(part, start), stream=True, timeout=_TIMEOUT) as response:
        if response.status_code == 416:
            return _is_whole(part, response.headers)
        response.raise_for_status()
        _require_file(url, part, response)
        if response.status_code == 206:
            if not start or not part.fits(response.headers):
                part.forget()
                return False
            span = Span.of(response.headers)
            total = (span and span.total) or part.version.total
        else:
            start, total = 0, _length(response.headers)
            part.begin(Version.of(response.headers, total))
        with part.path.open("r+b" if start else "wb") as stream:
            stream.seek(start)
            for piece in response.iter_content(_CHUNK):
                stream.write(piece)
                progress(stream.tell(), total)
    return total is None or part.size == total


def _asked(part: Partial, start: int) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if mark := part.version.mark:
            headers["If-Range"] = mark
    return headers


def _require_file(url: str, part: Partial, response: requests.Response) -> None:
    """Raise where an answer is something else than a file, or wouldn't show whether it is whole."""
    headers = response.headers
    if headers.get("Content-Type", "").startswith("text/html"):
        raise DamagedModelError(f"{url} answered with a web page, not with a model")
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise DamagedModelError(f"{url} answered with packed contents, which weren't asked for")
    ends = _length(headers) is not None or "chunked" in headers.get("Transfer-Encoding", "").lower()
    if not ends and not part.is_checked:
        raise MissingModelError(f"{url}: doesn't say how long the file is, so nothing would show that it is whole")


def _is_whole(part: Partial, headers: Mapping[str, str]) -> bool:
    """Nothing is missing, and a hash will tell; else nothing is left of it."""
    if part.is_checked and headers.get("Content-Range", "").rpartition("/")[2] == str(part.size):
        return True
    part.forget()
    return False


def _length(headers: Mapping[str, str]) -> int | None:
    length = headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdecimal() and len(length) < _DIGITS else None
