"""Opens the built-in engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...pipeline.types import DEFAULT_INTERPOLATION, Glasses, Interpolation, SkinTone
from ..embedders.arcface import ArcFace
from ..runtime.registry import SessionRegistry
from ..spec import Model, SwapperParams
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
    interpolation: Interpolation = DEFAULT_INTERPOLATION,
    skin_tone: SkinTone = "target",
    glasses: Glasses = "donor",
) -> MeshSwapper:
    """Options: see MeshSwapper. Runs on the CPU whatever the device."""
    with np.load(paths[0], allow_pickle=False) as arrays:
        topology = Topology.of(arrays["xyz"], arrays["tri"])
    return MeshSwapper(topology, mirror=mirror, interpolation=interpolation, skin_tone=skin_tone, glasses=glasses)


def neural(row: Model, paths: Sequence[Path], registry: SessionRegistry, *, pixel_boost: int = 0) -> NeuralSwapper:
    """Options: see NeuralSwapper. Raises DamagedModelError where the file holds no such network."""
    known = row.params_of(SwapperParams)
    swapper, arcface = (registry.session(path) for path in paths)
    network = SwapNetwork.of(swapper, known.size, known.mean, known.std)
    return NeuralSwapper(network, ArcFace(arcface, known.embedder), maps=known.map, pixel_boost=pixel_boost)
