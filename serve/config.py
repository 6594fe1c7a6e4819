"""What a server is told at its start."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..app.settings import Value
from ..media.limits import MAX_PIXELS
from ..pipeline.errors import SettingsError
from ..pipeline.quotes import quoted

HOUR = 3600.0
MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is accepted. Numbers of 0 stand for no limit where that is said."""

    body_bytes: int = 64 * MEBIBYTE
    """Of a request, and of a picture that is fetched."""
    body_seconds: float = 60.0
    """For the whole body of a request to come."""
    pixels: int = MAX_PIXELS
    """Of a picture."""
    queue: int = 1000
    """Requests that wait at once, of all keys."""
    rate: int = 6000
    """Calls a minute that one key may make, whatever comes of them; each picture of an upload is one. 0: no limit."""
    storage_bytes: int = 20 << 30
    """Of all pictures that are kept, uploads included; one key may take half of them."""
    keep: float = HOUR
    """Seconds for which results are kept."""
    keep_uploads: float = 24 * HOUR
    """Seconds for which an upload is kept, from the last time that it came."""
    wait: float = 600.0
    """Seconds that a synchronous call waits for its result."""
    uploads: int = 16
    """Pictures of one upload."""


@dataclass(frozen=True, slots=True)
class ServeConfig:
    """Where a server listens, where its state is, and what it accepts."""

    state: str
    """The database's URL: see `tables.opened`."""
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    """What clients call it, without a slash at its end; empty: what each request calls it."""
    allow_private: bool = False
    """Whether pictures are fetched from private addresses, too."""
    workers: int = 1
    """Requests that are worked on at once; of Ray, by each replica that answers calls."""
    defaults: Mapping[str, Value] = field(default_factory=dict[str, Value])
    """Settings of the scopes picture and file for requests that don't name them."""
    substitute: bool = True
    """Whether the server's own detector stands in for one of the hosted API's whose file isn't there."""
    limits: Limits = Limits()

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return names_this_machine(self.host)


def names_this_machine(host: str) -> bool:
    """Whether a host is reached from this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def require_public_url(text: str) -> str:
    """A server's own address without a slash at its end. Raises SettingsError."""
    from urllib.parse import urlsplit

    from ..hosted.segmind.endpoint import is_web_url

    address = text.strip().rstrip("/")
    if address and (not is_web_url(address) or urlsplit(address).query or urlsplit(address).fragment):
        raise SettingsError(f"--public-url: expected an address such as https://swap.example.org, got {quoted(text)}")
    return address
