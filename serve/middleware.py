"""What happens to every call: an id, a limit to its body, a line in the log, and errors as `{"error": …}`."""

from __future__ import annotations

import logging
import time
from threading import Event
from typing import Final

import anyio
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .config import Limits
from .context import Context
from .errors import Refusal, ending
from .logs import event
from .store import new_id
from .tables import is_full, unreachable

log = logging.getLogger(__name__)
REQUEST_ID: Final = "X-Request-Id"
_SLICE: Final = 0.25
"""Seconds between looks at the time while a body comes."""
_CLOSE: Final = {"Connection": "close"}
_LATER: Final = {"Retry-After": "10"}
_SAFE: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


class Calls:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app = app
        self._metrics = context.metrics
        self._limits = context.config.limits
        self._stopping = context.stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = new_id()
        call = _Call(scope, receive, send, self._limits, self._stopping)
        try:
            if call.announced > self._limits.body_bytes:
                await _too_large(self._limits.body_bytes)(scope, receive, call.send)
            else:
                await self._app(scope, call.receive, call.send)
        finally:
            self._metrics.answered(call.route, call.status)
            call.tell(log)


class _Call:
    """One call on its way."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, limits: Limits, stopping: Event) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._limits, self._stopping = limits, stopping
        self._read, self._is_read = 0, False
        self._start = time.perf_counter()
        self.status = 0
        """0 where the client left before an answer."""
        length = Headers(scope=scope).get("content-length", "")
        self.announced = int(length[:18]) if length.isascii() and length.isdecimal() else 0

    async def receive(self) -> Message:
        message = await (self._receive() if self._is_read else self._soon())
        self._is_read = not message.get("more_body", False)
        self._read += len(message.get("body", b""))
        if self._read > self._limits.body_bytes:
            raise Refusal(413, _large(self._limits.body_bytes), _CLOSE)
        return message

    async def _soon(self) -> Message:
        """The next piece of the body. Raises Refusal where it takes too long: 408, or 503 at the server's end."""
        while True:
            if self._stopping.is_set():
                raise Refusal(503, str(ending()), {**ending().headers, **_CLOSE})
            if time.perf_counter() - self._start > self._limits.body_seconds:
                raise Refusal(408, f"the body: expected it within {self._limits.body_seconds:g} seconds", _CLOSE)
            with anyio.move_on_after(_SLICE):
                return await self._receive()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers[REQUEST_ID] = self._scope["state"]["request_id"]
            for name, value in _SAFE.items():
                headers[name] = value
        await self._send(message)

    @property
    def route(self) -> str:
        """The address as the program has it: a real one holds ids that open what they name."""
        return getattr(self._scope.get("route"), "path", "none")

    def tell(self, log: logging.Logger) -> None:
        event(
            log,
            "answered",
            method=str(self._scope["method"])[:10],
            route=self.route,
            status=self.status,
            seconds=round(time.perf_counter() - self._start, 4),
            request_id=str(self._scope["state"]["request_id"]),
        )


async def refused(request: Request, error: Exception) -> JSONResponse:
    """The answer to a call that isn't done, whatever it failed of."""
    if isinstance(error, Refusal):
        return JSONResponse({"error": str(error)}, error.status, error.headers)
    if isinstance(error, HTTPException):
        headers = {"Allow": _allowed(request)} if error.status_code == 405 else error.headers
        return JSONResponse({"error": _http(error)}, error.status_code, headers)
    if isinstance(error, SQLAlchemyError):
        return _without_state(error)
    return JSONResponse({"error": f"internal error; its id in the log is {request.state.request_id}"}, 500)


def _without_state(error: SQLAlchemyError) -> JSONResponse:
    event(log, "database", logging.ERROR, error=unreachable(error))
    if is_full(error):
        return JSONResponse({"error": "the disk with the server's state is full"}, 507)
    return JSONResponse({"error": "the server's state can't be used now"}, 503, _LATER)


def _allowed(request: Request) -> str:
    """Every method of an address: Starlette names those of one route."""
    routes = [one for one in request.app.routes if isinstance(one, Route)]
    methods = {
        method for one in routes if one.matches(request.scope)[0] is not Match.NONE for method in one.methods or ()
    }
    return ", ".join(sorted(methods))


def _http(error: HTTPException) -> str:
    known = {404: "there is nothing at this address", 405: "this address takes other methods"}
    return known.get(error.status_code, str(error.detail))


def _too_large(most: int) -> JSONResponse:
    # The body isn't read: the connection can't be used again.
    return JSONResponse({"error": _large(most)}, 413, _CLOSE)


def _large(most: int) -> str:
    return f"the body: expected at most {most:,} bytes"
