"""The same app on Ray Serve: replicas that answer calls, and replicas with engines, over one state."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from types import FrameType, ModuleType

from ..app.session import Session
from ..marking.places import Signing
from ..pipeline.errors import SettingsError
from ..pipeline.quotes import excerpt, quoted
from .config import ServeConfig
from .keys import Keys
from .logs import set_up
from .server import GRACE, require_free, require_keys, served, store_of
from .values import Claimed, Outcome
from .work import Swapping
from .worker import Lost, Work

APP = "multifaceswap"
_CALLS, _ENGINE = "Calls", "Engine"
_OWN = "local"
"""What Ray calls a cluster that it starts."""
_BATCH = 8
"""Requests that an engine takes at once."""
_BATCH_WAIT = 0.02
"""Seconds that it waits for them."""
_CALLS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where replicas run, and how many."""

    address: str | None = None
    """Of a running cluster, `auto` for the one on this machine; None: that of RAY_ADDRESS, or else one of its own."""
    replicas: int = 0
    """With engines; 0 for as many as the load needs, up to `most`."""
    most: int = 8
    cpus: float = 1
    """Cores a replica with an engine."""
    gpus: float = 0
    """GPUs a replica; a part of one lets several share it."""
    answering: int = 2
    """Replicas that answer calls."""


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """What each replica's session is made of."""

    device: str = "auto"
    licence: str = "any"
    signing: Signing | None = None

    def session(self, device: str | None = None) -> Session:
        return Session(device=device or self.device, licence=self.licence, signing=self.signing)


def serve_on_ray(config: ServeConfig, cluster: Cluster, engine: EngineChoice) -> None:
    """Deploy the app, and serve until the process is told to end.

    Raises SettingsError without Ray, where it can't be reached, and as `server.served`.
    """
    config = replace(config, workers=max(config.workers, _BATCH))
    _require_startable(config)
    require_free(config)
    address = cluster.address or os.environ.get("RAY_ADDRESS", _OWN)
    if address == _OWN:
        _keep_to_loopback()
    ray, serve = _ray()
    own = not ray.is_initialized()
    if own:
        _start(ray, address)
    ended = threading.Event()
    try:
        serve.start(http_options={"host": config.host, "port": config.port})
        _deploy(serve, application(config, cluster, engine))
        _wait(ended)
    finally:
        serve.shutdown()
        if own:
            ray.shutdown()


def application(config: ServeConfig, cluster: Cluster, engine: EngineChoice) -> object:
    """The app with its engines, for `serve.run`; Ray's own commands take `deployed`, which makes it of a file."""
    _, serve = _ray()
    actor = {"num_cpus": cluster.cpus, "num_gpus": cluster.gpus}
    if cluster.replicas:
        scale: dict[str, object] = {"num_replicas": cluster.replicas}
    else:
        scaling = {"min_replicas": 1, "max_replicas": cluster.most, "target_ongoing_requests": _BATCH / 2}
        scale = {"autoscaling_config": scaling}
    engines = serve.deployment(_engine(serve), name=_ENGINE)
    engines = engines.options(ray_actor_options=actor, max_ongoing_requests=2 * _BATCH, **scale)
    calls = serve.deployment(_calls(serve, config, engine), name=_CALLS).options(
        num_replicas=cluster.answering,
        ray_actor_options={"num_cpus": 0},
        max_ongoing_requests=_CALLS_AT_ONCE,
        graceful_shutdown_timeout_s=GRACE,
    )
    return calls.bind(engines.bind(engine))


def deployed(arguments: Mapping[str, str]) -> object:
    """The app of a file of `serve deploy`, whose `args` are `state`, and the names of `Cluster` and `EngineChoice`."""
    whole = {"replicas", "most", "answering"}
    known = {"replicas", "most", "cpus", "gpus", "answering"}
    numbers = {name: int(text) if name in whole else float(text) for name, text in arguments.items() if name in known}
    config = ServeConfig(arguments["state"], public_url=arguments.get("public_url", ""), workers=_BATCH)
    cluster = Cluster(**numbers)  # pyright: ignore[reportArgumentType]
    return application(config, cluster, EngineChoice(arguments.get("device", "auto"), arguments.get("licence", "any")))


