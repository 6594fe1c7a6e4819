"""Opens the detectors and the mesh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...pipeline.errors import SettingsError
from ..catalog import Model
from ..runtime.registry import SessionRegistry
from . import retinaface as retina
from . import yolov5_face as yolo
from .blazeface import BlazeFace
from .builtin import BuiltinDetector
from .facemesh import FaceMesh
from .scan import Network, ScanningDetector
from .scrfd import ScrfdNetwork

if TYPE_CHECKING:
    from torch import nn

    from ..runtime.torch import TorchNetwork

_SMALLEST_SIZE = 32


def builtin(
    _row: Model,
    paths: Sequence[Path],
    registry: SessionRegistry,
    *,
    confidence: float = 0.5,
    turns: bool = False,
    tiles: bool = True,
    min_size: float = 16,
) -> BuiltinDetector:
    """Options: see BuiltinDetector."""
    # Many small looks: side by side on one thread each they take less time than one by one on all.
    blazeface, facemesh = registry.session(paths[0], threads=1), registry.session(paths[1])
    return BuiltinDetector(
        BlazeFace(blazeface), FaceMesh(facemesh), confidence=confidence, turns=turns, tiles=tiles, min_size=min_size
    )


def facemesh(_row: Model, paths: Sequence[Path], registry: SessionRegistry) -> FaceMesh:
    return FaceMesh(registry.session(paths[0]))


def retinaface(
    row: Model, paths: Sequence[Path], registry: SessionRegistry, *, size: int | None = None, **options: Any
) -> ScanningDetector:
    """`size` bounds the longer side of what the network sees, in pixels; other options: see ScanningDetector."""
    network = _torch(row, paths[0], retina.build, registry)
    return _scanning(row, retina.RetinaFaceNetwork(network, _side(row, size)), options)


def yolov5_face(
    row: Model, paths: Sequence[Path], registry: SessionRegistry, *, size: int | None = None, **options: Any
) -> ScanningDetector:
    """Options: as of `retinaface`."""
    network = _torch(row, paths[0], yolo.build, registry)
    return _scanning(row, yolo.YoloFaceNetwork(network, _side(row, size)), options)


def scrfd(
    row: Model, paths: Sequence[Path], registry: SessionRegistry, *, size: int | None = None, **options: Any
) -> ScanningDetector:
    """Options: as of `retinaface`."""
    network = ScrfdNetwork(registry.session(paths[0]), None if size is None else _side(row, size))
    network.check()
    return _scanning(row, network, options)


def _torch(row: Model, path: Path, build: Callable[[str], nn.Module], registry: SessionRegistry) -> TorchNetwork:
    network = registry.torch(path, partial(build, row.params["variant"]), row.name)
    network.open()
    return network


def _side(row: Model, size: int | None) -> int:
    side = row.params["size"] if size is None else size
    if side < _SMALLEST_SIZE:
        raise SettingsError(f"size: expected {_SMALLEST_SIZE} or more, got {side}")
    return side


def _scanning(row: Model, network: Network, options: dict[str, Any]) -> ScanningDetector:
    return ScanningDetector(network, **{"confidence": row.params["confidence"], **options})
