"""Connections to where a URL leads: looked at before they are made, and ended from outside when time is over."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Lock
from typing import Final

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from ..hosted.segmind.endpoint import peer_is_public

CONNECT: Final = 5.0
"""Seconds for a connection, and between two pieces of what it sends."""


class Unreachable(OSError):
    """Nothing is there that may be asked."""


class Connections:
    """Those of one fetch. Threads may share it."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._lock = Lock()
        self._open: list[socket.socket] = []
        self._is_over = False

    def made(self, host: str, port: int) -> socket.socket:
        """A connection to the very address that was looked at: a name may lead elsewhere when it is looked up again.

        Raises OSError, before anything is sent, where the name leads to no public address.
        """
        for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            if self._private or peer_is_public(str(address[0])):
                made = socket.socket(family, kind, protocol)
                self._keep(made)
                made.settimeout(CONNECT)
                with suppress(OSError):
                    made.connect(address)
                    return made
                made.close()
        raise Unreachable("no public address of this name answers")

    def end(self) -> None:
        """Have whoever waits for these connections wait no longer, and no other be made."""
        with self._lock:
            self._is_over = True
            for one in self._open:
                with suppress(OSError):  # it was never connected, or is gone
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
            self._open.clear()

    def _keep(self, made: socket.socket) -> None:
        with self._lock:
            if self._is_over:
                made.close()
                raise Unreachable("time is over")
            self._open.append(made.dup())  # TLS takes the first one's number away


class WatchedAdapter(HTTPAdapter):
    """Has a session of requests connect by `Connections` alone."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        super().__init__()

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: object) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = _pools(self._connections)


def _pools(connections: Connections) -> dict[str, type[HTTPConnectionPool]]:
    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return connections.made(self._dns_host, self.port or 80)

    class Encrypted(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return connections.made(self._dns_host, self.port or 443)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain  # pyright: ignore[reportAssignmentType]

    class EncryptedPool(HTTPSConnectionPool):
        ConnectionCls = Encrypted  # pyright: ignore[reportAssignmentType]

    return {"http": PlainPool, "https": EncryptedPool}
