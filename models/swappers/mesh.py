"""The built-in engine: the donor's face, warped over the 468-point mesh onto the target's pose and expression."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import cv2
import numpy as np

from ...pipeline import meshpoints as points
from ...pipeline.errors import SettingsError
from ...pipeline.geometry import INTERPOLATION_FLAGS, bounds, cut, move_mesh, resized
from ...pipeline.meshwarp import Topology, facing, rasterise, smoothstep
from ...pipeline.types import ColourMatch, Crop, Donor, Face, FloatArray, Interpolation, Patch, Picture, Placement, Size

_LARGEST_CROP = 1024
_MARGIN = 0.08
_RASTER_SIDE = 160
_DONOR_LEVELS = 6


class MeshSwapper:
    """Needs no weights but the mesh; keeps the target's light, pose and expression, brings the donor's features."""

    needs_mesh = True
    colour: ColourMatch = "lighting"

    def __init__(self, topology: Topology, *, mirror: bool = True, interpolation: Interpolation = "Bicubic") -> None:
        self._topology = topology
        self._mirror = mirror
        self._interpolation = interpolation
        self._skin = _skin(topology)
        self._covered = _covered(topology)

    def place(self, face: Face) -> Placement:
        """The face's own pixels, unturned and unscaled, unless the face is larger than 1024 pixels."""
        mesh = _mesh_of(face)
        low, high = mesh[:, :2].min(0), mesh[:, :2].max(0)
        margin = _MARGIN * float((high - low).max())
        region = bounds(np.stack([low - margin, high + margin]))
        scale = min(1.0, _LARGEST_CROP / max(region.size))
        matrix = scale * np.array([[1.0, 0.0, -region.left], [0.0, 1.0, -region.top]])
        return Placement(matrix, Size(ceil(region.size.width * scale), ceil(region.size.height * scale)))

    def prepare(self, frame: Picture, face: Face) -> Donor:
        """The donor's pixels, in halving sizes so that a small target gets no aliases."""
        matrix, size = self.place(face)
        crops = [Crop(cut(frame, Placement(matrix, size)), matrix, face)]
        while min(crops[-1].image.shape[:2]) > 32 and len(crops) < _DONOR_LEVELS:
            crops.append(_halved(crops[-1]))
        return Donor(face, tuple(crops))

    def swap(self, crops: Sequence[Crop], donors: Sequence[Donor], strength: float) -> list[Patch]:
        """One patch a crop. `strength` in [0, 1] is the share of the donor in the blend."""
        return [self._swap_one(crop, donor, strength) for crop, donor in zip(crops, donors, strict=True)]

    def _swap_one(self, crop: Crop, donor: Donor, strength: float) -> Patch:
        size = Size.of(crop.image)
        mesh = move_mesh(crop.matrix, _mesh_of(crop.face)).astype(np.float32)
        level = _level(mesh, crop, donor)
        donor_mesh = move_mesh(level.matrix, _mesh_of(donor.face)).astype(np.float32)
        scale = min(1.0, _RASTER_SIDE / max(size))
        small = Size(ceil(size.width * scale), ceil(size.height * scale))
        ratio = np.array([small.width / size.width, small.height / size.height, scale], np.float32)
        raster = rasterise(mesh * ratio, self._topology.triangles, small)
        seen = facing(mesh, self._topology.triangles)
        donor_seen = facing(donor_mesh, self._topology.triangles)
        own = donor_mesh[:, :2]
        own_seen = donor_seen
        columns = np.hstack([own, np.stack([smoothstep(0.0, 0.35, seen) * smoothstep(0.0, 0.35, own_seen), self._skin, self._covered],1)])
        fields = raster.spread(columns.astype(np.float32))
        at = resized(fields[...,:2], size)
        image = cv2.remap(level.image, at[...,0]-0.5, at[...,1]-0.5, INTERPOLATION_FLAGS[self._interpolation], borderMode=cv2.BORDER_REPLICATE)
        mask = fields[...,2]*_inner(raster, fields[...,4])
        skin = fields[...,3]*(fields[...,2]>0.5)
        return Patch(image, resized(mask, size)*strength, resized(skin.astype(np.float32), size))

def _inner(raster, covered):
    base=((covered>0.5)&raster.inside).astype(np.uint8)
    base=np.pad(base,1)
    d=cv2.distanceTransform(base, cv2.DIST_L2, 5)[1:-1,1:-1]
    return smoothstep(1.0, 0.08*max(base.shape), d)

def _mesh_of(face: Face) -> FloatArray:
    if face.mesh is None:
        raise SettingsError("the mesh engine needs faces with a mesh: fit one first")
    return face.mesh


def _halved(crop: Crop) -> Crop:
    size = Size(crop.image.shape[1] // 2, crop.image.shape[0] // 2)
    ratio = np.array([[size.width / crop.image.shape[1]], [size.height / crop.image.shape[0]]])
    return Crop(resized(crop.image, size), crop.matrix * ratio, crop.face)

def _level(mesh, crop, donor):
    d=_mesh_of(donor.face)
    def ext(m): return np.sqrt(np.prod(m[:,:2].max(0)-m[:,:2].min(0)))
    ratio=ext(move_mesh(donor.crops[0].matrix,d))/ext(mesh)
    k=int(np.clip(np.floor(np.log2(max(ratio,1e-6))+0.4),0,len(donor.crops)-1))
    return donor.crops[k]

def _skin(topology: Topology) -> FloatArray:
    w=np.ones(len(topology.canonical),np.float32)
    for ring in (points.LIPS_OUTER, points.LIPS_INNER, points.EYE_LEFT, points.EYE_RIGHT, points.BROW_LEFT, points.BROW_RIGHT):
        w[list(ring)]=0
    return w

def _covered(topology: Topology) -> FloatArray:
    y=topology.canonical[:,1]
    return (y < 6.0).astype(np.float32)
