"""Pictures from the web, with the guards of the hosted engine's client: from public addresses alone, and in bounds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ..hosted.segmind.endpoint import is_web_url, joined, peer_is_public
from .errors import Refusal

if TYPE_CHECKING:
    import requests

_REDIRECTS: Final = 3
_CONNECT: Final = 5.0
_SECONDS: Final = 20.0
"""Of a whole picture: programs give up on their own call after 30."""
_CHUNK: Final = 1 << 16


def fetch(url: str, name: str, most: int, *, private: bool = False) -> bytes:
    """The file at a URL of at most `most` bytes, over at most three redirects, each checked like the URL itself.

    `name` is what refusals call it; `private` allows addresses that aren't public. Raises Refusal, which shows nothing
    of the URL but its host.
    """
    import requests
    from urllib3.exceptions import HTTPError

    from ..hosted.segmind.connections import GuardedAdapter, NotConnected, RefusedPeer

    end = time.monotonic() + _SECONDS
    with requests.Session() as session:
        session.trust_env = False  # a proxy would look addresses up by itself
        for scheme in ("http://", "https://"):
            session.mount(scheme, GuardedAdapter(lambda peer, _scheme: private or peer_is_public(peer)))
        try:
            return _followed(session, url, name, most, end)
        except RefusedPeer as error:
            raise Refusal(
                400, f"{name}: {_host(url)} isn't a public address, and no picture is fetched there"
            ) from error
        except (NotConnected, requests.RequestException, HTTPError, OSError) as error:
            raise Refusal(400, f"{name}: {_host(url)} can't be reached, or doesn't send it in time") from error


def _followed(session: requests.Session, url: str, name: str, most: int, end: float) -> bytes:
    for _ in range(_REDIRECTS + 1):
        if not is_web_url(url):
            raise Refusal(400, f"{name}: expected an http(s) URL")
        headers = {"User-Agent": "multifaceswap", "Accept-Encoding": "identity"}
        with session.get(
            url, stream=True, allow_redirects=False, timeout=(_CONNECT, _CONNECT), headers=headers
        ) as response:
            location = response.headers.get("Location")
            if not (300 <= response.status_code < 400 and location):
                return _body(response, name, most, end)
        url = joined(url, location)
    raise Refusal(400, f"{name}: too many redirects")


def _body(response: requests.Response, name: str, most: int, end: float) -> bytes:
    if response.status_code != 200:
        raise Refusal(400, f"{name}: {_host(response.url)} answers with status {response.status_code}")
    data = bytearray()
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        data += chunk
        if len(data) > most:
            raise Refusal(413, f"{name}: expected at most {most:,} bytes")
        if time.monotonic() > end:
            raise Refusal(400, f"{name}: {_host(response.url)} sends it too slowly")
    return bytes(data)


def _host(url: str) -> str:
    return urlsplit(url).hostname or "its host"
