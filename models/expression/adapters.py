"""Opens what puts a target's expression back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...pipeline.errors import DamagedModelError
from ..runtime.onnx_file import read_ports
from ..runtime.registry import SessionRegistry
from ..runtime.signature import Shape, listed, require_ports
from ..spec import Model
from .live_portrait import IMAGE, POINTS, SMALL, VOLUME, LivePortrait


def live_portrait(row: Model, paths: Sequence[Path], registry: SessionRegistry) -> LivePortrait:
    """Raises DamagedModelError for other networks' files."""
    features, motion, generator = paths
    small = (None, 3, SMALL, SMALL)
    require_ports(features, row.name, [small], [(None, *VOLUME)])
    require_ports(motion, row.name, [small], [], more_outputs=True)
    shapes = _of_one_face(motion)
    points = (None, *POINTS["motion_points"])
    require_ports(generator, row.name, [(None, *VOLUME), points, points], [(None, *IMAGE)])
    networks = registry.session(features), registry.session(motion), registry.session(generator)
    return LivePortrait(*networks, shapes)


def _of_one_face(path: Path) -> list[Shape]:
    """The shapes of the motion extractor's outputs for one face: exports differ in axes of length 1."""
    _inputs, outputs = read_ports(path)
    shapes: list[Shape] = [tuple(1 if side is None else side for side in port.shape) for port in outputs]
    if list(map(_told, shapes)) != list(map(_told, POINTS.values())):
        raise DamagedModelError(
            f"{path} holds another network than live_portrait: expected one that gives {listed([*POINTS.values()])}, "
            f"this one gives {listed([port.shape for port in outputs])}"
        )
    return shapes


def _told(shape: Shape) -> list[int | None]:
    return [side for side in shape if side != 1]
