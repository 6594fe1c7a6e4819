"""What of a picture is saved with a face: all that engines look at, and no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import cv2
import numpy as np

from ...media.pictures import to_uint8
from ...pipeline.geometry import Region, align, bounds, corners, inverse, transform_mesh, transform_points
from ...pipeline.templates import TEMPLATES
from ...pipeline.transparency import extended
from ...pipeline.types import CropSpec, Face, FloatArray, Matrix, Picture, Size
from .person import Pixels

LONGEST: Final = 1024
"""Pixels of the longer side; what is larger is made smaller."""
_MARGIN: Final = 0.08
"""Of the longer side, round the crops of all alignments: what filters read beyond them."""


class Cut(NamedTuple):
    picture: Pixels
    face: Face
    """With its places in that picture."""


def cut(picture: Picture, face: Face) -> Cut:
    """The part of a picture (H, W, C), in sRGB, that holds the face with its mesh, and every crop that engines make of
    it; pixels as they are, unless there are too many. Never larger than it is."""
    size = Size.of(picture)
    region = _region(face).within(size)
    region = Region(0, 0, *size) if region.empty else region
    rows, columns = region.slices
    part = to_uint8(_coloured(extended([picture])[0])[rows, columns])
    shown = _bounded(part)
    scale = Size.of(shown).width / region.size.width, Size.of(shown).height / region.size.height
    matrix = np.array([[scale[0], 0, -region.left * scale[0]], [0, scale[1], -region.top * scale[1]]])
    return Cut(np.ascontiguousarray(shown, np.uint8), moved(face, matrix))


def moved(face: Face, matrix: Matrix) -> Face:
    """The face where a matrix without a turn leads it."""
    box = transform_points(matrix, face.box.reshape(2, 2)).ravel()
    mesh = None if face.mesh is None else transform_mesh(matrix, face.mesh)
    return replace(face, box=box, landmarks=transform_points(matrix, face.landmarks), mesh=mesh)


def _region(face: Face) -> Region:
    around = bounds(np.concatenate(list(_points(face))))
    return around.grown(int(max(around.size) * _MARGIN) + 4)


def _points(face: Face) -> Iterator[FloatArray]:
    yield face.box.reshape(2, 2)
    if face.mesh is not None:
        yield face.mesh[:, :2]
    for template in TEMPLATES.values():
        matrix, size = align(face, CropSpec(template, 512))
        yield transform_points(inverse(matrix), corners(Region(0, 0, *size)))


def _coloured(picture: Picture) -> Picture:
    """Without alpha, and with three channels."""
    return np.repeat(picture, 3, axis=2) if picture.shape[2] == 1 else picture[..., :3]


def _bounded(picture: Picture) -> Picture:
    longer = max(picture.shape[:2])
    if longer <= LONGEST:
        return picture
    width, height = (max(round(side * LONGEST / longer), 1) for side in Size.of(picture))
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))
