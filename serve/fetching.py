"""Pictures from the web, with the guards of the hosted engine's client: from public addresses alone, and in bounds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ..hosted.segmind.deadline import Clock, Deadline
from ..hosted.segmind.endpoint import is_web_url, joined
from ..hosted.segmind.errors import TimeLimitError
from ..pipeline.errors import CancelledError
from .errors import Refusal, ending

if TYPE_CHECKING:
    import requests

    from .connecting import Connections

_REDIRECTS: Final = 3
_SECONDS: Final = 20.0
"""Of a whole picture, names and headers included: programs give up on their own call after 30."""
_CHUNK: Final = 1 << 16


def fetch(
    url: str,
    name: str,
    most: int,
    *,
    private: bool = False,
    stopping: threading.Event | None = None,
    seconds: float = _SECONDS,
) -> bytes:
    """The file at a URL of at most `most` bytes, over at most three redirects, each checked like the URL itself.

    `name` is what refusals call it; `private` allows addresses that aren't public. Raises Refusal, which shows nothing
    of the URL but its host: 503 as soon as `stopping` is set, 400 where it isn't here in `seconds`.
    """
    from .connecting import Connections

    connections = Connections(private=private)
    cancelled = threading.Event() if stopping is None else stopping
    deadline = Deadline(seconds, cancelled.is_set, Clock())
    try:
        # In a thread of its own: looking a name up can't be ended, and nobody waits for that.
        return deadline.run(lambda: _fetched(connections, url, name, most))
    except TimeLimitError as error:
        raise Refusal(400, f"{name}: {_host(url)} doesn't send it within {seconds:g} seconds") from error
    except CancelledError as error:
        raise ending() from error
    finally:
        connections.end()


def _fetched(connections: Connections, url: str, name: str, most: int) -> bytes:
    import requests
    from urllib3.exceptions import HTTPError

    from .connecting import WatchedAdapter

    with requests.Session() as session:
        session.trust_env = False  # a proxy would look addresses up by itself
        for scheme in ("http://", "https://"):
            session.mount(scheme, WatchedAdapter(connections))
        try:
            return _followed(session, url, name, most)
        # One text for all that is closed: what is private doesn't show by it which of its ports are open.
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            raise Refusal(
                400, f"{name}: {_host(url)} can't be reached at a public address, or sends no file"
            ) from error


def _followed(session: requests.Session, url: str, name: str, most: int) -> bytes:
    from .connecting import CONNECT

    for _ in range(_REDIRECTS + 1):
        if not is_web_url(url):
            raise Refusal(400, f"{name}: expected an http(s) URL")
        headers = {"User-Agent": "multifaceswap", "Accept-Encoding": "identity"}
        with session.get(url, stream=True, allow_redirects=False, timeout=CONNECT, headers=headers) as response:
            location = response.headers.get("Location")
            if not (300 <= response.status_code < 400 and location):
                return _body(response, name, most)
        url = joined(url, location)
    raise Refusal(400, f"{name}: too many redirects")


def _body(response: requests.Response, name: str, most: int) -> bytes:
    if response.status_code != 200:
        raise Refusal(400, f"{name}: {_host(response.url)} answers with status {response.status_code}")
    data = bytearray()
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        data += chunk
        if len(data) > most:
            raise Refusal(413, f"{name}: expected at most {most:,} bytes")
    return bytes(data)


def _host(url: str) -> str:
    return urlsplit(url).hostname or "its host"
