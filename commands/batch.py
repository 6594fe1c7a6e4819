"""`multifaceswap batch`: swaps in many pictures and clips, here or on many machines; what is done stays done."""

from __future__ import annotations

import copy
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from pathlib import Path
from typing import Any, NoReturn

from .. import __version__
from ..batch import Cluster, Item, Place, Worker, items_of, run_locally, run_on_ray, tally
from ..media.clips import is_clip
from ..media.pictures import EXTENSIONS, find_pictures
from ..models.pool import ModelPool
from ..pipeline.errors import ModelError, SettingsError
from . import console
from .clips import add_clip_options
from .files import extension_of, require_free
from .options import add_detection, add_format, add_number
from .swap import add_engine, add_pairing
from .swapping import Donors, Job, read_donors, swap_target

_ELSEWHERE = frozenset({"target", "output", "report", "retries", "ray", "workers", "cpus", "gpus", "device", "run"})
"""Arguments that results don't depend on, or by more than their names."""


def add_arguments(parser: ArgumentParser) -> None:
    _add_files(parser)
    _add_machines(parser)
    _add_settings(parser)


def run(arguments: Namespace) -> int:
    items = items_of(arguments.target, _is_wanted, lambda name: _result_name(name, arguments.image_format))
    worker = _worker(arguments)
    _require_usable(items, worker, arguments)
    entries: list[dict[str, Any]] = []
    try:
        with console.counted(_entries(items, worker, arguments), "item", len(items)) as bar:
            for entry in bar:
                entries.append(entry)
                _tell(entry)
    finally:
        _write_report(arguments, items, entries)
    console.say(f"{tally(entries)}: {_report(arguments).address}")
    return console.exit_code(entries)


def _entries(items: Sequence[Item], worker: Worker, arguments: Namespace) -> Iterator[dict[str, Any]]:
    if arguments.ray is None:
        return run_locally(items, worker)
    sizes = {"workers": arguments.workers, "cpus": arguments.cpus, "gpus": arguments.gpus}
    return run_on_ray(items, worker, Cluster(arguments.ray or None, **sizes))


def _tell(entry: Mapping[str, Any]) -> None:
    if entry["error"] is None:
        return
    if entry["fatal"]:
        raise ModelError(entry["error"])
    console.fail(f"{entry['target']}: {entry['error']}")


def _is_wanted(name: str) -> bool:
    return Path(name).suffix.lower() in EXTENSIONS or is_clip(name)


def _result_name(name: str, image_format: str | None) -> str:
    """The target's own name, with another extension behind it where its own can't stay: no two become one."""
    extension = extension_of(Path(name), image_format)
    return name if Path(name).suffix.lower() == extension.lower() else name + extension


def _worker(arguments: Namespace) -> Worker:
    sources, references = (_shared(given) for given in (arguments.source, arguments.reference))
    settings = {name: value for name, value in vars(arguments).items() if name not in _ELSEWHERE}
    open_work = OpenSwaps(arguments.device, settings, sources, references)
    depends_on = {**settings, "multifaceswap": __version__}
    return Worker(open_work, arguments.output, depends_on, (*sources, *references), arguments.retries)


def _shared(given: Sequence[str] | None) -> tuple[str, ...]:
    """Pictures by path or URL; folders and patterns of this machine become their pictures."""
    several = ([address] if Place(address).is_remote else map(str, find_pictures([address])) for address in given or ())
    return tuple(address for some in several for address in some)


def _require_usable(items: Sequence[Item], worker: Worker, arguments: Namespace) -> None:
    """SettingsError before any work where an item can't be done, or its result would replace what is read."""
    for item in items:
        if not item.sources and not arguments.source:
            raise SettingsError(f"{item.target}: there is no source: say --source, or give its row a `source`")
        _with_options(arguments, item.options)
    results = [Place(arguments.output).at(item.name) for item in items]
    inputs = [Place(address) for item in items for address in (item.target, *item.sources)]
    replaced = {place.address for place in inputs if place.is_remote} & {place.address for place in results}
    if replaced:
        raise SettingsError(f"{min(replaced)} is an input and would be overwritten: choose another output")
    here = ([Path(place.address) for place in places if not place.is_remote] for places in (results, inputs))
    require_free(*here)


