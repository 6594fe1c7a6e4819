"""The RetinaFace networks (Deng et al., 2019), from their layer lists; submodules are named as the weights are."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..runtime.backbone import Levels, resnet50

_PRIORS = 2
"""A cell."""
_SLOPE = 0.1
"""Of the leaky rectifiers of narrow networks; wide ones cut off at 0."""
_NARROW = 64


def _slope(channels: int) -> float:
    return _SLOPE if channels <= _NARROW else 0


def _convolution(inputs: int, outputs: int, kernel: int, slope: float | None) -> nn.Sequential:
    """Convolution, batch normalisation and, with a slope, a leaky rectifier."""
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)]
    layers.append(nn.BatchNorm2d(outputs))
    return nn.Sequential(*layers, *([] if slope is None else [nn.LeakyReLU(slope)]))


class Pyramid(nn.Module):
    """Three levels of equal width, the finer ones with what the coarser ones see (FPN)."""

    def __init__(self, inputs: tuple[int, int, int], outputs: int) -> None:
        super().__init__()
        slope = _slope(outputs)
        self.output1, self.output2, self.output3 = (_convolution(width, outputs, 1, slope) for width in inputs)
        self.merge1, self.merge2 = (_convolution(outputs, outputs, 3, slope) for _ in range(2))

    def forward(self, levels: list[Tensor]) -> list[Tensor]:
        fine, middle, coarse = self.output1(levels[0]), self.output2(levels[1]), self.output3(levels[2])
        middle = self.merge2(middle + functional.interpolate(coarse, size=middle.shape[2:], mode="nearest"))
        fine = self.merge1(fine + functional.interpolate(middle, size=fine.shape[2:], mode="nearest"))
        return [fine, middle, coarse]


class Context(nn.Module):
    """Views of three widths side by side (SSH)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half, quarter, slope = channels // 2, channels // 4, _slope(channels)
        self.conv3X3 = _convolution(channels, half, 3, None)
        self.conv5X5_1 = _convolution(channels, quarter, 3, slope)
        self.conv5X5_2 = _convolution(quarter, quarter, 3, None)
        self.conv7X7_2 = _convolution(quarter, quarter, 3, slope)
        self.conv7x7_3 = _convolution(quarter, quarter, 3, None)

    def forward(self, x: Tensor) -> Tensor:
        wider = self.conv5X5_1(x)
        views = [self.conv3X3(x), self.conv5X5_2(wider), self.conv7x7_3(self.conv7X7_2(wider))]
        return torch.cat(views, 1).relu()


class Head(nn.Module):
    """So many numbers a prior."""

    def __init__(self, channels: int, numbers: int) -> None:
        super().__init__()
        self.conv1x1 = nn.Conv2d(channels, _PRIORS * numbers, 1)
        self._numbers = numbers

    def forward(self, x: Tensor) -> Tensor:
        """(N, priors, numbers): by row, column, prior."""
        return self.conv1x1(x).permute(0, 2, 3, 1).reshape(len(x), -1, self._numbers)


class RetinaFace(nn.Module):
    """A body whose levels each look for faces."""

    def __init__(self, body: Levels, inputs: tuple[int, int, int], channels: int) -> None:
        super().__init__()
        self.body = body
        self.fpn = Pyramid(inputs, channels)
        self.ssh1, self.ssh2, self.ssh3 = (Context(channels) for _ in range(3))
        self.ClassHead, self.BboxHead, self.LandmarkHead = (
            nn.ModuleList(Head(channels, numbers) for _ in range(3)) for numbers in (2, 4, 10)
        )

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, 3, H, W) BGR less its mean; boxes (N, P, 4), scores (N, P, 2) and landmarks (N, P, 10) by prior."""
        contexts = (self.ssh1, self.ssh2, self.ssh3)
        levels = [context(level) for context, level in zip(contexts, self.fpn(self.body(x)), strict=True)]
        boxes, scores, points = (
            torch.cat([head(level) for head, level in zip(heads, levels, strict=True)], 1)
            for heads in (self.BboxHead, self.ClassHead, self.LandmarkHead)
        )
        return boxes, scores.softmax(-1), points


def _separable(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """A convolution a channel, then one over the channels (MobileNet)."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.LeakyReLU(_SLOPE),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(_SLOPE),
    )


def _stage(widths: tuple[int, ...], strides: tuple[int, ...]) -> list[nn.Module]:
    return [_separable(*pair, stride) for pair, stride in zip(pairwise(widths), strides, strict=True)]


def mobile() -> RetinaFace:
    """On MobileNet v1 of a quarter of its width."""
    first = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.LeakyReLU(_SLOPE))
    stages = {
        "stage1": nn.Sequential(first, *_stage((8, 16, 32, 32, 64, 64), (1, 2, 1, 2, 1))),
        "stage2": nn.Sequential(*_stage((64, 128, 128, 128, 128, 128, 128), (2, 1, 1, 1, 1, 1))),
        "stage3": nn.Sequential(*_stage((128, 256, 256), (2, 1))),
    }
    return RetinaFace(Levels(nn.ModuleDict(stages), tuple(stages)), (64, 128, 256), 64)


def large() -> RetinaFace:
    """On ResNet-50."""
    return RetinaFace(resnet50(), (512, 1024, 2048), 256)
