"""Items on many machines, by Ray Data: an actor a GPU or a group of CPU cores."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from ..pipeline.errors import EngineError, SettingsError
from ..pipeline.quotes import excerpt, quoted
from .items import Item
from .working import Entry, Worker

_BLOCKS_A_WORKER = 8
_LARGEST_BLOCK = 32
"""Items that one worker takes on at once: what is done again, and found done, when a worker dies."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where the items are done, and by how many."""

    address: str | None = None
    """Of a running cluster; None for the one of the environment, or one on this machine."""
    workers: int = 0
    """0 for as many as the cluster has room for."""
    cpus: float = 2
    """Cores a worker."""
    gpus: float = 0
    """GPUs a worker; a part of one lets several share it."""


def run_on_ray(items: Sequence[Item], worker: Worker, cluster: Cluster) -> Iterator[Entry]:
    """The items' entries as they are done. No more is started than is taken; a worker that dies is replaced, and what
    it had begun is done by another.

    Raises SettingsError without Ray or where no worker fits, EngineError where Ray gives up.
    """
    ray = _ray()
    own = not ray.is_initialized()
    if own:
        _start(ray, cluster)
    try:
        yield from _entries(ray, items, worker, cluster)
    finally:
        if own:
            ray.shutdown()


def _start(ray: ModuleType, cluster: Cluster) -> None:
    try:
        ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
    except (ValueError, ConnectionError) as error:
        raise SettingsError(f"--ray {quoted(cluster.address)}: {excerpt(error)}") from error


def _entries(ray: ModuleType, items: Sequence[Item], worker: Worker, cluster: Cluster) -> Iterator[Entry]:
    workers = cluster.workers or _room(ray.cluster_resources(), cluster)
    blocks = min(len(items), max(workers * _BLOCKS_A_WORKER, -(-len(items) // _LARGEST_BLOCK)))
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.WARNING)
    rows = ray.data.from_items([{"item": item.json()} for item in items], override_num_blocks=blocks)
    done = rows.map(
        _Actor,
        fn_constructor_args=[worker],
        compute=ray.data.ActorPoolStrategy(size=min(workers, len(items))),
        num_cpus=cluster.cpus,
        num_gpus=cluster.gpus,
    )
    try:
        for row in done.iter_rows():
            yield json.loads(row["entry"])
    except ray.exceptions.RayError as error:
        raise EngineError(f"Ray ended the batch: {excerpt(''.join(str(error).splitlines()[-1:]))}") from error


class _Actor:
    """A worker in its own process: its models stay open from item to item."""

    def __init__(self, worker: Worker) -> None:
        self._work = worker.opened()

    def __call__(self, row: dict[str, str]) -> dict[str, str]:
        return {"entry": json.dumps(self._work(Item.of_json(row["item"])))}


def _room(resources: dict[str, float], cluster: Cluster) -> int:
    room = [resources.get("CPU", 0) / cluster.cpus]
    if cluster.gpus:
        room.append(resources.get("GPU", 0) / cluster.gpus)
    if min(room) < 1:
        raise SettingsError(
            f"no worker of {cluster.cpus:g} cores and {cluster.gpus:g} GPUs fits: Ray has {resources.get('CPU', 0):g} "
            f"cores and {resources.get('GPU', 0):g} GPUs"
        )
    return int(min(room))


def _ray() -> ModuleType:
    try:
        import_module("ray.data")
        return import_module("ray")
    except ImportError as error:
        raise SettingsError(f"Ray can't be imported ({error}): pip install 'multifaceswap[ray]'") from error
