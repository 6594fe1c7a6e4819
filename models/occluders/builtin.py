"""What lies before a face, told without a model: by the face's mesh and the colours of its own skin.

Found are strands of hair that are darker than the skin, and things of a colour that the face's skin doesn't have:
coloured ones anywhere, black, grey and white ones where they hide the mouth. Hands are not: their colour is the
face's. Glasses belong to the face: the engine's `glasses` says whose.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ...pipeline.compose.chroma import LUMA
from ...pipeline.compose.lines import connected, lines_of
from ...pipeline.compose.shading import summed
from ...pipeline.faces import mesh_points as points
from ...pipeline.faces.regions import Area, dilated, filled, lip_area, skin_area
from ...pipeline.geometry import bounds, resized, transform_mesh
from ...pipeline.types import Crop, Face, FloatArray, ImageF32, Mask, Mesh, Placement, Size

_SIDE = 192
_MARGIN = 0.06
"""Of the mesh's longer side: room around it."""
_OTHER_COLOUR = 0.3
"""Least distance of red and blue, over brightness, from the skin's."""
_SPREADS = 5.0
"""The same in spreads (median absolute deviations as standard deviations), where the skin's colour varies more."""
_SPREAD = (0.03, 0.07)
"""Bounds: where much of the skin is hidden, the median deviation is that of what hides it."""
_DARK = np.float32(0.04)
"""Brightness below which chroma is mostly rounding."""
_STIFF = 1.0
"""How reluctantly the skin's chroma varies with its brightness: things of another brightness must not explain it."""
_SATURATED = 0.25
"""How much it counts that a pixel is of the skin's hue and more saturated: so are its shadows, in warm light most."""
_ROUNDS = 8
_STEP = 3
"""Of the pixels of skin every third is looked at for its colour."""
_SMALLEST = 0.01
"""Of the square of the face's width: less is a fold or noise."""
_AROUND_LIPS = 0.06
"""Of the face's width: how far lips redden what is beside them."""
_NEUTRAL = 0.35
"""How far red and blue, over brightness, are from grey at most in hair, beards, highlights, black and white things."""
_STRANGE_GREY = 0.6
"""Of the distance of other colours."""
_LIPS = 0.35
"""Share of the lips that something grey must hide: a beard doesn't."""
_ALIKE = 0.2
"""How far red and blue, over brightness, differ within one thing, and of the distance of other colours the half that
each of its pixels must be away from skin."""
_STRANGE_AT_ALL = 0.5


class BuiltinParser:
    """Tells a face's own pixels from what lies before them. Its methods raise nothing of their own."""

    needs_mesh = True
    rim = 0.015

    def place(self, face: Face) -> Placement:
        """Its mesh, upright in the picture, with a little room around; its box where it has none."""
        mesh = face.box.reshape(2, 2) if face.mesh is None else face.mesh[:, :2]
        low, high = mesh.min(0), mesh.max(0)
        margin = _MARGIN * float((high - low).max())
        region = bounds(np.stack([low - margin, high + margin]))
        scale = _SIDE / max(*region.size, 1)
        matrix = scale * np.array([[1.0, 0.0, -region.left], [0.0, 1.0, -region.top]])
        width, height = (max(round(side * scale), 1) for side in region.size)
        return Placement(matrix, Size(width, height))

    def parse(self, crops: Sequence[Crop]) -> list[Mask]:
        """(H, W) a crop, of its size: 0 where something lies before the face, 1 elsewhere. Faces without a mesh are
        taken to be bare."""
        return [_bare(crop) for crop in crops]


