"""The torch networks that restore faces: how a weight file tells which one it holds, and how each is run.

All take and give (N, 3, 512, 512) RGB in [-1, 1]. The networks' classes are those of spandrel (MIT) and, for
CodeFormer, of spandrel_extra_arches, which size them by the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...pipeline.errors import DamagedModelError
from ...pipeline.quotes import excerpt, listed, named
from ..runtime.checkpoints import load_state
from ..runtime.registry import MemoryHook
from ..runtime.torch import TorchNetwork

if TYPE_CHECKING:
    from torch import nn

SIZE: Final = 512
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Architecture:
    """One kind of network."""

    name: str
    """As spandrel names it."""
    signature: tuple[str, ...]
    """Names of weights that it has, and that no other network has together."""
    arguments: Callable[[float], dict[str, float]]
    """What it is called with beside the pictures, for a weight in [0, 1]."""
    fidelity: bool = False
    """Whether it takes the weight itself, as fidelity to what it is given."""
    half: bool = False
    """Whether bfloat16 is precise enough. Networks that look codes up in a book take other codes then: measured on
    random weights, 0.12 (CodeFormer) and 0.35 (RestoreFormer) mean difference in [-1, 1], beside 0.008 for GFPGAN."""


ARCHITECTURES: Final = (
    Architecture(
        "GFPGAN",
        ("toRGB.0.weight", "stylegan_decoder.style_mlp.1.weight", "conv_body_first.weight"),
        # With its noise the same face would look different on every run.
        lambda _weight: {"randomize_noise": False, "return_rgb": False},
        half=True,
    ),
    Architecture(
        "CodeFormer",
        ("position_emb", "idx_pred_layer.1.weight", "quantize.embedding.weight", "encoder.blocks.0.weight"),
        lambda weight: {"weight": weight},
        fidelity=True,
    ),
    Architecture(
        "RestoreFormer",
        ("quantize.embedding.weight", "encoder.conv_in.weight", "quant_conv.weight", "decoder.conv_out.weight"),
        lambda _weight: {},
    ),
)


def recognise(names: Collection[str]) -> Architecture | None:
    """Which network has weights of these names; None for any other."""
    found = set(names)
    return next((arch for arch in ARCHITECTURES if found.issuperset(arch.signature)), None)


class SpandrelNetwork(TorchNetwork):
    """A restoration network whose class and sizes follow from its weight file."""

    def __init__(self, path: Path, device: str = "cpu", memory_hook: MemoryHook | None = None) -> None:
        super().__init__(path, partial(_filled, path), device, what=path.name, memory_hook=memory_hook)

    def _load(self) -> nn.Module:
        return self._build()


def _filled(path: Path) -> nn.Module:
    from spandrel import MAIN_REGISTRY
    from spandrel_extra_arches import EXTRA_REGISTRY

    state = load_state(path)
    architecture = recognise(state)
    if architecture is None:
        raise DamagedModelError(f"{named(path)} holds no known restorer, but {listed(list(state)[:_SHOWN])}, …")
    support = MAIN_REGISTRY.get(architecture.name) or EXTRA_REGISTRY[architecture.name]
    try:
        return support.architecture.load(state).model
    except (RuntimeError, KeyError, IndexError) as error:
        raise DamagedModelError(
            f"{named(path)} holds another network than {architecture.name}: {excerpt(error)}"
        ) from error
