"""`multifaceswap serve`: the hosted API's calls, answered by this machine."""

from __future__ import annotations

import signal
from argparse import SUPPRESS, ArgumentParser, BooleanOptionalAction, Namespace
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from platformdirs import user_data_path

from ..app import settings
from ..app.session import Session
from ..media.ownership import owned
from ..pipeline.errors import MissingPackageError, SettingsError
from . import console
from .options import add_choice, add_number, add_settings, add_signing, signing_of, values_of

if TYPE_CHECKING:
    from ..serve.config import Limits, ServeConfig
    from ..serve.keys import Keys

_ENGINES = ("local", "ray")
_NEEDS = ("fastapi", "uvicorn", "sqlalchemy", "prometheus_client")
_MEBIBYTE = 1 << 20


def add_arguments(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="[keys]", dest="serve_action")
    text = "make, list and remove the keys that clients call with: needed where others reach the server"
    _add_keys(actions.add_parser("keys", help=text, description=text.capitalize(), allow_abbrev=False))
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="where to listen (default: %(default)s)")
    add_number(parser, "--port", 0, 65535, 8000, "the port; 0: any that is free", whole=True)
    parser.add_argument("--public-url", default="", metavar="URL", help="what clients call this server")
    text = "also fetch pictures from private addresses"
    parser.add_argument("--allow-private", action="store_true", help=text)
    text = "where a request names a detector of the hosted API whose file isn't here, have its own find faces"
    parser.add_argument("--substitute", action=BooleanOptionalAction, default=True, help=text)
    _add_state(parser)
    _add_limits(parser)
    text = "who does the work: threads of this process, or replicas of Ray Serve"
    add_choice(parser, "--engine", _ENGINES, _ENGINES[0], text)
    add_number(parser, "--replicas", 0, 1024, 0, "of ray, with engines; 0: as many as the load needs", whole=True)
    add_number(parser, "--gpus", 0, 16, 0, "of ray: GPUs a replica; a part of one lets several share it")
    parser.add_argument("--address", metavar="ADDRESS", help="of ray: a running cluster (default: one of its own)")
    add_number(parser, "--workers", 1, 64, 1, "requests that are worked on at once", whole=True)
    add_signing(parser)
    add_settings(parser, "picture", "file", "session")


def run(arguments: Namespace) -> int:
    _require_packages()
    if arguments.serve_action == "keys":
        return arguments.action(arguments)
    from ..serve.logs import set_up
    from ..serve.server import require_free, served, server_of

    config = _config(arguments)
    if arguments.engine == "ray":
        return _on_ray(arguments, config)
    with _alone(arguments), _session(arguments) as session:
        session.credentials({"mark": arguments.mark})
        made = served(config, session, alone=not arguments.state)
        require_free(config)
        set_up()
        server = server_of(made, config)
        # uvicorn hands the signal on once all is done: that is no reason to end otherwise than well.
        signal.signal(signal.SIGTERM, _end)
        server.run()
    return 0 if server.started else 2


