"""Fetches weight files, when asked to: resumed, verified, and under their final name only when they are whole."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from ..media.atomic import replace_file
from ..media.ownership import owned
from ..media.retry import Retries, retry_after
from ..pipeline.errors import DamagedModelError, MissingModelError
from ..pipeline.quotes import excerpt
from .partial import Partial, Span, Version
from .published import asked
from .spec import ModelFile
from .verify import difference, has_hash, require_intact

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
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that another try may change."""
_ENDED_EARLY = "the connection ended early"
_LONGEST_WAIT = 60.0
"""Seconds. A server that asks for more is left alone."""
_RETRIES = Retries(tries=4)
"""For a try that brings nothing new; one that does is continued at once."""


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
        return _fetch_first(asked(file), target, progress or _silent, retries)


def _fetch_first(file: ModelFile, target: Path, progress: ByteProgress, retries: Retries) -> Path:
    failures: list[str] = []
    for url in file.urls:
        path = target.with_name(f"{target.name}.{zlib.crc32(url.encode()):08x}.part")
        part = Partial(path, is_checked=file.is_proven)
        try:
            _fetch_verified(url, part, file, progress, retries)
        except (MissingModelError, DamagedModelError) as error:
            failures.append(str(error))
            if url == file.urls[-1]:
                raise type(error)(f"{file.name} could not be fetched: {'; '.join(failures)}") from error
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
    if file.is_proven and not has_hash(part, file):
        raise DamagedModelError(f"{url} gave another file: {part.stat().st_size:,} bytes, {difference(part, file)}")


def _fetch(url: str, part: Partial, progress: ByteProgress, retries: Retries) -> None:
    import requests

    pauses, most = retries.pauses(), part.size
    with requests.Session() as session:
        while True:
            wait = 0.0
            try:
                if _fetch_on(session, url, part, progress):
                    return
                reason = _ENDED_EARLY
            except _Unhelpful as error:
                reason, wait = str(error), error.wait
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                reason = _broken(error, url)
            except requests.RequestException as error:
                raise MissingModelError(f"{url}: {excerpt(error)}") from error
            except ValueError as error:  # Of a redirect to no address, or http.client's of a chunk of negative size.
                raise MissingModelError(f"{url}: what it answered can't be read ({excerpt(error)})") from error
            if part.size > most:
                pauses, most = retries.pauses(), part.size
            elif (pause := next(pauses, None)) is not None and wait <= _LONGEST_WAIT:
                retries.sleep(max(pause, wait))
            else:
                raise _given_up(url, part, reason)


class _Unhelpful(Exception):
    """An answer without what was asked for, of which another try may bring more; `wait` is in seconds."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


def _broken(error: requests.RequestException, url: str) -> str:
    """What became of a connection."""
    from requests import ConnectTimeout, Request, Timeout
    from requests.exceptions import ChunkedEncodingError
    from urllib3 import exceptions as urllib3_errors

    if isinstance(error, ChunkedEncodingError):
        return _ENDED_EARLY
    inner = error.args[0] if error.args else None
    is_begun = isinstance(inner, urllib3_errors.ProtocolError)
    if is_begun and isinstance(inner.args[-1], HTTPException) and not isinstance(inner.args[-1], ConnectionError):
        return f"what it answered can't be read ({type(inner.args[-1]).__name__})"
    is_slow = isinstance(error, Timeout) and not isinstance(error, ConnectTimeout)
    is_made = is_begun or is_slow or isinstance(inner, urllib3_errors.ReadTimeoutError)
    asked = error.request and error.request.url
    leads = f"it leads to {excerpt(asked)}: " if asked and asked != Request("GET", url).prepare().url else ""
    what = "no answer" if is_made else "no connection"
    return f"{leads}{what} ({type(error).__name__}): check the network, its proxy and its firewall"


def _given_up(url: str, part: Partial, reason: str) -> MissingModelError:
    if part.size and part.can_go_on:
        return MissingModelError(f"{url}: {reason}; what arrived is kept, the same command continues from there")
    is_begun = bool(part.size)
    part.forget()
    rest = "; nothing is kept, because nothing would tell another version apart" if is_begun else ""
    return MissingModelError(f"{url}: {reason}{rest}")


def _fetch_on(session: requests.Session, url: str, part: Partial, progress: ByteProgress) -> bool:
    """Fetch what is missing; whether the file is whole then. Raises _Unhelpful, and what requests does."""
    start = part.size if part.can_go_on else 0
    with session.get(url, headers=_asked(part, start), stream=True, timeout=_TIMEOUT) as response:
        if response.status_code == 416:
            return _require_whole(part, response.headers, start)
        _require_success(url, response)
        _require_file(url, part, response)
        if response.status_code == 206:
            if not start or not part.fits(response.headers):
                part.forget()
                raise _Unhelpful(f"it sent {'another part than was' if start else 'a part, which was not'} asked for")
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


def _require_success(url: str, response: requests.Response) -> None:
    status = response.status_code
    said = excerpt(f"it answered {status} {response.reason or ''}").rstrip()
    if status in _PASSING:
        wait = retry_after({name.lower(): value for name, value in response.headers.items()})
        raise _Unhelpful(f"{said}, and asks to wait {wait:,.0f} s" if wait else said, wait)
    if not 200 <= status < 300:
        raise MissingModelError(f"{url}: {said}")


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


def _require_whole(part: Partial, headers: Mapping[str, str], start: int) -> bool:
    """Nothing is missing, and a hash will tell; else nothing is left of it, and it raises _Unhelpful."""
    if start and part.is_checked and headers.get("Content-Range", "").rpartition("/")[2] == str(start):
        return True
    part.forget()
    raise _Unhelpful(f"it answered 416, as if it had no such part, to a request for {'the rest' if start else 'all'}")


def _length(headers: Mapping[str, str]) -> int | None:
    length = headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdecimal() and len(length) < _DIGITS else None
