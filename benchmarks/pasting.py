"""Paste-back of swapped faces: against insightface's INSwapper, and the least that a paste can do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from multifaceswap.pipeline import templates
from multifaceswap.pipeline.compose.masks import oval_mask
from multifaceswap.pipeline.compose.paste import paste
from multifaceswap.pipeline.geometry import Region, bounds, corners, inverse, shifted, transform_points
from multifaceswap.pipeline.types import Matrix, Size

from . import peers
from .timing import Row, compare

FRAMES = {"512": Size(512, 512), "1080p": Size(1920, 1080), "4K": Size(3840, 2160)}
SWAPS = (("512", 200, None), ("1080p", 246, 40), ("4K", 493, 60), ("4K", 1110, None))
"""Frame, side of the face's square in pixels, and the goal."""
_TILT = np.deg2rad(8)


def picture(size: Size, seed: int = 0) -> Any:
    """(H, W, 3) uint8 of slow colours and some noise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: size.height, : size.width]
    waves = np.stack([np.sin(x / 97 + y / 213), np.cos(y / 119), np.sin(x / 71)], 2) * 90 + 128
    return np.clip(waves + random.normal(0, 8, waves.shape), 0, 255).astype(np.uint8)


def placed(size: Size, side: float, crop: int, centre: tuple[float, float] = (0.5, 0.5)) -> Matrix:
    """(2, 3) from a picture to a crop, half-pixel coordinates, for a square of `side` pixels, a little tilted."""
    scale = crop / side
    linear = scale * np.array([[np.cos(_TILT), -np.sin(_TILT)], [np.sin(_TILT), np.cos(_TILT)]])
    middle = np.array(size) * centre
    return np.hstack([linear, (crop / 2 - linear @ middle)[:, None]])


def landmarks(matrix: Matrix, crop: int) -> Any:
    """(5, 2) points in the picture that give this crop, counted from pixel middles as the peers do."""
    return transform_points(inverse(shifted(matrix, 0.5, -0.5)), templates.arcface(crop).template * crop)


def rows(inswapper: Any) -> Iterator[Row]:
    """`inswapper` is insightface's; its network is not run."""
    for name, side, least in SWAPS:
        yield from _swap_rows(inswapper, name, side, least)


def _swap_rows(inswapper: Any, name: str, side: int, least: float | None) -> Iterator[Row]:
    frame, matrix = picture(FRAMES[name]), placed(FRAMES[name], side, 128)
    face = np.random.default_rng(1).random((1, 3, 128, 128), np.float32)
    image, mask, out = np.ascontiguousarray(face[0].transpose(1, 2, 0)), oval_mask(128), frame.copy()
    theirs = peers.InSwapper.of(inswapper, frame, landmarks(matrix, 128), returned=face)

    def ours() -> None:
        paste(out, image, mask, matrix)

    mine, whole = compare(ours, theirs.get, seconds=2)
    _, crop = compare(ours, lambda: theirs.get(paste_back=False), seconds=0.2)
    what = f"paste a {side}-pixel face, {name}"
    yield Row(what, mine, "insightface", whole - crop, least=least)
    floats = out.astype(np.float32) / 255
    region = _region(matrix, mask, Size.of(frame))
    pixel_matrix = shifted(matrix, 0.5, -0.5)
    mine, leanest = compare(
        lambda: paste(floats, image, mask, matrix),
        lambda: peers.warp_and_blend(floats, image, mask, pixel_matrix, region),
        seconds=0.5,
    )
    yield Row(f"{what}, IMAGE", mine, "warp and blend alone", leanest, least=1 / 3)


def _region(matrix: Matrix, mask: Any, size: Size) -> Region:
    rows, columns = np.nonzero(mask)
    used = Region(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    return bounds(transform_points(inverse(matrix), corners(used))).within(size)
