"""Which of a donor's views suits a target's face: the one nearest in pose, expression and resolution."""

from __future__ import annotations

from collections.abc import Sequence
from math import acos, degrees, log2
from typing import Final, NamedTuple

import numpy as np

from ..errors import SettingsError
from ..types import Donor, Face, FloatArray, Mesh, View
from . import mesh_points as points

NO_PICTURE: Final = "the source face was saved without a picture, which this engine needs"
_TURN: Final = 20.0
"""Degrees between two heads that count as much as these differences in expression and resolution:"""
_MOUTH: Final = 0.04
"""of the lips' shape, the root mean square over the face's height;"""
_LIDS: Final = 0.2
"""of how far the eyes are open, over their width;"""
_OCTAVES: Final = 1.5
"""of the view being so many times halved beside the target."""


class Alignment(NamedTuple):
    """How points are turned and scaled to come as near to others as they can."""

    rotation: FloatArray
    """(D, D)"""
    scale: float
    misfit: float
    """What remains: the root mean square distance over that of the others from their mean."""


def pictured(views: Sequence[View]) -> list[View]:
    """Those whose pictures show them. Raises SettingsError where there is none."""
    shown = [view for view in views if view.face.pictured]
    if not shown:
        raise SettingsError(NO_PICTURE)
    return shown


def shown(target: Face, donor: Donor) -> Donor:
    """The view of a prepared donor that shows most, or else is nearest to the target."""
    views = (donor, *donor.others)
    if len(donor.shares) == len(views):
        return views[int(np.argmax(donor.shares))]
    return views[int(np.argmin(distances(target, [view.face for view in views])))]


def distances(target: Face, views: Sequence[Face]) -> FloatArray:
    """(N,) how badly each view of a person suits a target; only their order and differences mean something.

    Of meshes where all faces have one, else of the five landmarks, which know little of expression.
    """
    if len(views) == 1:
        return np.zeros(1)
    meshes = [view.mesh for view in views]
    known = [mesh for mesh in meshes if mesh is not None]
    if target.mesh is None or len(known) < len(meshes):
        return np.array([_by_landmarks(target, view) for view in views])
    own = target.mesh
    return np.array([_by_mesh(own, mesh) for mesh in known])


def turned(target: Mesh, view: Mesh) -> float:
    """Degrees by which one head is turned against another; a tilt in the picture's plane doesn't count."""
    return _turned(aligned(view[list(points.RIGID)], target[list(points.RIGID)]))


def aligned(some: FloatArray, others: FloatArray) -> Alignment:
    """Points (N, D) turned, scaled and shifted onto others (Umeyama, 1991)."""
    a, b = some - some.mean(0), others - others.mean(0)
    u, spread, vt = np.linalg.svd(a.T @ b)
    signs = np.ones(len(spread))
    signs[-1] = np.sign(np.linalg.det(vt.T @ u.T))
    rotation = vt.T * signs @ u.T
    scale = float((spread * signs).sum() / max(float((a * a).sum()), 1e-9))
    rest, size = (float((x * x).sum()) for x in (scale * a @ rotation.T - b, b))
    return Alignment(rotation, scale, (rest / max(size, 1e-9)) ** 0.5)


def _by_mesh(target: Mesh, view: Mesh) -> float:
    rigid = list(points.RIGID)
    fit = aligned(view[rigid], target[rigid])
    mouth = _lips_apart(target, view, fit) / _MOUTH
    lids = sum(abs(_open(target, *eye) - _open(view, *eye)) for eye in _EYES) / (2 * _LIDS)
    return _turned(fit) / _TURN + mouth + lids + _lacking(fit.scale)


def _by_landmarks(target: Face, view: Face) -> float:
    fit = aligned(view.landmarks, target.landmarks)
    return 10 * fit.misfit + _lacking(fit.scale)


def _lacking(scale: float) -> float:
    """For a view that has to be enlarged this many times."""
    return max(log2(max(scale, 1e-6)), 0) / _OCTAVES


def _turned(fit: Alignment) -> float:
    return degrees(acos(float(np.clip(fit.rotation[2, 2], -1, 1))))


_EYES: Final = ((159, 145, 33, 133), (386, 374, 263, 362))
"""Upper and lower lid, and the corners."""


def _lips_apart(target: Mesh, view: Mesh, fit: Alignment) -> float:
    """How differently lips are shaped, heads turned alike: a grin is no open mouth, though both show teeth."""
    lips = [*points.LIPS_OUTER, *points.LIPS_INNER]
    own, theirs = (mesh[lips] - mesh[lips].mean(0) for mesh in (target, view))
    rest = fit.scale * theirs @ fit.rotation.T - own
    height = float(np.linalg.norm(target[points.FOREHEAD_TOP] - target[points.CHIN]))
    return float(np.sqrt((rest * rest).sum(1).mean())) / max(height, 1e-6)


def _open(mesh: Mesh, upper: int, lower: int, left: int, right: int) -> float:
    """How far something stands open, over its width."""
    gap, width = np.linalg.norm(mesh[upper] - mesh[lower]), np.linalg.norm(mesh[left] - mesh[right])
    return float(gap / max(float(width), 1e-6))