def _end(_sign: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


def _on_ray(arguments: Namespace, config: ServeConfig) -> int:
    from ..serve.on_ray import Cluster, EngineChoice, serve_on_ray

    signing = signing_of(arguments) if arguments.certificate or arguments.private_key else None
    engine = EngineChoice(arguments.device, arguments.licence, signing)
    serve_on_ray(config, Cluster(arguments.address, int(arguments.replicas), gpus=float(arguments.gpus)), engine)
    return 0


def _alone(arguments: Namespace) -> AbstractContextManager[None]:
    """Keeps a second server from a folder of one's own. Raises BusyError."""
    return nullcontext() if arguments.state else owned(_folder(arguments) / "server", "the state in --data")


def _session(arguments: Namespace) -> Session:
    return Session(device=arguments.device, licence=arguments.licence, signing=signing_of(arguments))


def _config(arguments: Namespace) -> ServeConfig:
    from ..serve.config import ServeConfig, require_public_url

    values = values_of(arguments, "picture", "file")
    return ServeConfig(
        _state(arguments),
        arguments.host,
        int(arguments.port),
        require_public_url(arguments.public_url),
        arguments.allow_private,
        int(arguments.workers),
        settings.changed(values, ["picture", "file"]),
        arguments.substitute,
        _limits(arguments),
    )


def _limits(arguments: Namespace) -> Limits:
    from ..serve.config import Limits

    return Limits(
        body_bytes=int(arguments.max_megabytes * _MEBIBYTE),
        pixels=int(arguments.max_megapixels * _MEBIBYTE),
        queue=int(arguments.queue),
        rate=int(arguments.rate),
        storage_bytes=int(arguments.storage * (1 << 30)),
        keep=float(arguments.keep_results),
        keep_uploads=float(arguments.keep_uploads),
        wait=float(arguments.wait),
    )


def _add_limits(parser: ArgumentParser) -> None:
    add_number(parser, "--max-megabytes", 0.01, 1024, 64, "of a request, and of a picture that is fetched")
    add_number(parser, "--max-megapixels", 0.01, 100, 100, "of a picture")
    add_number(parser, "--queue", 1, 1_000_000, 1000, "requests that may wait", whole=True)
    add_number(parser, "--rate", 0, 1_000_000, 6000, "calls a minute that a key may make; 0: any", whole=True)
    add_number(parser, "--storage", 0.01, 1_000_000, 20, "gigabytes of pictures that are kept, half of them of one key")
    add_number(parser, "--keep-results", 1, 10_000_000, 3600, "seconds for which results are kept")
    add_number(parser, "--keep-uploads", 1, 100_000_000, 86_400, "seconds for which uploads are kept")
    add_number(parser, "--wait", 1, 86_400, 600, "seconds that a synchronous call waits for its result")


def _add_state(parser: ArgumentParser, default: str | None = None) -> None:
    text = "where requests, results and keys are kept (default: the user's own folder for data)"
    parser.add_argument("--data", metavar="FOLDER", default=default, help=text)
    text = "keep them in this database instead: postgresql://user@host/name or sqlite:///file"
    parser.add_argument("--state", metavar="URL", default=default, help=text)


def _add_keys(parser: ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, text, action in (
        ("add", "make a key and show it, once", _add_key),
        ("list", "list the keys' names", _list_keys),
        ("remove", "have a key count no longer", _remove_key),
    ):
        made = actions.add_parser(name, help=text, description=text.capitalize(), allow_abbrev=False)
        made.set_defaults(action=action)
        # What was given before `keys` stays as it is.
        _add_state(made, SUPPRESS)
        if name != "list":
            made.add_argument("name", metavar="NAME", help="whose key it is")


def _keys(arguments: Namespace) -> Keys:
    from ..serve.config import ServeConfig
    from ..serve.keys import Keys
    from ..serve.server import store_of

    return Keys(store_of(ServeConfig(_state(arguments))).engine)


def _add_key(arguments: Namespace) -> int:
    key = _keys(arguments).add(arguments.name)
    console.say(key)
    console.note("this key isn't shown again: only its hash is kept")
    return 0


def _list_keys(arguments: Namespace) -> int:
    for row in _keys(arguments).listed():
        console.say(f"{row.name}\tsince {datetime.fromtimestamp(row.created):%Y-%m-%d %H:%M}")
    return 0


def _remove_key(arguments: Namespace) -> int:
    _keys(arguments).remove(arguments.name)
    return 0


def _folder(arguments: Namespace) -> Path:
    return Path(arguments.data) if arguments.data else user_data_path("multifaceswap", appauthor=False) / "serve"


def _state(arguments: Namespace) -> str:
    """The database's URL; the folder of an SQLite file of the server's own is made, for its user alone."""
    from ..serve.tables import state_of

    if arguments.state and arguments.data:
        raise SettingsError("--state and --data: both say where the state is, expected one of them")
    if arguments.state:
        return arguments.state
    folder = _folder(arguments)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return state_of(folder)


def _require_packages() -> None:
    missing = [name for name in _NEEDS if find_spec(name) is None]
    if missing:
        raise MissingPackageError(f"serve needs {', '.join(missing)}: pip install 'multifaceswap[serve]'")
