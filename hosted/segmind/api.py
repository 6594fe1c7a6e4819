"""The API's calls, each with the tries it may have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ...media.retry import Retries
from .answers import ApiResponse
from .deadline import Deadline
from .endpoint import Endpoint, joined, peer_is_allowed, peer_may_have_key, require_media_url
from .errors import RefusedAddressError, ResultError
from .key import ApiKey
from .lenient_json import Json
from .retry import send_again
from .transport import Transport, TransportLimits

_REDIRECTS: Final = 3


class ApiCalls:
    """Calls with the key to the API, and without it to wherever results are.

    Every call raises what `Transport.send` and `Deadline` raise, and all but `pay` stop at once when the job does.
    """

    def __init__(self, key: ApiKey, endpoint: Endpoint, limits: TransportLimits, retries: Retries) -> None:
        self.endpoint = endpoint
        self._key = key
        self._limits = limits
        self._retries = retries
        self._api = self._new_transport()
        self._media = Transport(self._media_rule, key, limits, with_key=False, proxies=not endpoint.is_loopback)

    def close(self) -> None:
        self._api.close()
        self._media.close()

    def upload(self, data_uris: Sequence[str], deadline: Deadline) -> ApiResponse:
        """Another upload costs nothing, so it is repeated like a question."""
        return self._ask("POST", self.endpoint.upload_url, deadline, {"data_urls": [*data_uris]})

    def pay(self, url: str, payload: Mapping[str, Json], deadline: Deadline, *, waits: bool) -> ApiResponse:
        """A call that costs money: sent again only where it certainly didn't arrive. `waits`: until the job is done.

        It runs to its end even where the job is stopped, for what it brings was paid.
        """
        # An idle connection may break just as it is used again, and nobody could tell what arrived.
        transport = self._new_transport()
        try:
            return send_again(
                lambda: transport.ask(
                    "POST",
                    url,
                    payload=payload,
                    seconds=deadline.remaining,
                    silence=deadline.remaining if waits else None,
                    limit=self._limits.picture_bytes if waits else self._limits.text_bytes,
                ),
                deadline,
                self._retries,
                safe=False,
            )
        finally:
            transport.close()

    def status(self, url: str, deadline: Deadline) -> ApiResponse:
        return self._ask("GET", url, deadline)

    def result(self, url: str, deadline: Deadline) -> ApiResponse:
        """May hold a picture as base64 text."""
        return self._ask("GET", url, deadline, limit=self._limits.picture_bytes)

    def media(self, url: str, deadline: Deadline) -> bytes:
        """The file at a result's URL, over at most three redirects, each checked like the URL itself.

        Also raises RefusedAddressError for an address that isn't allowed, and ResultError where there is no file.
        """
        for _ in range(_REDIRECTS + 1):
            require_media_url(url, self.endpoint.is_loopback)
            response = self._fetch(url, deadline)
            location = response.headers.get("location")
            if not (300 <= response.status < 400 and location):
                break
            url = joined(url, location)
        else:
            raise RefusedAddressError("the result is behind too many redirects")
        if not response.ok:
            raise ResultError(f"its picture can't be fetched: {response.detail()}", status=response.status)
        return response.body

    def _ask(
        self,
        method: str,
        url: str,
        deadline: Deadline,
        payload: Mapping[str, Json] | None = None,
        limit: int | None = None,
    ) -> ApiResponse:
        limit = limit or self._limits.text_bytes
        return self._send_safely(
            lambda: self._api.ask(method, url, payload=payload, seconds=deadline.remaining, limit=limit), deadline
        )

    def _fetch(self, url: str, deadline: Deadline) -> ApiResponse:
        limit = self._limits.picture_bytes
        return self._send_safely(lambda: self._media.ask("GET", url, seconds=deadline.remaining, limit=limit), deadline)

    def _send_safely(self, send: Callable[[], ApiResponse], deadline: Deadline) -> ApiResponse:
        return send_again(lambda: deadline.run(send), deadline, self._retries, safe=True)

    def _new_transport(self) -> Transport:
        return Transport(
            peer_may_have_key, self._key, self._limits, with_key=True, proxies=not self.endpoint.is_loopback
        )

    def _media_rule(self, peer: str, scheme: str) -> bool:
        return peer_is_allowed(peer, scheme, self.endpoint.is_loopback)
