"""The API's calls, each with the tries it may have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from .endpoint import Endpoint, joined, peer_is_allowed, peer_may_have_key, require_media_url
from .errors import RefusedAddressError, ResultError
from .key import ApiKey
from .retry import Retries, send_again
from .transport import ApiResponse, Limits, Transport
from .waiting import Watch

_REDIRECTS: Final = 3


class ApiCalls:
    """Calls with the key to the API, and without it to wherever results are. Every call raises what `Wire.send` and
    `Watch` raise, and all but `pay` stop within a moment when the job does."""

    def __init__(self, key: ApiKey, endpoint: Endpoint, limits: Limits, retries: Retries) -> None:
        self.endpoint = endpoint
        self._key = key
        self._limits = limits
        self._retries = retries
        self._api = self._api_wire()
        self._media = Transport(self._media_rule, key, limits, with_key=False, proxies=not endpoint.is_loopback)

    def close(self) -> None:
        self._api.close()
        self._media.close()

    def upload(self, data_uris: Sequence[str], watch: Watch) -> ApiResponse:
        """Another upload costs nothing, so it is repeated like a question."""
        return self._ask("POST", self.endpoint.upload_url, watch, {"data_urls": [*data_uris]})

    def pay(self, url: str, payload: dict[str, Any], watch: Watch, *, waits: bool) -> ApiResponse:
        """A call that costs money: sent again only where it certainly didn't arrive. `waits`: until the job is done.

        It runs to its end even where the job is stopped, for what it brings was paid.
        """
        # A connection that lay idle may break just as it is used again, and nobody could tell what arrived.
        wire = self._api_wire()
        try:
            return send_again(
                lambda: wire.send(
                    "POST",
                    url,
                    payload=payload,
                    seconds=watch.remaining,
                    silence=watch.remaining if waits else None,
                    limit=self._limits.picture_bytes if waits else self._limits.text_bytes,
                ),
                watch,
                self._retries,
                safe=False,
            )
        finally:
            wire.close()

    def status(self, url: str, watch: Watch) -> ApiResponse:
        return self._ask("GET", url, watch)

    def result(self, url: str, watch: Watch) -> ApiResponse:
        """May hold a picture as base64 text."""
        return self._ask("GET", url, watch, limit=self._limits.picture_bytes)

    def media(self, url: str, watch: Watch) -> bytes:
        """The file at a result's URL, over at most three redirects, each looked at like the URL itself."""
        for _ in range(_REDIRECTS + 1):
            require_media_url(url, self.endpoint.is_loopback)
            reply = self._fetch(url, watch)
            location = reply.headers.get("location")
            if not (300 <= reply.status < 400 and location):
                break
            url = joined(url, location)
        else:
            raise RefusedAddressError("the result is behind too many redirects")
        if not reply.ok:
            raise ResultError(f"its picture can't be fetched: {reply.detail()}", status=reply.status)
        return reply.body

    def _ask(self, method: str, url: str, watch: Watch, payload: Any = None, limit: int | None = None) -> ApiResponse:
        limit = limit or self._limits.text_bytes
        return self._patiently(
            lambda: self._api.send(method, url, payload=payload, seconds=watch.remaining, limit=limit), watch
        )

    def _fetch(self, url: str, watch: Watch) -> ApiResponse:
        limit = self._limits.picture_bytes
        return self._patiently(lambda: self._media.send("GET", url, seconds=watch.remaining, limit=limit), watch)

    def _patiently(self, send: Callable[[], ApiResponse], watch: Watch) -> ApiResponse:
        return send_again(lambda: watch.run(send), watch, self._retries, safe=True)

    def _api_wire(self) -> Transport:
        return Transport(
            peer_may_have_key, self._key, self._limits, with_key=True, proxies=not self.endpoint.is_loopback
        )

    def _media_rule(self, peer: str, scheme: str) -> bool:
        return peer_is_allowed(peer, scheme, self.endpoint.is_loopback)
