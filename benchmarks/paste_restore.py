"""Restoration but for the network: against facexlib's helper, as `python -m benchmarks.paste_restore`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import numpy as np
from multifaceswap.pipeline.masks import square_mask
from multifaceswap.pipeline.paste import paste
from multifaceswap.pipeline.restore import RestoreSettings, cut_face, restore_batch
from multifaceswap.pipeline.templates import FFHQ_512
from multifaceswap.pipeline.types import CropSpec, Face, FaceSet, FloatArray, Size

from .timing import Row, compare

FRAMES = {"1080p": Size(1920, 1080), "4K": Size(3840, 2160)}
COUNTS = (1, 6)
GOALS = {("4K", 6): 20.0}
_SIDE = 0.4
"""Of a face's square, in heights of the picture."""
_TEMPLATE = FFHQ_512.astype(np.float64) * 512


class Returned:
    """A restorer whose network takes no time: it returns what it was told to."""

    spec = CropSpec(FFHQ_512, 512)
    fidelity = False
    batch = 8

    def __init__(self, images: list[FloatArray]) -> None:
        self._images = images

    def restore(self, crops: Sequence[FloatArray], weight: float) -> list[FloatArray]:
        return self._images[: len(crops)]


def rows() -> Iterator[Row]:
    for name, size in FRAMES.items():
        for count in COUNTS:
            yield from _both(name, size, count)


def _both(name: str, size: Size, count: int) -> Iterator[Row]:
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (size.height, size.width, 3), np.uint8)
    points = _landmarks(size, count)
    restored = [random.integers(0, 256, (512, 512, 3), np.uint8) for _ in range(count)]
    restorer = Returned([image.astype(np.float32) / 255 for image in restored])
    faces = FaceSet((tuple(_face(one) for one in points),), size)
    matrices = [cut_face(picture, face, restorer, "Bilinear").matrix for face in faces.frames[0]]
    out = picture.copy()

    def ours_paste() -> None:
        for image, matrix in zip(restorer.restore(restored, 1), matrices, strict=True):
            paste(out, image, square_mask(512), matrix)

    whole = RestoreSettings()
    times = compare(ours_paste, lambda: _helper(picture, points, restored, False).paste_faces_to_input_image())
    yield Row(f"paste {count} restored face(s), {name}", times[0], "facexlib", times[1], least=GOALS.get((name, count)))
    times = compare(
        lambda: restore_batch([picture], faces, restorer, whole),
        lambda: _helper(picture, points, restored, True).paste_faces_to_input_image(),
    )
    yield Row(f"restore {count} face(s) but for the network, {name}", times[0], "facexlib", times[1])


def _landmarks(size: Size, count: int) -> list[FloatArray]:
    """Points of level faces on a grid of three columns, half-pixel coordinates."""
    columns, lines = min(count, 3), (count + 2) // 3
    side = _SIDE * size.height
    middles = [
        ((number % 3 + 0.5) / columns * size.width, (number // 3 + 0.5) / lines * size.height)
        for number in range(count)
    ]
    return [(_TEMPLATE - 256) * (side / 512) + middle for middle in middles]


def _face(points: FloatArray) -> Face:
    return Face(np.concatenate([points.min(0), points.max(0)]), points, 1.0)


def _helper(picture: Any, points: list[FloatArray], restored: list[Any], cuts: bool) -> Any:
    """facexlib's FaceRestoreHelper without its networks, its matrices found, its crops cut where `cuts`."""
    from facexlib.utils.face_restoration_helper import FaceRestoreHelper

    helper = FaceRestoreHelper.__new__(FaceRestoreHelper)
    helper.upscale_factor, helper.face_size, helper.use_parse, helper.pad_blur = 1, (512, 512), False, False
    helper.input_img, helper.restored_faces, helper.face_template = picture, restored, _TEMPLATE
    helper.all_landmarks_5, helper.cropped_faces = points, []
    helper.affine_matrices, helper.inverse_affine_matrices = [], []
    if cuts:
        helper.align_warp_face()
    else:
        fit = {"method": cv2.LMEDS}
        helper.affine_matrices = [cv2.estimateAffinePartial2D(one, _TEMPLATE, **fit)[0] for one in points]
    helper.get_inverse_affine()
    return helper


def main() -> None:
    cv2.setNumThreads(1)
    for row in rows():
        print(f"{row.name:48} {row.ours:9.1f} {row.unit}  {row.peer_name} {row.peer:9.1f}  {row.ratio:6.1f} ×")
        print(json.dumps(row.json()), flush=True)


if __name__ == "__main__":
    main()
