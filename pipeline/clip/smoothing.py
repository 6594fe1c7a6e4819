"""Landmarks and meshes of a clip, smoothed over their neighbours in time, before and after.

A filter that sees the past alone (an exponential one, the one-euro filter) trades jitter for lag. Here the frames after
are known too: each is paired with the one as far before, and a pair's middle, at the time of the frame between, has no
lag on any steady motion. A point that a pair disagrees with, because it speeds up, blinks or turns back, keeps its own
place: the weight of a pair falls with its distance, as in a bilateral filter (Tomasi and Manduchi, 1998).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from ..types import Face, FloatArray

RADIUS: Final = 4
"""Frames used on either side."""
_SIGMA: Final = 2.5
"""Frames after which a pair's weight falls to 0.6."""
_TREMOR: Final = 0.012
"""Of the face's size: what counts as jitter of a detector and not as motion."""


_Points = Callable[[Face], FloatArray]


class TimedFace(NamedTuple):
    """A face at its time."""

    time: float
    """In seconds."""
    face: Face


def smooth_face(before: Sequence[TimedFace], now: TimedFace, after: Sequence[TimedFace]) -> Face:
    """The face with box, landmarks and mesh smoothed.

    `before` and `after` are the same person's neighbours, the nearest first, without gaps; what one side has more than
    the other isn't used, so that nothing lags at a clip's ends and beside cuts.
    """
    size = float(np.sqrt(max(now.face.area, 1.0)))
    pairs = list(zip(before, after, strict=False))
    has_mesh = all(m.face.mesh is not None for m in [now, *(one for pair in pairs for one in pair)])
    return replace(
        now.face,
        box=_smoothed(pairs, now, _corners, size).reshape(4),
        landmarks=_smoothed(pairs, now, _landmarks, size),
        mesh=_smoothed(pairs, now, _mesh, size) if has_mesh else now.face.mesh,
    )


def interpolate_face(first: TimedFace, last: TimedFace, time: float) -> Face:
    """The face where it was, moving evenly, at a time between two sightings."""
    share = _share(first.time, last.time, time)

    def at(start: FloatArray, end: FloatArray) -> FloatArray:
        return start + (end - start) * share

    a, b = first.face, last.face
    mesh = at(a.mesh, b.mesh) if a.mesh is not None and b.mesh is not None else None
    return replace(
        a, box=at(a.box, b.box), landmarks=at(a.landmarks, b.landmarks), mesh=mesh, score=min(a.score, b.score)
    )


def _smoothed(pairs: Sequence[tuple[TimedFace, TimedFace]], now: TimedFace, points: _Points, size: float) -> FloatArray:
    own = points(now.face)
    total, weights = own.astype(np.float64), np.ones((len(own), 1))
    for distance, (first, last) in enumerate(pairs, 1):
        start, end = points(first.face), points(last.face)
        middle = start + (end - start) * _share(first.time, last.time, now.time)
        apart = np.linalg.norm((middle - own)[:, :2], axis=1, keepdims=True) / (_TREMOR * size)
        # A pair counts twice: it is two frames.
        weight = 2 * np.exp(-(distance**2) / (2 * _SIGMA**2) - apart**2 / 2)
        total += weight * middle
        weights += weight
    return (total / weights).astype(np.float32)


def _share(start: float, end: float, time: float) -> float:
    return (time - start) / (end - start) if end > start else 0.5


def _corners(face: Face) -> FloatArray:
    return face.box.reshape(2, 2)


def _landmarks(face: Face) -> FloatArray:
    return face.landmarks


def _mesh(face: Face) -> FloatArray:
    assert face.mesh is not None
    return face.mesh
