"""Opens the built-in engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...pipeline.types import Interpolation
from ..catalog import Model
from ..embedders.arcface import ArcFace
from ..runtime.registry import SessionRegistry
from .mesh.engine import MeshSwapper
from .mesh.topology import Topology
from .network import SwapNetwork
from .neural import NeuralSwapper


def mesh(
    _row: Model,
    paths: Sequence[Path],
    _registry: SessionRegistry,
    *,
    mirror: bool = True,
    interpolation: Interpolation = "Bicubic",
) -> MeshSwapper:
    """Options: see MeshSwapper. Runs on the CPU whatever the device."""
    with np.load(paths[0], allow_pickle=False) as arrays:
        topology = Topology.of(arrays["xyz"], arrays["tri"])
    return MeshSwapper(topology, mirror=mirror, interpolation=interpolation)


def neural(row: Model, paths: Sequence[Path], registry: SessionRegistry, *, pixel_boost: int = 0) -> NeuralSwapper:
    """Options: see NeuralSwapper. Facts: `size`, `mean` and `std` of the network, `map` where its file holds one, and
    the `embedder` whose identities it takes."""
    swapper, arcface = (registry.session(path) for path in paths)
    network = SwapNetwork.of(swapper, row.params["size"], row.params.get("mean", 0.0), row.params.get("std", 1.0))
    embedder = ArcFace(arcface, row.params["embedder"])
    return NeuralSwapper(network, embedder, maps=row.params.get("map", False), pixel_boost=pixel_boost)
