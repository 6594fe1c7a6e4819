"""The API's addresses, and which addresses a result may come from."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from ...media.environment import variables
from ...pipeline.errors import SettingsError
from ...pipeline.quotes import excerpt
from .errors import RefusedAddressError

BASE_VARIABLE: Final = "SEGMIND_BASE_URL"
DEFAULT_BASE: Final = "https://api.segmind.com/v1"
MODEL: Final = "faceswap-v3-multifaceswap"
_DEFAULT_UPLOAD: Final = "https://workflows-api.segmind.com/upload-asset"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
# Parsers disagree about these, and no regular URL has them.
_STRANGE: Final = re.compile(r"[\s\\\x00-\x20\x7f\ud800-\udfff]")
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the API is. The base ends in `/v1`, is https, or http on loopback; SettingsError otherwise."""

    base: str = DEFAULT_BASE

    def __post_init__(self) -> None:
        base = self.base.strip().rstrip("/")
        parts = _split(base)
        if parts is None or not _is_valid(parts) or parts.query or parts.fragment or not parts.path.endswith("/v1"):
            raise SettingsError(f"{BASE_VARIABLE}: expected a URL such as {DEFAULT_BASE}, got {_shown(parts)}")
        if parts.scheme == "http" and not names_loopback(parts.hostname):
            raise SettingsError(f"{BASE_VARIABLE}: expected https, because the API key travels there, got {base}")
        object.__setattr__(self, "base", base)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Endpoint:
        """That of SEGMIND_BASE_URL, else the public one."""
        environment = variables() if environment is None else environment
        return cls(environment.get(BASE_VARIABLE, "").strip() or DEFAULT_BASE)

    @property
    def is_loopback(self) -> bool:
        """Whether the API is on this machine: then results may be, too."""
        return names_loopback(urlsplit(self.base).hostname)

    @property
    def synchronous_url(self) -> str:
        return f"{self.base}/{MODEL}"

    @property
    def submit_url(self) -> str:
        return f"{self._v2}/{MODEL}"

    @property
    def upload_url(self) -> str:
        if _origin(self.base) == _origin(DEFAULT_BASE):
            return _DEFAULT_UPLOAD
        parts = urlsplit(self.base)
        return f"{parts.scheme}://{parts.netloc}/upload-asset"

    def status_url(self, request_id: str, offered: str) -> str:
        """The URL to poll: the one the server offered if it is on the API's own host, else the documented one."""
        return self._own(offered) or f"{self._request(request_id)}/status"

    def response_url(self, request_id: str, offered: str) -> str:
        """The URL of the result; chosen as that of the status."""
        return self._own(offered) or self._request(request_id)

    @property
    def _v2(self) -> str:
        return self.base.removesuffix("/v1") + "/v2"

    def _request(self, request_id: str) -> str:
        return f"{self._v2}/requests/{quote(request_id.encode(errors='surrogatepass'), safe='')}"

    def _own(self, url: str) -> str | None:
        parts = _split(url)
        own = parts is not None and _is_valid(parts) and _origin(url) == _origin(self.base)
        return url if own else None


def require_media_url(url: str, loopback: bool) -> None:
    """Raise RefusedAddressError unless a result may be fetched from the URL: public and https.

    `loopback` allows this machine, also by http. A name is looked at again once connected: see `peer_is_allowed`.
    """
    parts = _split(url)
    if parts is None or not _is_valid(parts):
        raise RefusedAddressError("the result's address is not an http(s) URL")
    host = parts.hostname or ""
    if loopback and names_loopback(host):
        return
    address = _address(host)
    if parts.scheme != "https" or names_loopback(host) or (address is not None and not _is_public(address)):
        raise RefusedAddressError(f"the API says that the result is at {excerpt(f'{parts.scheme}://{parts.netloc}')}")


def peer_is_allowed(peer: str, scheme: str, loopback: bool) -> bool:
    """Whether a result may come from the address that a connection reached."""
    address = _address(peer)
    if address is None:
        return False
    return (loopback and address.is_loopback) or (scheme == "https" and _is_public(address))


def peer_is_public(peer: str) -> bool:
    """Whether the address that a connection reached is on the public internet."""
    address = _address(peer)
    return address is not None and _is_public(address)


def peer_may_have_key(peer: str, scheme: str) -> bool:
    """Whether the key may go to the address that a connection reached: unencrypted, to this machine alone."""
    address = _address(peer)
    return scheme == "https" or (address is not None and address.is_loopback)


def is_web_url(text: str) -> bool:
    """Whether this is an http or https URL."""
    parts = _split(text)
    return parts is not None and _is_valid(parts)


def joined(url: str, location: str) -> str:
    """Where a redirect leads; empty if that is not a URL."""
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def names_loopback(host: str | None) -> bool:
    """Whether a URL's host is this machine."""
    address = _address(host or "")
    return host == "localhost" or (address is not None and address.is_loopback)


def _split(url: str) -> SplitResult | None:
    if _STRANGE.search(url):
        return None
    try:
        parts = urlsplit(url)
        return parts if parts.port is None or parts.port else None
    except ValueError:
        return None


def _is_valid(parts: SplitResult) -> bool:
    return parts.scheme in _DEFAULT_PORTS and bool(parts.hostname) and "@" not in parts.netloc


def _shown(parts: SplitResult | None) -> str:
    """A URL without the password that it may hold."""
    return "no URL" if parts is None else f"{parts.scheme}://{parts.hostname or ''}{parts.path}"


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is on the public internet, also the IPv4 address that some IPv6 addresses lead to."""
    inner = None
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.sixtofour or (address.teredo or (None, None))[1]
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    public = address.is_global and not address.is_multicast
    return public and (inner is None or _is_public(inner))
