"""Opens the detectors and the mesh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...pipeline.errors import SettingsError
from ..catalog import Model
from ..sharing import session, shared
from ..torch_runtime import TorchNetwork
from . import retinaface as retina
from . import yolov5_face as yolo
from .blazeface import BlazeFace
from .builtin import BuiltinDetector
from .facemesh import FaceMesh
from .scan import Network, ScanningDetector
from .scrfd import ScrfdNetwork

if TYPE_CHECKING:
    from torch import nn

_SMALLEST_SIZE = 32


def builtin(
    _row: Model,
    paths: Sequence[Path],
    device: str,
    *,
    confidence: float = 0.5,
    turns: bool = False,
    tiles: bool = True,
    min_size: float = 16,
) -> BuiltinDetector:
    """Options: see BuiltinDetector."""
    blazeface, facemesh = (session(path, device) for path in paths)
    return BuiltinDetector(
        BlazeFace(blazeface), FaceMesh(facemesh), confidence=confidence, turns=turns, tiles=tiles, min_size=min_size
    )


def facemesh(_row: Model, paths: Sequence[Path], device: str) -> FaceMesh:
    return FaceMesh(session(paths[0], device))


def retinaface(
    row: Model, paths: Sequence[Path], device: str, *, size: int | None = None, **options: Any
) -> ScanningDetector:
    """`size` bounds the longer side of what the network sees, in pixels; other options: see ScanningDetector."""
    network = _torch(row, paths[0], retina.build, device)
    return _scanning(row, retina.RetinaFaceNetwork(network, _side(row, size)), options)


def yolov5_face(
    row: Model, paths: Sequence[Path], device: str, *, size: int | None = None, **options: Any
) -> ScanningDetector:
    """Options: as of `retinaface`."""
    network = _torch(row, paths[0], yolo.build, device)
    return _scanning(row, yolo.YoloFaceNetwork(network, _side(row, size)), options)


def scrfd(
    row: Model, paths: Sequence[Path], device: str, *, size: int | None = None, **options: Any
) -> ScanningDetector:
    """Options: as of `retinaface`."""
    network = ScrfdNetwork(session(paths[0], device), None if size is None else _side(row, size))
    network.check()
    return _scanning(row, network, options)


def _torch(row: Model, path: Path, build: Callable[[str], nn.Module], device: str) -> TorchNetwork:
    build_variant = partial(build, row.facts["variant"])
    network = shared(path, device, lambda: TorchNetwork(path, build_variant, device, what=row.name))
    network.open()
    return network


def _side(row: Model, size: int | None) -> int:
    side = row.facts["size"] if size is None else size
    if side < _SMALLEST_SIZE:
        raise SettingsError(f"size: expected {_SMALLEST_SIZE} or more, got {side}")
    return side


def _scanning(row: Model, network: Network, options: dict[str, Any]) -> ScanningDetector:
    return ScanningDetector(network, **{"confidence": row.facts["confidence"], **options})
