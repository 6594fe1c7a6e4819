"""Fetches weight files, when asked to: resumed, verified, and under their final name only when they are whole."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..media.atomic import replace_file
from ..media.retry import Retries
from ..pipeline.errors import DamagedModelError, MissingModelError
from .digests import sha256_of
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
_RETRIES = Retries(tries=4)
"""For a connection that brings nothing new; one that does is continued at once."""


class _Response(NamedTuple):
    """What the server sends: the bytes from `start` on, of `total` altogether."""

    start: int
    total: int | None


def download(file: ModelFile, target: Path, progress: ByteProgress | None = None, retries: Retries = _RETRIES) -> Path:
    """Fetch a file to `target`, from the first of its addresses that gives it; returns `target`.

    What arrived before a failure is kept beside it and continued the next time. Nothing takes the name `target` before
    it is whole and has a published hash (valid contents, where none is known). Raises MissingModelError where no
    address gives the file, DamagedModelError where what they give is something else, OSError where it can't be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    failures: list[str] = []
    for url in file.urls:
        part = target.with_name(f"{target.name}.{zlib.crc32(url.encode()):08x}.part")
        try:
            _fetch_verified(url, part, file, progress or _silent, retries)
        except (MissingModelError, DamagedModelError) as error:
            failures.append(str(error))
            if url == file.urls[-1]:
                raise type(error)("\n".join([f"{file.name} could not be fetched:", *failures])) from error
            continue
        replace_file(part, target)
        return target
    raise MissingModelError(f"{file.name}: no address is known from which it could be fetched")


def _silent(_done: int, _total: int | None) -> None:
    """Shows nothing."""


def _fetch_verified(url: str, part: Path, file: ModelFile, progress: ByteProgress, retries: Retries) -> None:
    """The whole file in `part`; what was continued and doesn't fit together is fetched anew, once."""
    continued = part.exists()
    _fetch(url, part, progress, retries)
    try:
        _require_published(url, part, file)
    except DamagedModelError:
        part.unlink()
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


def _fetch(url: str, part: Path, progress: ByteProgress, retries: Retries) -> None:
    import requests

    pauses = retries.pauses()
    with requests.Session() as session:
        while True:
            before = _size(part)
            try:
                if _fetch_on(session, url, part, progress):
                    return
                reason = "the connection ended early"
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                reason = type(error).__name__
            except requests.RequestException as error:
                raise MissingModelError(f"{url}: {error}") from error
            if _size(part) > before:
                pauses = retries.pauses()
            elif (pause := next(pauses, None)) is not None:
                retries.sleep(pause)
            else:
                raise _given_up(url, part, reason)


def _given_up(url: str, part: Path, reason: str) -> MissingModelError:
    if part.exists():
        return MissingModelError(f"{url}: {reason}; what arrived is kept, the same command continues from there")
    return MissingModelError(f"{url}: no connection ({reason}): check the network, its proxy and its firewall")


def _fetch_on(session: requests.Session, url: str, part: Path, progress: ByteProgress) -> bool:
    """Fetch what is missing; whether the file is whole then."""
    start = _size(part)
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    with session.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        if response.status_code == 416:
            return _is_whole(part, response.headers)
        response.raise_for_status()
        if response.headers.get("Content-Type", "").startswith("text/html"):
            raise DamagedModelError(f"{url} answered with a web page, not with a model")
        sent = _read_header(response)
        with part.open("r+b" if sent.start else "wb") as stream:
            stream.seek(sent.start)
            for piece in response.iter_content(_CHUNK):
                stream.write(piece)
                progress(stream.tell(), sent.total)
    return sent.total is None or _size(part) == sent.total


def _is_whole(part: Path, headers: Mapping[str, str]) -> bool:
    """Nothing is missing, or, where there is more than the file has, all of it."""
    if headers.get("Content-Range", "").rpartition("/")[2] == str(_size(part)):
        return True
    part.unlink()
    return False


def _read_header(response: requests.Response) -> _Response:
    length = response.headers.get("Content-Length", "")
    if response.status_code == 206:
        span, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
        start = span.partition("-")[0]
        if start.isdecimal():
            return _Response(int(start), int(total) if total.isdecimal() else None)
    return _Response(0, int(length) if length.isdecimal() else None)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
