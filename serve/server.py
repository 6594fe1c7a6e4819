"""One process: the app on uvicorn, the work in its threads, the state in a database."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

import uvicorn
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from ..app.faces.folders import FaceFolders
from ..app.session import Session
from ..app.settings import SETTINGS
from ..pipeline.errors import SettingsError
from ..pipeline.quotes import reason
from .app import app_of
from .claims import Claims
from .config import ServeConfig
from .context import Context, Readiness
from .keys import Keys
from .logs import event
from .metrics import Metrics
from .references import Pictures
from .store import Store
from .tables import opened, unreachable
from .values import Claimed
from .warmup import WarmUp
from .work import Swapping
from .worker import Dispatcher, Work

log = logging.getLogger(__name__)
GRACE = 30.0
"""Seconds for what is under way when the server is told to end."""


def store_of(config: ServeConfig) -> Store:
    """The state. Raises SettingsError where it can't be opened."""
    try:
        return Store(opened(config.state), config.limits)
    except (SQLAlchemyError, OSError) as error:
        raise SettingsError(f"the server's state can't be opened: {unreachable(error)}") from error


def require_keys(config: ServeConfig, keys: Keys) -> None:
    """Raise SettingsError where others reach the server and it has no keys."""
    if not config.is_loopback and not len(keys):
        raise SettingsError(
            f"--host {config.host}: others reach this address, and there is no key yet: make one by "
            "multifaceswap serve keys add NAME"
        )


def require_free(config: ServeConfig) -> None:
    """Raise SettingsError where the server can't listen at its address: uvicorn's own word comes after all else."""
    try:
        for family, _, _, _, address in socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM):
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen()
    except OSError as error:
        raise SettingsError(
            f"--host {config.host} --port {config.port}: can't listen there: {reason(error)}"
        ) from error


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """A server's parts, put together."""

    app: FastAPI
    context: Context
    dispatcher: Dispatcher


def served(config: ServeConfig, session: Session, work: Work | None = None, *, alone: bool = True) -> Served:
    """The app and the work of one process. `alone`: no other process works on this state.

    Raises SettingsError where the state can't be opened, or the server may not start without keys, and as
    `Session.plan` for the settings of requests that name none.
    """
    store, metrics = store_of(config), Metrics()
    keys = Keys(store.engine)
    require_keys(config, keys)
    session.plan("picture", {name: value for name, value in config.defaults.items() if name in SETTINGS["picture"]})
    work = work or Swapping(session, _wanted(store))
    dispatcher, warm_up = Dispatcher(store, work, config.workers, metrics), WarmUp(work, config.defaults)

    def readiness() -> Readiness:
        return warm_up.readiness() if dispatcher.is_alive() else Readiness(False, error="nobody does the work")

    stopping = threading.Event()
    pictures = Pictures(config, store, FaceFolders.of(session.models.folders), stopping)
    context = Context(
        config, store, keys, pictures, metrics, session, dispatcher.wake, readiness, dispatcher.is_alive, stopping
    )

    def start() -> None:
        warm_up.start()
        dispatcher.start(alone=alone)

    def stop() -> None:
        stopping.set()
        dispatcher.stop(GRACE)
        store.engine.dispose()

    return Served(app_of(context, start, stop), context, dispatcher)


def _wanted(store: Store) -> Callable[[Claimed], bool]:
    claims = Claims(store)

    def is_wanted(claimed: Claimed) -> bool:
        try:
            return not claimed.claim or claims.holds(claimed)
        except SQLAlchemyError as error:  # once it is back, the work may still count
            event(log, "database", logging.ERROR, error=unreachable(error))
            return True

    return is_wanted


class Server(uvicorn.Server):
    """Tells those who wait that the server is about to end, as soon as it is."""

    def __init__(self, made: Served, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._context = made.context

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._context.stopping.set()
        super().handle_exit(sig, frame)


def server_of(made: Served, config: ServeConfig) -> Server:
    """uvicorn over the app, not running yet."""
    return Server(
        made,
        uvicorn.Config(
            made.app,
            config.host,
            config.port,
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=int(GRACE),
        ),
    )
