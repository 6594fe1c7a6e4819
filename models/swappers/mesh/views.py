"""A donor's views: prepared once, and those that a target's face is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from ....pipeline.errors import SettingsError
from ....pipeline.faces.views import distances
from ....pipeline.geometry import resized, transform_mesh
from ....pipeline.types import Crop, Donor, Face, FloatArray, ImageF32, Mesh, Size
from .skin import skin_likelihood
from .texture import Shown
from .topology import Topology, smoothstep
from .warp import facing, rasterise

_SKIN_SIDE: Final = 128
_LEVELS: Final = 6
_COMMON: Final = 20.0
"""Mesh points that two views must show both for their colours to be compared there, and not over all of each."""
_TINTS: Final = (0.5, 2.0)
"""How far a view's colours are led to those of the first one."""


@dataclass(frozen=True, slots=True, eq=False)
class ShownView(Shown):
    """A view with its picture, at the size that suits the target."""

    picture: ImageF32
    tint: FloatArray | None
    """(3,) factors that lead to the colours of the donor's first view; None for that one."""


def mesh_of(face: Face) -> Mesh:
    """Raises SettingsError where a face has none."""
    if face.mesh is None:
        raise SettingsError("the mesh engine needs faces with a mesh: fit one first")
    return face.mesh


def prepared(crop: Crop, topology: Topology) -> Donor:
    """The donor's pixels, in halving sizes so that a small target gets no aliases, and which points show skin."""
    crops = [crop]
    while min(crops[-1].image.shape[:2]) > 32 and len(crops) < _LEVELS:
        crops.append(_halved(crops[-1]))
    return Donor(crop.face, tuple(crops), skin=_skin_at_points(_small(crops), topology))


def together(views: Sequence[Donor], topology: Topology) -> Donor:
    """One donor of a person's views, with what leads each one's colours to those of the first."""
    first, *others = views
    if not others:
        return first
    known = _point_colours(first, topology)
    tints = (_tint(known, _point_colours(one, topology)) for one in others)
    return first._replace(others=tuple(one._replace(tint=tint) for one, tint in zip(others, tints, strict=True)))


def views_for(target: Mesh, face: Face, donor: Donor) -> list[ShownView]:
    """All views of a donor, for a target's mesh in its crop and its face; without shares the nearest leads."""
    views = (donor, *donor.others)
    shares = donor.shares
    if len(shares) != len(views):
        nearest = int(np.argmin(distances(face, [one.face for one in views])))
        shares = tuple(float(number == nearest) for number in range(len(views)))
    return [_shown(target, one, share) for one, share in zip(views, shares, strict=True)]


def _shown(target: Mesh, view: Donor, share: float) -> ShownView:
    level = _level_for(target, view)
    mesh = transform_mesh(level.matrix, mesh_of(view.face))
    skin = np.ones(len(mesh)) if view.skin is None else view.skin
    return ShownView(mesh, skin, share, level.image, view.tint)


def _halved(crop: Crop) -> Crop:
    size = Size(crop.image.shape[1] // 2, crop.image.shape[0] // 2)
    ratio = np.array([[size.width / crop.image.shape[1]], [size.height / crop.image.shape[0]]])
    return crop._replace(image=resized(crop.image, size), matrix=crop.matrix * ratio)


def _small(crops: Sequence[Crop]) -> Crop:
    return min(crops, key=lambda crop: abs(max(crop.image.shape) - _SKIN_SIDE))


def _level_for(target: Mesh, donor: Donor) -> Crop:
    """The smallest of the donor's crops that still has about as many pixels as the target."""
    source = transform_mesh(donor.crops[0].matrix, mesh_of(donor.face))
    excess = float(np.log2(_extent(source) / max(_extent(target), 1e-6)))
    return donor.crops[int(np.clip(np.floor(excess + 0.4), 0, len(donor.crops) - 1))]


def _extent(mesh: Mesh) -> float:
    return float(np.sqrt(np.ptp(mesh[:, :2], axis=0).prod()))


def _skin_at_points(crop: Crop, topology: Topology) -> FloatArray:
    """(468,) how surely each mesh point of the donor shows skin and not hair over it; features count as seen."""
    mesh = transform_mesh(crop.matrix, mesh_of(crop.face))
    size = Size.of(crop.image)
    plain = rasterise(mesh, topology.triangles, size).spread((topology.skin * topology.swapped)[:, None])[..., 0]
    if crop.valid is not None:
        plain = plain * resized(crop.valid, size)
    likely = skin_likelihood(_blurred(crop.image), plain)
    shown = np.where(topology.skin > 0, smoothstep(0.2, 0.6, _at_points(likely, mesh)), 1.0)
    if crop.valid is None:
        return shown
    # A little more than what lies outside is of no use: there its black mixes in.
    inside = np.asarray(cv2.erode(crop.valid, np.ones((5, 5))), np.float32)
    return _at_points(resized(inside, size), mesh) * shown


def _point_colours(view: Donor, topology: Topology) -> tuple[FloatArray, FloatArray]:
    """(468, 3) logarithms of the colours around the mesh points, and (468,) how surely they are those of plain skin."""
    crop = _small(view.crops)
    mesh = transform_mesh(crop.matrix, mesh_of(view.face))
    sure = topology.skin * topology.swapped * smoothstep(0.2, 0.5, facing(mesh, topology))
    return np.log(_at_points(_blurred(crop.image), mesh) + 0.02), sure if view.skin is None else sure * view.skin


def _tint(first: tuple[FloatArray, FloatArray], other: tuple[FloatArray, FloatArray]) -> FloatArray:
    """(3,) factors that lead from the second's colours to the first's."""
    (colours, sure), (own, own_sure) = first, other
    both = sure * own_sure
    weights = (both, both) if float(both.sum()) >= _COMMON else (sure, own_sure)
    means = [
        (weight[:, None] * some).sum(0) / max(float(weight.sum()), 1e-6)
        for weight, some in zip(weights, (colours, own), strict=True)
    ]
    return np.asarray(np.clip(np.exp(means[0] - means[1]), *_TINTS), np.float32)


def _blurred(image: ImageF32) -> ImageF32:
    return np.asarray(cv2.GaussianBlur(image, (0, 0), 0.03 * max(image.shape)), np.float32)


def _at_points(values: FloatArray, mesh: Mesh) -> FloatArray:
    """Values (h, w, …) of a picture at the points of a mesh in it."""
    x, y = np.clip(np.rint(mesh[:, :2] - 0.5).astype(int), 0, np.array(Size.of(values)) - 1).T
    return values[y, x]