def _engine(serve: ModuleType) -> type:
    class Engine:
        """A session in its own process: its models stay open, and donors that come again are kept."""

        def __init__(self, chosen: EngineChoice) -> None:
            set_up()
            self._work = Swapping(chosen.session())

        @serve.batch(max_batch_size=_BATCH, batch_wait_timeout_s=_BATCH_WAIT)
        async def __call__(self, claimed: list[Claimed]) -> list[Outcome]:
            return await asyncio.to_thread(self._work.many, claimed)

    return Engine


def _calls(serve: ModuleType, config: ServeConfig, engine: EngineChoice) -> type:
    def app() -> object:
        """Made in each replica: it checks settings and finds faces on the CPU, and has the rest done by engines."""
        set_up()
        handle = serve.get_deployment_handle(_ENGINE, app_name=APP)
        return served(config, engine.session("cpu"), _by(handle), alone=False).app

    class Calls:
        """Answers calls."""

        def __init__(self, engines: object) -> None:
            self.engines = engines

    return serve.ingress(app)(Calls)


def _by(handle: object) -> Work:
    """Work by whichever engine is free."""
    ray, serve = _ray()
    gone = (ray.exceptions.RayError, serve.exceptions.RayServeException)

    def work(claimed: Claimed) -> Outcome:
        try:
            return handle.remote(claimed).result()  # pyright: ignore[reportAttributeAccessIssue, reportUnknownVariableType, reportUnknownMemberType]
        except ray.exceptions.RayTaskError:  # a mistake of this program
            raise
        except gone as error:
            raise Lost(type(error).__name__) from error

    return work


def _require_startable(config: ServeConfig) -> None:
    store = store_of(config)
    require_keys(config, Keys(store.engine))
    store.engine.dispose()


def _wait(ended: threading.Event) -> None:
    def end(_sign: int, _frame: FrameType | None) -> None:
        ended.set()

    before = {sign: signal.signal(sign, end) for sign in (signal.SIGTERM, signal.SIGINT)}
    ended.wait()
    for sign, handler in before.items():
        signal.signal(sign, handler)


def _deploy(serve: ModuleType, app: object) -> None:
    try:
        serve.run(app, name=APP, route_prefix="/")
    except RuntimeError as error:
        raise SettingsError(f"Ray Serve can't deploy the server: {excerpt(error)}") from error


def _keep_to_loopback() -> None:
    """Have a cluster of the server's own listen to this machine alone, and to nobody without its token.

    Ray reads both when it is imported. Its word for the first is of systems whose firewalls ask about open ports.
    """
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    if "RAY_AUTH_MODE" not in os.environ:
        os.environ.update(RAY_AUTH_MODE="token", RAY_AUTH_TOKEN=secrets.token_hex(32))


def bind_to_loopback() -> None:
    """Called in each process of a cluster of the server's own: replicas would take calls of each other, which are
    pickles, from everywhere and without a token."""
    replica = import_module("ray.serve._private.replica")
    add_port: Callable[[object, str], int] = replica.add_port_to_grpc_server

    def add_own_port(server: object, address: str) -> int:
        return add_port(server, address.replace("[::]", "127.0.0.1"))

    setattr(replica, "add_port_to_grpc_server", add_own_port)  # noqa: B010


def _start(ray: ModuleType, address: str) -> None:
    own = {"worker_process_setup_hook": bind_to_loopback} if address == _OWN else {}
    try:
        ray.init(address=address, log_to_driver=False, logging_level="error", runtime_env=own)
    except (ValueError, ConnectionError, RuntimeError) as error:
        raise SettingsError(f"--address {quoted(address)}: {excerpt(error)}") from error


def _ray() -> tuple[ModuleType, ModuleType]:
    try:
        serve = import_module("ray.serve")
        return import_module("ray"), serve
    except ImportError as error:
        raise SettingsError(f"Ray Serve can't be imported ({error}): pip install 'multifaceswap[ray]'") from error
