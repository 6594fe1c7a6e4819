"""Opens the detectors and the mesh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from ...pipeline.errors import SettingsError
from ..runtime.registry import SessionRegistry
from ..spec import DetectorParams, Model
from . import retinaface as retina
from . import yolov5_face as yolo
from .blazeface import BlazeFace
from .builtin import BuiltinDetector
from .facemesh import FaceMesh
from .scan import Network, ScanningDetector
from .scrfd import ScrfdNetwork
from .yolov8_face import Yolo8FaceNetwork
from .yunet import YuNetNetwork

if TYPE_CHECKING:
    from torch import nn
    from typing_extensions import Unpack

    from ..runtime.torch import TorchNetwork

_SMALLEST_SIZE = 32
_ALONE = 1
"""Threads a run: many small looks side by side take less time than one by one on all."""


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
    return BuiltinDetector(
        BlazeFace(registry.session(paths[0], threads=_ALONE)),
        FaceMesh(registry.session(paths[1], threads=_ALONE)),
        confidence=confidence,
        turns=turns,
        tiles=tiles,
        min_size=min_size,
    )


def facemesh(_row: Model, paths: Sequence[Path], registry: SessionRegistry) -> FaceMesh:
    return FaceMesh(registry.session(paths[0], threads=_ALONE))


class ScanOptions(TypedDict, total=False):
    """Options of the published detectors: see ScanningDetector."""

    confidence: float
    tiles: bool
    turns: bool
    min_size: float


def retinaface(
    row: Model, paths: Sequence[Path], registry: SessionRegistry, *, size: int = 0, **options: Unpack[ScanOptions]
) -> ScanningDetector:
    """`size` bounds the longer side of what the network sees, in pixels (0: as its project runs it).

    Raises DamagedModelError for another network's file, SettingsError for a size too small.
    """
    network = _torch(row, paths[0], retina.build, registry)
    return _scanning(row, retina.RetinaFaceNetwork(network, _side(row, size)), options)


def yolov5_face(
    row: Model, paths: Sequence[Path], registry: SessionRegistry, *, size: int = 0, **options: Unpack[ScanOptions]
) -> ScanningDetector:
    """Options and errors are those of `retinaface`."""
    network = _torch(row, paths[0], yolo.build, registry)
    return _scanning(row, yolo.YoloFaceNetwork(network, _side(row, size)), options)


def scrfd(
    row: Model, paths: Sequence[Path], registry: SessionRegistry, *, size: int = 0, **options: Unpack[ScanOptions]
) -> ScanningDetector:
    """Options and errors are those of `retinaface`."""
    network = ScrfdNetwork(registry.session(paths[0]), _side(row, size) if size else None)
    network.check()
    return _scanning(row, network, options)


def yunet(
    row: Model, paths: Sequence[Path], registry: SessionRegistry, *, size: int = 0, **options: Unpack[ScanOptions]
) -> ScanningDetector:
    """Options and errors are those of `retinaface`."""
    network = YuNetNetwork(registry.session(paths[0]), _side(row, 0), _side(row, size) if size else None)
    network.check()
    return _scanning(row, network, options)


def yolov8_face(
    row: Model, paths: Sequence[Path], registry: SessionRegistry, *, size: int = 0, **options: Unpack[ScanOptions]
) -> ScanningDetector:
    """Options and errors are those of `retinaface`."""
    network = Yolo8FaceNetwork(registry.session(paths[0]), _side(row, 0), _side(row, size) if size else None)
    network.check()
    return _scanning(row, network, options)


def _torch(row: Model, path: Path, build: Callable[[str], nn.Module], registry: SessionRegistry) -> TorchNetwork:
    network = registry.torch(path, partial(build, row.params_of(DetectorParams).variant), row.name)
    network.open()
    return network


def _side(row: Model, size: int) -> int:
    side = size or row.params_of(DetectorParams).size
    if side < _SMALLEST_SIZE:
        raise SettingsError(f"detection_size: expected {_SMALLEST_SIZE} or more, got {side}")
    return side


def _scanning(row: Model, network: Network, options: ScanOptions) -> ScanningDetector:
    return ScanningDetector(
        network,
        confidence=options.get("confidence", row.params_of(DetectorParams).confidence),
        tiles=options.get("tiles", False),
        turns=options.get("turns", False),
        min_size=options.get("min_size", 0),
    )
