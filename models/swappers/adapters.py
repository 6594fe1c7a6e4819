"""Opens the built-in engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ...pipeline.templates import TEMPLATES
from ...pipeline.types import DEFAULT_INTERPOLATION, Average, CropSpec, Glasses, Interpolation, SkinTone
from ..embedders.arcface import ArcFace
from ..runtime.registry import SessionRegistry
from ..runtime.signature import require_ports
from ..spec import Alignment, Model, SwapperParams
from .mesh.engine import MeshSwapper
from .mesh.topology import Topology
from .network import IDENTITY, SwapNetwork
from .neural import NeuralSwapper
from .sources import IdentitySource, PictureSource, Source


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


def neural(
    row: Model, paths: Sequence[Path], registry: SessionRegistry, *, pixel_boost: int = 0, average: Average = "mean"
) -> NeuralSwapper:
    """Options: see NeuralSwapper and IdentitySource. Raises DamagedModelError where a file holds no such network."""
    known = row.params_of(SwapperParams)
    if known.crop is None:
        raise TypeError(f"the row of {row.name} has no crop")
    shape = (IDENTITY,) if known.donor is None else (3, known.donor.size, known.donor.size)
    network = SwapNetwork.of(registry.session(paths[0]), known.crop.size, known.takes, known.gives, shape)
    source = _source(known, network, paths[1:], registry, average)
    return NeuralSwapper(network, source, _spec(known.crop), pixel_boost=pixel_boost)


def _source(
    known: SwapperParams, network: SwapNetwork, paths: Sequence[Path], registry: SessionRegistry, average: Average
) -> Source:
    if known.donor is not None:
        return PictureSource(_spec(known.donor))
    arcface, *converters = paths
    for path in converters:
        require_ports(path, "a converter of identities", [(None, IDENTITY)], [(None, IDENTITY)])
    converter = registry.session(converters[0]) if converters else None
    embedder = ArcFace(registry.session(arcface), known.embedder)
    return IdentitySource(network, embedder, known.identity or "unit", converter, average)


def _spec(alignment: Alignment) -> CropSpec:
    return CropSpec(TEMPLATES[alignment.template], alignment.size)