def _bare(crop: Crop) -> Mask:
    size = Size.of(crop.image)
    if crop.face.mesh is None:
        return np.ones((size.height, size.width), np.float32)
    image = np.clip(crop.image, 0, 1)
    mesh = transform_mesh(crop.matrix, crop.face.mesh)
    # Colours vary slowly enough for half the size.
    half = Size(max(size.width // 2, 1), max(size.height // 2, 1))
    to_half = np.array([half.width / size.width, half.height / size.height, half.width / size.width])
    things = _things(resized(image, half), mesh * to_half)
    strands = lines_of(image, mesh).strands
    return ((strands == 0) & (resized(things.astype(np.float32), size) < 0.5)).astype(np.float32)


def _things(image: ImageF32, mesh: Mesh) -> Area:
    """(h, w) 1 on what isn't of the skin's colour, with what of it lies over eyes, brows and lips."""
    size, square = Size.of(image), float(np.ptp(mesh[:, 0])) ** 2
    skin, face = skin_area(mesh, size), filled([mesh[list(points.OVAL)]], size)
    lips = lip_area(mesh, size) > 0
    strange, tint = _strangeness(image, skin)
    neutral = np.abs(tint - 1).max(2) < _NEUTRAL
    near_lips = dilated(filled([mesh[list(points.LIPS_OUTER)]], size), _AROUND_LIPS * square**0.5)
    coloured = _parts((skin > 0) & (strange > 1) & ~neutral & (near_lips == 0), _SMALLEST * square)
    grey = _parts((skin > 0) & (strange > _STRANGE_GREY) & neutral, _SMALLEST * square)
    result = np.zeros_like(face)
    for part, everywhere in (*((one, True) for one in coloured), *((one, False) for one in grey)):
        alike = np.linalg.norm(tint - np.median(tint[part], 0), axis=2) < _ALIKE
        whole = connected(face * (part | (alike & (strange > _STRANGE_AT_ALL))), [(part, 1)])
        if everywhere or (lips.any() and whole[lips].mean() > _LIPS):
            result |= whole
    return result


class _Colours(NamedTuple):
    strange: FloatArray
    """(h, w) how far a pixel's chroma is from the skin's, 1 where it can't be skin."""
    tint: FloatArray
    """(h, w, 2) red and blue over brightness."""


def _strangeness(image: ImageF32, skin: Mask) -> _Colours:
    brightness = image @ LUMA
    tint = (image[..., ::2] + _DARK) / (brightness + _DARK)[..., None]
    known = skin > 0
    if not known.any():
        return _Colours(np.zeros_like(brightness), tint)
    logs = np.log2(brightness + _DARK)
    level = logs - np.median(logs[known])
    rows = np.stack([np.ones_like(level), level, level * level], 2)
    middle = np.median(tint[known], 0)
    factors, spread = _fitted(rows[known][::_STEP], tint[known][::_STEP] - middle)
    away = tint - middle - rows @ factors
    own = (middle - 1) / max(float(np.linalg.norm(middle - 1)), 1e-6)
    away -= (1 - _SATURATED) * np.maximum(away @ own, 0)[..., None] * own
    return _Colours(np.linalg.norm(away, axis=2) / max(_OTHER_COLOUR, _SPREADS * spread), tint)


def _fitted(rows: FloatArray, wanted: FloatArray) -> tuple[FloatArray, float]:
    """(3, 2) factors of the columns of rows (N, 3) that most of `wanted` (N, 2) follows, and the spread around it."""
    ridge = len(rows) * np.diag([1e-6, _STIFF, _STIFF])
    factors: FloatArray = np.zeros((3, 2), np.float32)
    spread = _SPREAD[0]
    for _ in range(_ROUNDS):
        left = np.linalg.norm(wanted - rows @ factors, axis=1)
        spread = float(np.clip(1.4826 * np.median(left), *_SPREAD))
        weighted = rows * ((1 + (left / (2 * spread)) ** 2) ** -2)[:, None]
        factors = np.asarray(np.linalg.solve(summed(weighted, rows) + ridge, summed(weighted, wanted)), np.float32)
    return factors, spread


def _parts(area: NDArray[np.bool_], least: float) -> list[NDArray[np.bool_]]:
    """The connected parts of an area that have as many pixels, without threads a pixel wide."""
    opened = cv2.morphologyEx(area.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents(opened, connectivity=8)
    sizes = np.bincount(labels.ravel(), minlength=count)
    return [labels == number for number in range(1, count) if sizes[number] >= least]