def _with_options(arguments: Namespace, options: Mapping[str, str]) -> Namespace:
    """The arguments with an item's own options, read as those of the command line are. SettingsError as there."""
    if not options:
        return arguments
    parser = _Options(prog="manifest", add_help=False, allow_abbrev=False)
    _add_settings(parser)
    return parser.parse_args([f"--{name}={value}" for name, value in options.items()], copy.copy(arguments))


class _Options(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"manifest: {message}")


@dataclass(frozen=True, slots=True)
class OpenSwaps:
    """Opens what swaps, in the process that works."""

    device: str
    settings: Mapping[str, Any]
    sources: tuple[str, ...]
    references: tuple[str, ...]

    def __call__(self) -> _Swaps:
        return _Swaps(self)


class _Swaps:
    """Swaps one item after another; models, and the sources' faces, are kept from one to the next."""

    def __init__(self, opened: OpenSwaps) -> None:
        self._opened = opened
        self._pool = ModelPool(device=opened.device)
        self._donors = lru_cache(maxsize=4)(self._read)

    def __call__(self, item: Item, target: Path, output: Path) -> dict[str, Any]:
        arguments = self._arguments(item.options)
        # What there is to tell is in the report; many workers would tell it at once.
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            donors = self._donors(item.sources or self._opened.sources, tuple(item.options.items()))
            facts = swap_target(Job(target, output, None, None), donors, arguments, self._pool)
        return {name: value for name, value in facts.items() if name != "output"}

    def _arguments(self, options: Mapping[str, str]) -> Namespace:
        return _with_options(Namespace(**self._opened.settings), options)

    def _read(self, sources: tuple[str, ...], options: tuple[tuple[str, str], ...]) -> Donors:
        with ExitStack() as stack:
            files, references = (
                [stack.enter_context(Place(address).fetched()) for address in some]
                for some in (sources, self._opened.references)
            )
            return read_donors(files, references, self._arguments(dict(options)), self._pool)._replace(files=sources)


def _report(arguments: Namespace) -> Place:
    return Place(arguments.report) if arguments.report else Place(arguments.output).at("report.json")


def _write_report(arguments: Namespace, items: Sequence[Item], entries: Sequence[Mapping[str, Any]]) -> None:
    """The entries in the order of the items, whoever was done first."""
    order = {item.name: number for number, item in enumerate(items)}
    settings = {name: value for name, value in vars(arguments).items() if name != "run"}
    report = {
        "multifaceswap": __version__,
        "settings": settings,
        "tally": tally(entries)._asdict(),
        "targets": sorted(entries, key=lambda entry: order[entry["name"]]),
    }
    _report(arguments).write(f"{json.dumps(report, indent=2)}\n".encode())


def _add_files(parser: ArgumentParser) -> None:
    many: dict[str, Any] = {"nargs": "+", "action": "extend", "metavar": "PATH"}
    text = (
        "pictures, clips, folders with all folders in them, URLs such as s3://bucket/folder, and manifests: .csv with "
        "a column `target`, and if wanted `source`, `output` and any option of a swap, or .jsonl with such keys"
    )
    parser.add_argument("--target", required=True, help=text, **many)
    parser.add_argument("--source", help="pictures that give faces, for all targets that name none", **many)
    parser.add_argument("--reference", help="pictures of people to look for in the targets", **many)
    parser.add_argument("--output", required=True, metavar="FOLDER", help="folder or URL; what is done there is kept")
    parser.add_argument("--report", metavar="FILE.json", help="default: report.json in --output")
    add_format(parser)


def _add_machines(parser: ArgumentParser) -> None:
    add_number(parser, "--retries", 0, 100, 2, "how often an item that fails is tried again")
    text = "work on Ray: on the cluster at ADDRESS, else on that of RAY_ADDRESS, else on one started here"
    parser.add_argument("--ray", nargs="?", const="", metavar="ADDRESS", help=text)
    add_number(parser, "--workers", 0, 100_000, 0, "with --ray: how many work at once, 0 for as many as fit")
    add_number(parser, "--cpus", 0.01, 1024, 2.0, "with --ray: cores a worker")
    add_number(parser, "--gpus", 0, 16, 0.0, "with --ray: GPUs a worker, or a part of one")


def _add_settings(parser: ArgumentParser) -> None:
    add_pairing(parser)
    add_detection(parser)
    add_engine(parser)
    add_clip_options(parser)
