"""BiSeNet (Yu et al., 2018) on ResNet-18, written from its layer list; submodules are named as the weights are."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..runtime.backbone import resnet18

_WIDTH = 128


class Conv(nn.Module):
    """Convolution, batch normalisation, rectifier."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x)).relu()


class Refinement(nn.Module):
    """Weighs channels by their mean over the picture."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = Conv(inputs, outputs)
        self.conv_atten = nn.Conv2d(outputs, outputs, 1, bias=False)
        self.bn_atten = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x * self.bn_atten(self.conv_atten(_mean(x))).sigmoid()


class Context(nn.Module):
    """What the body sees: an eighth of the size as it is, and with what the coarser levels say of it."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = resnet18()
        self.arm16, self.arm32 = Refinement(256, _WIDTH), Refinement(512, _WIDTH)
        self.conv_head32, self.conv_head16 = Conv(_WIDTH, _WIDTH), Conv(_WIDTH, _WIDTH)
        self.conv_avg = Conv(512, _WIDTH, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        fine, middle, coarse = self.resnet(x)
        whole = self.arm32(coarse) + self.conv_avg(_mean(coarse))
        whole = self.conv_head32(_as_large_as(middle, whole))
        return fine, self.conv_head16(_as_large_as(fine, self.arm16(middle) + whole))


class Fusion(nn.Module):
    """Both views as one."""

    def __init__(self) -> None:
        super().__init__()
        self.convblk = Conv(2 * _WIDTH, 2 * _WIDTH, 1)
        self.conv1 = nn.Conv2d(2 * _WIDTH, _WIDTH // 2, 1, bias=False)
        self.conv2 = nn.Conv2d(_WIDTH // 2, 2 * _WIDTH, 1, bias=False)

    def forward(self, fine: Tensor, context: Tensor) -> Tensor:
        x = self.convblk(torch.cat([fine, context], 1))
        return x + x * self.conv2(self.conv1(_mean(x)).relu()).sigmoid()


class Scores(nn.Module):
    """A score a class."""

    def __init__(self, inputs: int, middle: int, classes: int) -> None:
        super().__init__()
        self.conv = Conv(inputs, middle)
        self.conv_out = nn.Conv2d(middle, classes, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_out(self.conv(x))


class BiSeNet(nn.Module):
    """Which of its classes each pixel belongs to."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.cp, self.ffm = Context(), Fusion()
        self.conv_out = Scores(2 * _WIDTH, 2 * _WIDTH, classes)
        # These two helped in training; their weights are in the files.
        self.conv_out16, self.conv_out32 = (Scores(_WIDTH, 64, classes) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) normalised RGB; (N, classes, H, W)."""
        scores = self.conv_out(self.ffm(*self.cp(x)))
        return functional.interpolate(scores, x.shape[2:], mode="bilinear", align_corners=True)


def _mean(x: Tensor) -> Tensor:
    return x.mean((2, 3), keepdim=True)


def _as_large_as(other: Tensor, x: Tensor) -> Tensor:
    return functional.interpolate(x, other.shape[2:], mode="nearest")
