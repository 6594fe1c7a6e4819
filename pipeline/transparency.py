"""What a picture hides under transparency: as if it lay outside the picture, whatever its colours are."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .bands import full_scale
from .geometry import inverse, transform_points
from .types import Crop, Picture, Size

_GREY = 0.5
"""What detectors see round a picture."""


def greyed(pictures: Sequence[Picture]) -> list[Picture]:
    """Pictures (H, W, C) to look for faces in: grey wherever they are wholly transparent. Alpha stays."""
    return [_filled(picture, nearest=False) for picture in pictures]


def extended(pictures: Sequence[Picture]) -> list[Picture]:
    """Pictures (H, W, C) to take faces from: wherever they are wholly transparent, the nearest colour that is seen.

    So a picture's edge is continued, too. Alpha stays.
    """
    return [_filled(picture, nearest=True) for picture in pictures]


def seen_part(crop: Crop, picture: Picture) -> Crop:
    """The crop with what the picture hides there counted as outside of it."""
    hidden = _hidden(picture)
    if hidden is None:
        return crop
    size = Size(64, 64) if crop.valid is None else Size.of(crop.valid)
    middles = ((np.arange(side) + 0.5) / side * whole for side, whole in zip(size, Size.of(crop.image), strict=True))
    columns, rows = np.meshgrid(*middles)
    points = transform_points(inverse(crop.matrix), np.stack([columns.ravel(), rows.ravel()], 1))
    x, y = np.clip(points.astype(int), 0, np.array(Size.of(picture)) - 1).T
    seen = np.where(hidden[y, x], 0, 1).reshape(columns.shape).astype(np.float32)
    return crop._replace(valid=seen if crop.valid is None else seen * crop.valid)


def _hidden(picture: Picture) -> NDArray[np.bool_] | None:
    """(H, W) where a picture is wholly transparent; None where it is so nowhere."""
    if picture.shape[2] != 4 or picture[..., 3].min(initial=1) > 0:
        return None
    hidden = picture[..., 3] <= 0
    return hidden if hidden.any() else None


def _filled(picture: Picture, *, nearest: bool) -> Picture:
    if not nearest and picture.shape[2] == 4 and not picture[..., 3].max(initial=0) > 0:
        # Nothing of it is seen: one pixel stands for all, so that an empty picture takes no memory.
        return np.broadcast_to(np.array([_grey(picture)] * 3 + [0], picture.dtype), picture.shape)
    hidden = _hidden(picture)
    if hidden is None:
        return picture
    filled = picture.copy()
    if nearest and not hidden.all():
        filled[hidden, :3] = picture.reshape(-1, 4)[_nearest_seen(hidden), :3]
    else:
        np.copyto(filled[..., :3], _grey(picture), where=hidden[..., None])
    return filled


def _grey(picture: Picture) -> Picture:
    return np.asarray(_GREY * full_scale(picture)).astype(picture.dtype)


def _nearest_seen(hidden: NDArray[np.bool_]) -> NDArray[np.intp]:
    """For each hidden pixel, row by row, where the nearest one lies that is seen, in the flat picture."""
    # Every pixel that is seen has a label of its own, and every hidden one that of the nearest of them.
    found = cv2.distanceTransformWithLabels(
        hidden.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    labels = np.asarray(found[1], np.intp)
    places = np.zeros(int(labels.max()) + 1, np.intp)
    places[labels[~hidden]] = np.flatnonzero(~hidden)
    return places[labels[hidden]]
