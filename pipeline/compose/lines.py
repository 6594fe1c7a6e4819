"""Thin dark lines over a face that come from beyond it: strands of hair, and the frames of glasses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from ..faces import mesh_points as points
from ..faces.regions import Area, dilated, eroded, filled
from ..types import FloatArray, ImageF32, Mesh, Size
from .chroma import LUMA

_GAMMA = 2.2
_FLOOR = 0.01
_THICK = 0.05
"""Of the face's width: how thick a line may be, about."""
_DARKER = (0.45, 0.9)
"""Stops by which a line is darker than what is on both sides: everywhere, and in some places."""
_SURE = 3
"""Pixels that are as much darker as the second says."""
_RIM = 0.035
"""Of the face's width: how far inwards from its outline, or from hair and hats before it, a line must begin."""
_HAIR = 1.5
"""Stops by which hair and hats are darker than skin at least."""
_SMALLEST = 0.0015
"""Of the square of the face's width: less within the face is no line but noise."""
_BESIDE = 0.008
"""Of the face's width, around eyes, brows, nose and lips: what has lines of its own."""
_TEMPLES = 0.1
"""Of the face's width: how far beyond the face glasses are looked for."""
_ARMS = (0.11, 0.05)
"""The same for how far above and below the outer corners of the eyes their arms leave it: what is dark elsewhere at the
temples is hair, and would leave a bald patch."""
_MOSTLY = 0.6
"""Share of a line that must lie where glasses do."""
_AROUND_EYES, _BELOW = 0.05, 0.03
"""Of the face's width: how far around the eyes rims lie at least, and below where glasses mostly lie at most."""
_GAP = 0.05
_LONG = 0.18
"""Of the face's width: how long a part of a frame is at least."""
_EYES = (points.EYE_LEFT_RING, points.EYE_RIGHT_RING)
_TEMPLE_LEFT, _TEMPLE_RIGHT = 162, 389
_BY_EYE_LEFT, _BY_EYE_RIGHT = 127, 356
"""Mesh points on the face's outline, at the height of the eyes, and higher up."""
_OWN_LINES = (*_EYES, points.BROW_LEFT, points.BROW_RIGHT, points.LIPS_OUTER)


class Lines(NamedTuple):
    """(h, w) each, 1 on a line, 0 elsewhere."""

    strands: Area
    glasses: Area
    """With what of them lies a little beyond the face."""


def lines_of(image: ImageF32, mesh: Mesh) -> Lines:
    """The lines in `image` (h, w, 3), RGB in [0, 1], best 150 to 250 pixels wide; `mesh` (468, 3) is in its pixels."""
    size, width = Size.of(image), float(np.ptp(mesh[:, 0]))
    stops = _stops(image)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(_THICK * width) + 1,) * 2)
    darker = np.asarray(cv2.morphologyEx(stops, cv2.MORPH_BLACKHAT, disc), np.float32)
    face = filled([mesh[list(points.OVAL)]], size)
    inner = eroded(face, _RIM * width)
    own = dilated(filled([mesh[list(one)] for one in (*_OWN_LINES, points.NOSE)], size), _BESIDE * width)
    own |= filled([mesh[list(points.BEARD)]], size)
    # Hair hangs down: what begins below is a beard, an ear or a fold.
    above = face & filled([_upper_half(mesh)], size)
    level = float(np.median(stops[inner > 0])) if inner.any() else 0.0
    within, sure = (inner, _SMALLEST * width * width), (darker > _DARKER[1], _SURE)
    found = connected((face & ~own) * (darker > _DARKER[0]), [sure, within])
    if not found.any():
        return Lines(found, found)
    hair = connected((above & ~own) * (stops < level - _HAIR), [(face & ~inner, 1)])
    beyond = face & (~inner | dilated(hair, _RIM * width))
    found = connected(found, [(beyond, 1)])
    if not found.any():
        return Lines(found, found)
    frames = _frames(found, mesh, size)
    temples = filled(_temples(mesh, width), size) * (darker > _DARKER[0])
    glasses = connected(frames | temples, [(dilated(frames, _GAP * width), 1)])
    return Lines(connected(found & ~frames, [(beyond & above, 1), within]), glasses)


