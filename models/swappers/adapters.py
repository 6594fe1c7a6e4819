"""Opens the built-in engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...pipeline.topology import Topology
from ...pipeline.types import Interpolation
from ..catalog import Model
from .mesh import MeshSwapper


def mesh(
    _row: Model,
    paths: Sequence[Path],
    _device: str,
    *,
    mirror: bool = True,
    interpolation: Interpolation = "Bicubic",
) -> MeshSwapper:
    """Options: see MeshSwapper. Runs on the CPU whatever the device."""
    with np.load(paths[0], allow_pickle=False) as arrays:
        topology = Topology.of(arrays["xyz"], arrays["tri"])
    return MeshSwapper(topology, mirror=mirror, interpolation=interpolation)
