"""One HTTP exchange: within limits of size and time, to allowed addresses, following no redirect, repeating nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from http.cookiejar import DefaultCookiePolicy
from typing import Final, NamedTuple

import requests
from requests import PreparedRequest, Response
from urllib3 import exceptions as urllib3_errors

from ...pipeline.quotes import excerpt
from .answers import ApiResponse
from .connections import GuardedAdapter, NotConnected, PeerRule, RefusedPeer
from .errors import ConnectionLostError, RefusedAddressError, ResultError, SegmindError
from .key import ApiKey
from .lenient_json import Json

_CHUNK: Final = 1 << 16
_AGENT: Final = "multifaceswap"


class TransportLimits(NamedTuple):
    """Seconds and bytes."""

    connect: float = 10
    read: float = 30
    """Of silence, while an answer is being read."""
    text_bytes: int = 4 << 20
    picture_bytes: int = 160 << 20


class Transport:
    """Connections under one rule: with the key to the API, or without it to wherever results are.

    Where an answer repeats the key, it is hidden here, before anybody reads it: see `ApiKey.hidden_in`.
    """

    def __init__(self, rule: PeerRule, key: ApiKey, limits: TransportLimits, *, with_key: bool, proxies: bool) -> None:
        self._limits = limits
        self._key = key
        self._session = _Session()
        self._session.trust_env = proxies
        # An authentication of our own keeps that of ~/.netrc out.
        self._session.auth = key if with_key else _no_authentication
        self._session.headers.update({"User-Agent": _AGENT, "X-Initiator": _AGENT, "Accept-Encoding": "identity"})
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, GuardedAdapter(rule))

    def close(self) -> None:
        self._session.close()

    def ask(
        self,
        method: str,
        url: str,
        *,
        payload: Mapping[str, Json] | None = None,
        seconds: float,
        silence: float | None = None,
        limit: int,
    ) -> ApiResponse:
        """The answer, whatever its status. `seconds` limit all of it, `silence` the wait for its next byte.

        Raises ConnectionLostError, RefusedAddressError, ResultError (too large). They refer to no object that holds
        the key.
        """
        outcome = self._exchange(method, url, payload, seconds, silence or self._limits.read, limit)
        if isinstance(outcome, SegmindError):
            raise outcome
        return outcome

    def _exchange(
        self, method: str, url: str, payload: Mapping[str, Json] | None, seconds: float, silence: float, limit: int
    ) -> ApiResponse | SegmindError:
        """A failure is returned and not raised: raised in an except block it would carry the request's headers."""
        timeout = (min(self._limits.connect, seconds), min(silence, seconds))
        end = time.monotonic() + seconds
        try:
            with self._session.request(
                method, url, json=payload, timeout=timeout, stream=True, allow_redirects=False
            ) as response:
                return self._read(response, end, limit)
        except RefusedPeer as error:
            return RefusedAddressError(str(error))
        except _TooLarge as error:
            return ResultError(str(error))
        except _BREAKS as error:
            return _broken(error)

    def _read(self, response: Response, end: float, limit: int) -> ApiResponse | SegmindError:
        """The answer, if it is all there when its connection ends, in whatever way."""
        body, failure = bytearray(), None
        try:
            _fill(body, response, end, limit)
        except _BREAKS as error:
            failure = _broken(error)
        hide = self._key.hidden_in
        headers = {name.lower(): hide(value.encode()).decode() for name, value in response.headers.items()}
        answer = ApiResponse(response.status_code, headers, hide(bytes(body)), self._key.redacted)
        return answer if failure is None or answer.outlived_its_connection() else failure


class _Session(requests.Session):
    """Doesn't look for redirects: even if none is followed, looking reads the whole answer, however large."""

    def get_redirect_target(self, resp: Response) -> str | None:
        return None


def _no_authentication(request: PreparedRequest) -> PreparedRequest:
    return request


def _fill(body: bytearray, response: Response, end: float, limit: int) -> None:
    """Put what comes of an answer into `body`; raises _TooLarge and _BREAKS."""
    announced = _announced(response)
    if announced is not None and announced > limit:
        raise _TooLarge(f"{announced} bytes are announced, {limit} is the limit")
    while chunk := _next_chunk(response):
        body += chunk
        if len(body) > limit:
            raise _TooLarge(f"it is larger than the limit of {limit} bytes")
        if time.monotonic() > end:
            raise requests.ReadTimeout("the answer comes too slowly")


def _announced(response: Response) -> int | None:
    """The body's length as its header gives it; of one that no memory holds, the first digits."""
    digits = response.headers.get("Content-Length", "")
    return int(digits.lstrip("0")[:18] or "0") if digits.isascii() and digits.isdecimal() else None


def _next_chunk(response: Response) -> bytes:
    """What has arrived. A plain read waits until a chunk is full, and a trickling server could hold it up for hours."""
    try:
        return response.raw.read1(_CHUNK, decode_content=True) or b""
    except ValueError as error:  # http.client's, of a chunk of less than no bytes
        raise requests.ConnectionError(f"the answer can't be read: {error}") from error


class _TooLarge(Exception):
    pass


_BREAKS: Final = (NotConnected, requests.RequestException, urllib3_errors.HTTPError, HTTPException, OSError)
# The latter two are of SOCKS proxies, whose connections urllib3 makes in its own way. Not among them: ProxyError, which
# also comes of connections that broke later, and InvalidHeader, which may be about the answer.
_UNSENT: Final = (
    NotConnected,
    requests.exceptions.InvalidURL,
    urllib3_errors.NewConnectionError,
    urllib3_errors.ConnectTimeoutError,
)


def _broken(error: Exception) -> ConnectionLostError:
    causes = list(_causes(error))
    unsent = any(isinstance(cause, _UNSENT) for cause in causes)
    inmost = causes[-1]
    reason = str(inmost) if isinstance(inmost, (OSError, urllib3_errors.HTTPError)) else ""
    # In urllib3's own texts the part after the object's repr says what happened.
    reason = reason.rpartition(">: ")[2] or type(inmost).__name__
    return ConnectionLostError(excerpt(reason), unsent=unsent)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what it was made of, outermost first."""
    while error is not None:
        yield error
        inner = [value for value in (getattr(error, "reason", None), *error.args) if isinstance(value, BaseException)]
        error = inner[0] if inner else error.__cause__