def _frames(lines: Area, mesh: Mesh, size: Size) -> Area:
    """The lines that are a frame, which goes around the eyes, or an arm, between eye and ear; what else hangs together
    with them is hair."""
    width = float(np.ptp(mesh[:, 0]))
    zone = filled([mesh[list(points.GLASSES)]], size)
    lenses = dilated(filled([mesh[list(one)] for one in _EYES], size), _AROUND_EYES * width)
    rims = connected(lines, [(lenses, _SMALLEST * width * width)])
    arms = connected(lines, [(zone, 1)], share=_MOSTLY)
    frames = (rims | arms) & dilated(zone, _BELOW * width)
    return _across(frames, _LONG * width, mesh[_TEMPLE_RIGHT, :2] - mesh[_TEMPLE_LEFT, :2])


def _across(area: Area, least: float, direction: FloatArray) -> Area:
    """The connected parts of an area that reach that far in a direction (2,), in pixels."""
    rows, columns = np.nonzero(area)
    count, found = cv2.connectedComponents(area, connectivity=8)
    labels = np.asarray(found, np.intp)
    along = np.stack([columns, rows], 1) @ (direction / max(float(np.linalg.norm(direction)), 1e-6))
    parts = labels[rows, columns]
    low, high = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(low, parts, along)
    np.maximum.at(high, parts, along)
    return np.asarray(area * np.take(high - low >= least, labels), np.uint8)


def _upper_half(mesh: Mesh) -> FloatArray:
    """(4, 2) an outline around all that lies above the middle of the eyes."""
    left, right = mesh[_TEMPLE_LEFT, :2], mesh[_TEMPLE_RIGHT, :2]
    up = mesh[points.OVAL[0], :2] - (left + right) / 2
    return np.stack([left, right, right + 2 * up, left + 2 * up])


def _temples(mesh: Mesh, width: float) -> list[FloatArray]:
    """Outlines (4, 2) of where the arms of glasses leave a face of that width, on both sides, with their hinges."""
    across = mesh[_TEMPLE_RIGHT, :2] - mesh[_TEMPLE_LEFT, :2]
    outwards = _TEMPLES * width * across / max(float(np.linalg.norm(across)), 1e-6)
    up = np.array([outwards[1], -outwards[0]]) / _TEMPLES
    top, bottom = _ARMS[0] * up, -_ARMS[1] * up
    sides = (mesh[_BY_EYE_LEFT, :2], mesh[_BY_EYE_RIGHT, :2])
    return [
        np.stack([at + top - outwards, at + bottom - outwards, at + bottom + outwards, at + top + outwards])
        for at in sides
    ]


def connected(area: NDArray[np.integer], wanted: Sequence[tuple[NDArray[np.generic], float]], share: float = 0) -> Area:
    """The connected parts of an area (h, w) that have as many pixels as wanted, and that share of their own, in each of
    the others (h, w)."""
    area = np.asarray(area, np.uint8)
    places = np.flatnonzero(area)
    if not places.size:
        return np.zeros_like(area)
    count, labels = cv2.connectedComponents(area, connectivity=8)
    parts = np.asarray(np.take(labels, places), np.intp)
    sizes = np.bincount(parts, minlength=count)
    good = sizes > 0
    for other, least in wanted:
        shared = np.bincount(parts, np.take(other, places) != 0, count)
        good &= shared >= np.maximum(least, share * sizes)
    result = np.zeros_like(area)
    np.put(result, places, good[parts])
    return result


def _stops(image: ImageF32) -> FloatArray:
    """(h, w) logarithms to base 2 of linear light."""
    light = np.power(cv2.GaussianBlur(image, (0, 0), 0.7), _GAMMA) @ LUMA
    return np.log2(light + np.float32(_FLOOR))
