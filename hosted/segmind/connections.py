"""Connections that are looked at before anything is sent, and what is certain where one isn't made."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.client import HTTPException
from typing import TypeAlias

from requests.adapters import HTTPAdapter
from urllib3 import exceptions as urllib3_errors
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.poolmanager import ProxyManager

PeerRule: TypeAlias = Callable[[str, str], bool]
"""Given the address that a connection reached and the scheme, says whether anything may be sent there."""


class RefusedPeer(Exception):
    """The connection leads to where nothing may be sent, and nothing was."""


class NotConnected(Exception):
    """The connection wasn't made, so that nothing of the request can have gone out."""


class GuardedAdapter(HTTPAdapter):
    """Checks the address that was really reached before anything is sent: a name may lead anywhere, and elsewhere the
    second time it is looked up. Through a proxy only the proxy is reached, and that one isn't checked."""

    def __init__(self, rule: PeerRule) -> None:
        self._rule = rule
        super().__init__(pool_maxsize=16)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: object) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = _guarded_pools(self._rule)

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: object) -> ProxyManager:
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _guarded_pools(_anywhere)
        return manager


def _guarded_pools(rule: PeerRule) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def connect(self) -> None:
            with _connecting():
                super().connect()
                _require_peer(self, "http", rule)

    class Encrypted(HTTPSConnection):
        def connect(self) -> None:
            with _connecting():
                super().connect()
                _require_peer(self, "https", rule)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain  # pyright: ignore[reportAssignmentType]

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted  # pyright: ignore[reportAssignmentType]

    return {"http": PlainPool, "https": EncryptedPool}


@contextmanager
def _connecting() -> Generator[None]:
    """Tells what goes wrong before a connection is made, names and certificates included, from what does later."""
    try:
        yield
    except (OSError, urllib3_errors.HTTPError, HTTPException, ValueError) as error:
        raise NotConnected(str(error)) from error


def _anywhere(peer: str, scheme: str) -> bool:
    return True


def _require_peer(connection: HTTPConnection, scheme: str, rule: PeerRule) -> None:
    peer = str(connection.sock.getpeername()[0])  # pyright: ignore[reportOptionalMemberAccess]
    if not rule(peer, scheme):
        connection.close()
        raise RefusedPeer(f"{connection.host} leads to {peer}")
