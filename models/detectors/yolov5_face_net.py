"""The YOLOv5-face networks n and l, written from their layer lists; submodules are named as the weights are."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

_STRIDES = (8, 16, 32)
_ANCHORS = 3
_OUTPUTS = 16
"""A row: x, y, width, height, objectness, five landmarks, class score."""


class Conv(nn.Module):
    """Convolution, batch normalisation, SiLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.act = nn.SiLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.bn(self.conv(x)))


class Stem(nn.Module):
    """A quarter of the size, by a convolution and a pooling side by side."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.stem_1 = Conv(3, outputs, 3, 2)
        self.stem_2a = Conv(outputs, outputs // 2)
        self.stem_2b = Conv(outputs // 2, outputs, 3, 2)
        self.stem_2p = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.stem_3 = Conv(2 * outputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem_1(x)
        return self.stem_3(torch.cat([self.stem_2b(self.stem_2a(x)), self.stem_2p(x)], 1))


class Bottleneck(nn.Module):
    def __init__(self, channels: int, shortcut: bool) -> None:
        super().__init__()
        self.cv1 = Conv(channels, channels)
        self.cv2 = Conv(channels, channels, 3)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        y = self.cv2(self.cv1(x))
        return x + y if self.shortcut else y


class C3(nn.Module):
    """Bottlenecks beside a plain path."""

    def __init__(self, inputs: int, outputs: int, count: int = 1, *, shortcut: bool = True) -> None:
        super().__init__()
        half = outputs // 2
        self.cv1 = Conv(inputs, half)
        self.cv2 = Conv(inputs, half)
        self.cv3 = Conv(2 * half, outputs)
        self.m = nn.Sequential(*(Bottleneck(half, shortcut) for _ in range(count)))

    def forward(self, x: Tensor) -> Tensor:
        return self.cv3(torch.cat([self.m(self.cv1(x)), self.cv2(x)], 1))


class Pyramid(nn.Module):
    """Poolings of several widths side by side (SPP)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.cv1 = Conv(channels, channels // 2)
        self.cv2 = Conv(channels * 2, channels)
        self.m = nn.ModuleList(nn.MaxPool2d(width, 1, width // 2) for width in (3, 5, 7))

    def forward(self, x: Tensor) -> Tensor:
        x = self.cv1(x)
        return self.cv2(torch.cat([x, *(pool(x) for pool in self.m)], 1))


class Shuffle(nn.Module):
    """ShuffleNet v2's unit (Ma et al., 2018) with SiLU; with `inputs` the halving one."""

    def __init__(self, outputs: int, inputs: int | None = None) -> None:
        super().__init__()
        half, stride = outputs // 2, 1 if inputs is None else 2
        self.branch1 = nn.Sequential() if inputs is None else _narrow(inputs, half)
        self.branch2 = nn.Sequential(
            nn.Conv2d(half if inputs is None else inputs, half, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.SiLU(),
            nn.Conv2d(half, half, 3, stride, 1, groups=half, bias=False),
            nn.BatchNorm2d(half),
            nn.Conv2d(half, half, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.SiLU(),
        )
        self.halves = stride == 2

    def forward(self, x: Tensor) -> Tensor:
        if self.halves:
            parts = [self.branch1(x), self.branch2(x)]
        else:
            kept, changed = x.chunk(2, 1)
            parts = [kept, self.branch2(changed)]
        return torch.stack(parts, 2).flatten(1, 2)


def _narrow(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, 2, 1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        nn.Conv2d(inputs, outputs, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.SiLU(),
    )


class Concat(nn.Module):
    """Takes the outputs of several layers."""


class Detect(nn.Module):
    """Turns three levels of features into rows in input pixels; anchors come with the weights."""

    anchors: Tensor
    anchor_grid: Tensor

    def __init__(self, channels: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("anchors", torch.zeros(len(_STRIDES), _ANCHORS, 2))
        self.register_buffer("anchor_grid", torch.zeros(len(_STRIDES), 1, _ANCHORS, 1, 1, 2))
        self.m = nn.ModuleList(nn.Conv2d(width, _ANCHORS * _OUTPUTS, 1) for width in channels)

    def forward(self, levels: list[Tensor]) -> Tensor:
        """(N, rows, 16): by level, anchor, y, x."""
        return torch.cat([self._rows(i, self.m[i](level)) for i, level in enumerate(levels)], 1)

    def _rows(self, level: int, raw: Tensor) -> Tensor:
        count, _, height, width = raw.shape
        raw = raw.view(count, _ANCHORS, _OUTPUTS, height, width).permute(0, 1, 3, 4, 2)
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        grid = torch.stack([x, y], -1).to(raw)
        stride, anchor = _STRIDES[level], self.anchor_grid[level]
        share = raw[..., [0, 1, 2, 3, 4, 15]].sigmoid()
        middle = (share[..., :2] * 2 - 0.5 + grid) * stride
        sides = (share[..., 2:4] * 2) ** 2 * anchor
        points = [raw[..., at : at + 2] * anchor + grid * stride for at in range(5, 15, 2)]
        return torch.cat([middle, sides, share[..., 4:5], *points, share[..., 5:]], -1).flatten(1, 3)


class Layer(NamedTuple):
    """A layer and the numbers of those it takes; -1 is the one before it."""

    module: nn.Module
    sources: tuple[int, ...] = (-1,)


class YoloFace(nn.Module):
    """A list of layers, each fed by the one before it or by those it names."""

    def __init__(self, layers: list[Layer]) -> None:
        super().__init__()
        self.model = nn.ModuleList(layer.module for layer in layers)
        self.sources = [layer.sources for layer in layers]

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in [0, 1], sides that 32 divides; rows (N, rows, 16) in input pixels, see Detect."""
        outputs: list[Tensor] = []
        for module, sources in zip(self.model, self.sources, strict=True):
            taken = [outputs[source] for source in sources] if outputs else [x]
            if isinstance(module, Concat):
                outputs.append(torch.cat(taken, 1))
            else:
                outputs.append(module(taken if isinstance(module, Detect) else taken[0]))
        return outputs[-1]


class Skip(NamedTuple):
    """A layer of the body that the neck takes up again."""

    layer: int
    channels: int


def large() -> YoloFace:
    """YOLOv5l-face."""
    body = [
        Stem(64),
        C3(64, 128, 3),
        Conv(128, 256, 3, 2),
        C3(256, 256, 9),
        Conv(256, 512, 3, 2),
        C3(512, 512, 9),
        Conv(512, 1024, 3, 2),
        Pyramid(1024),
        C3(1024, 1024, 3, shortcut=False),
    ]
    return YoloFace([*map(Layer, body), *_neck(9, 1024, (256, 512, 1024), (Skip(3, 256), Skip(5, 512)), 3)])


def nano() -> YoloFace:
    """YOLOv5n-face."""
    body = [
        Stem(32),
        Shuffle(128, 32),
        nn.Sequential(*(Shuffle(128) for _ in range(3))),
        Shuffle(256, 128),
        nn.Sequential(*(Shuffle(256) for _ in range(7))),
        Shuffle(512, 256),
        nn.Sequential(*(Shuffle(512) for _ in range(3))),
    ]
    return YoloFace([*map(Layer, body), *_neck(7, 512, (128, 128, 128), (Skip(2, 128), Skip(4, 256)), 1)])


def _neck(start: int, inputs: int, widths: tuple[int, int, int], skips: tuple[Skip, Skip], count: int) -> list[Layer]:
    """From the deepest level up to the finest and down again; `start` is the number of the first layer."""
    fine, middle, deep = widths

    def stage(channels: int, outputs: int) -> Layer:
        return Layer(C3(channels, outputs, count, shortcut=False))

    return [
        Layer(Conv(inputs, middle)),
        Layer(nn.Upsample(scale_factor=2)),
        Layer(Concat(), (-1, skips[1].layer)),
        stage(middle + skips[1].channels, middle),
        Layer(Conv(middle, fine)),
        Layer(nn.Upsample(scale_factor=2)),
        Layer(Concat(), (-1, skips[0].layer)),
        stage(fine + skips[0].channels, fine),
        Layer(Conv(fine, fine, 3, 2)),
        Layer(Concat(), (-1, start + 4)),
        stage(2 * fine, middle),
        Layer(Conv(middle, middle, 3, 2)),
        Layer(Concat(), (-1, start)),
        stage(2 * middle, deep),
        Layer(Detect(widths), (start + 7, start + 10, start + 13)),
    ]
