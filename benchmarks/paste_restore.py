"""Restoration but for the network: against facexlib's FaceRestoreHelper, pasting alone and all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from multifaceswap.models.alignment import published_placement
from multifaceswap.pipeline.compose.masks import square_mask
from multifaceswap.pipeline.compose.paste import paste
from multifaceswap.pipeline.compose.restore import RestoreSettings, cut_face, restore_batch
from multifaceswap.pipeline.templates import FFHQ_512
from multifaceswap.pipeline.types import CropSpec, Face, FaceSet, FloatArray, Placement, Size

from . import peers
from .timing import Row, compare

FRAMES = {"1080p": Size(1920, 1080), "4K": Size(3840, 2160)}
COUNTS = (1, 6)
GOALS = {("4K", 6): 20.0}
"""Of pasting, by frame and number of faces."""
_SIDE = 0.4
"""Of a face's square, in heights of the picture."""


class Returned:
    """A restorer whose network takes no time: it returns what it was told to."""

    fidelity = False
    batch = 8

    def __init__(self, images: list[FloatArray]) -> None:
        self._images = images

    def place(self, face: Face) -> Placement:
        return published_placement(face, CropSpec(FFHQ_512, 512))

    def restore(self, crops: Sequence[FloatArray], weight: float) -> list[FloatArray]:
        return self._images[: len(crops)]


def rows() -> Iterator[Row]:
    for name, size in FRAMES.items():
        for count in COUNTS:
            yield from _both(name, size, count)


def _both(name: str, size: Size, count: int) -> Iterator[Row]:
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (size.height, size.width, 3), np.uint8)
    crops = [random.integers(0, 256, (512, 512, 3), np.uint8) for _ in range(count)]
    images = [crop.astype(np.float32) / 255 for crop in crops]
    points = _landmarks(size, count)
    yield _pasted(name, count, picture, points, crops, images)
    yield _whole(name, count, picture, points, crops, images)


def _pasted(name: str, count: int, picture: Any, points: list[Any], crops: list[Any], images: list[Any]) -> Row:
    matrices = [cut_face(picture, _face(one), Returned(images), "Bilinear").matrix for one in points]
    out = picture.copy()

    def ours() -> None:
        for image, matrix in zip(images, matrices, strict=True):
            paste(out, image, square_mask(512), matrix)

    cut = peers.facexlib_helper(picture, points, crops)
    cut.align_warp_face()

    def theirs() -> Any:
        cut.inverse_affine_matrices = []
        cut.get_inverse_affine()
        return cut.paste_faces_to_input_image()

    mine, other = compare(ours, theirs)
    return Row(f"paste {count} restored face(s), {name}", mine, "facexlib", other, least=GOALS.get((name, count)))


def _whole(name: str, count: int, picture: Any, points: list[Any], crops: list[Any], images: list[Any]) -> Row:
    faces = FaceSet((tuple(map(_face, points)),), Size.of(picture))

    def theirs() -> Any:
        helper = peers.facexlib_helper(picture, points, crops)
        helper.align_warp_face()
        helper.get_inverse_affine()
        return helper.paste_faces_to_input_image()

    mine, other = compare(lambda: restore_batch([picture], faces, Returned(images), RestoreSettings()), theirs)
    return Row(f"restore {count} face(s) but for the network, {name}", mine, "facexlib", other)


def _landmarks(size: Size, count: int) -> list[Any]:
    """Points (5, 2) of level faces on a grid of three columns."""
    columns, lines = min(count, 3), (count + 2) // 3
    middles = [
        ((number % 3 + 0.5) / columns * size.width, (number // 3 + 0.5) / lines * size.height)
        for number in range(count)
    ]
    return [(np.float64(FFHQ_512) - 0.5) * _SIDE * size.height + middle for middle in middles]


def _face(points: Any) -> Face:
    return Face(np.concatenate([points.min(0), points.max(0)]), points, 1.0)
