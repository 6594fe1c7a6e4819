"""Who may call."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request

from .config import names_this_machine
from .context import Context
from .errors import Refusal
from .values import NOBODY

_BEARER = "bearer "
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def owner_of(request: Request, context: Context) -> str:
    """Whose key a call comes with; `NOBODY` where none is needed: on loopback, as long as there are none.

    Raises Refusal, 401.
    """
    if context.config.is_loopback and not len(context.keys):
        _require_own_name(request, context)
        return NOBODY
    key = _key(request)
    if not key:
        raise Refusal(401, "a key is needed, in the header x-api-key")
    owner = context.keys.owner(key)
    if owner is None:
        raise Refusal(401, "nobody has this key")
    return owner


def addresses(request: Request, context: Context) -> tuple[str, ...]:
    """What this server is called, without slashes at the end: the first is what its answers name."""
    called = str(request.base_url).rstrip("/")
    names = _LOOPBACK if names_this_machine(request.url.hostname or "") else ()
    same = [str(request.base_url.replace(hostname=name)).rstrip("/") for name in names]
    return tuple(dict.fromkeys(address for address in (context.config.public_url, called, *same) if address))


def _key(request: Request) -> str:
    given = request.headers.get("x-api-key", "")
    bearer = request.headers.get("authorization", "")
    return given or (bearer[len(_BEARER) :] if bearer.lower().startswith(_BEARER) else "")


def _require_own_name(request: Request, context: Context) -> None:
    """A web page elsewhere may give its own name the address of this machine: its calls come under that name."""
    own = urlsplit(context.config.public_url).hostname
    called = request.url.hostname or ""
    if not (names_this_machine(called) or called == own):
        raise Refusal(401, "without keys this server answers only calls to localhost")
