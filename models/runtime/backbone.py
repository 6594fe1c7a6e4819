"""Bodies of networks that several adapters share: torchvision's ResNets, which give what their layers see."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torchvision import models

_HEAD = ("avgpool", "fc")


class Levels(nn.ModuleDict):
    """Steps that run in their order; what some of them give is the result."""

    def __init__(self, steps: nn.Module, wanted: Sequence[str], without: Sequence[str] = ()) -> None:
        """The children of `steps` but for those `without`, under their own names, as weight files name them."""
        super().__init__({name: child for name, child in steps.named_children() if name not in without})
        self._wanted = tuple(wanted)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, C, H, W) what the wanted steps give, in their order."""
        found: list[Tensor] = []
        for name, step in self.items():
            x = step(x)
            if name in self._wanted:
                found.append(x)
        return found


def resnet(build: Callable[[], nn.Module]) -> Levels:
    """A ResNet of torchvision without weights and head; gives its levels at an eighth, 16th and 32nd of the size."""
    return Levels(build(), ("layer2", "layer3", "layer4"), _HEAD)


def resnet18() -> Levels:
    return resnet(lambda: models.resnet18(weights=None))


def resnet50() -> Levels:
    return resnet(lambda: models.resnet50(weights=None))
