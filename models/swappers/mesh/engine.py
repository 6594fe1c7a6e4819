"""The built-in engine: the donor's face, warped over the 468-point mesh onto the target's pose and expression."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

import cv2
import numpy as np

from ....pipeline.compose.crops import crop_of
from ....pipeline.errors import SettingsError
from ....pipeline.faces import mesh_points as points
from ....pipeline.geometry import INTERPOLATION_FLAGS, bounds, resized, transform_mesh
from ....pipeline.transparency import seen_part
from ....pipeline.types import (
    DEFAULT_INTERPOLATION,
    ColourMatch,
    Crop,
    Donor,
    Face,
    FloatArray,
    ImageF32,
    Interpolation,
    Mask,
    Mesh,
    Patch,
    Picture,
    Placement,
    Size,
)
from .skin import LENIENT, skin_likelihood
from .topology import Topology, smoothstep
from .warp import Raster, Texture, choose_texture, openness, rasterise, with_shape_of

_LARGEST_CROP = 1024
_SMALLEST_CROP = 8
_MARGIN = 0.08
"""Of the face's longer side: room around it."""
_RASTER_SIDE = 160
"""Geometry varies slowly: it is worked out at this size and enlarged, whatever the crop's."""
_SKIN_SIDE = 128
_DONOR_LEVELS = 6
_RIM = 0.035
"""Of the raster's side: softness of the mask's rim, as a Gaussian's sigma."""
_TARGET_SIDE = (0.0, 0.3)
"""Facing of the target's skin from which on it is swapped."""
_MOUTH_GAP = (0.03, 0.1)
"""Difference in openness of both mouths from which on the target's own inside is kept."""
_TELL_MIRRORED = 0.1
_TELL_TURNED = 0.06


class MeshSwapper:
    """Needs no weights but the mesh; keeps the target's light, pose and expression, brings the donor's features.

    Its methods raise as those of `Swapper` do.
    """

    needs_mesh = True
    colour: ColourMatch = "lighting"

    def __init__(
        self, topology: Topology, *, mirror: bool = True, interpolation: Interpolation = DEFAULT_INTERPOLATION
    ) -> None:
        """`mirror`: the donor's other side may stand in where that fits the pose better or the first is hidden."""
        self._topology = topology
        self._mirror = mirror
        self._interpolation = interpolation

    def place(self, face: Face) -> Placement:
        """The face's own pixels, unturned and unscaled, unless the face is larger than 1024 pixels."""
        mesh = _mesh_of(face)
        low, high = mesh[:, :2].min(0), mesh[:, :2].max(0)
        margin = _MARGIN * float((high - low).max())
        region = bounds(np.stack([low - margin, high + margin]))
        scale = min(1.0, _LARGEST_CROP / max(*region.size, 1))
        matrix = scale * np.array([[1.0, 0.0, -region.left], [0.0, 1.0, -region.top]])
        width, height = (max(ceil(side * scale), _SMALLEST_CROP) for side in region.size)
        return Placement(matrix, Size(width, height))

    def prepare(self, frame: Picture, face: Face) -> Donor:
        """The donor's pixels, in halving sizes so that a small target gets no aliases, and which points show skin."""
        crops = [seen_part(crop_of(frame, face, self.place(face)), frame)]
        while min(crops[-1].image.shape[:2]) > 32 and len(crops) < _DONOR_LEVELS:
            crops.append(_halved(crops[-1]))
        small = min(crops, key=lambda crop: abs(max(crop.image.shape) - _SKIN_SIDE))
        return Donor(face, tuple(crops), skin=_skin_at_points(small, self._topology))

    def swap(self, crops: Sequence[Crop], donors: Sequence[Donor], strength: float) -> list[Patch]:
        """One patch a crop. `strength` in [0, 1] is the share of the donor in the blend."""
        return [self._swap_one(crop, donor, strength) for crop, donor in zip(crops, donors, strict=True)]

    def _swap_one(self, crop: Crop, donor: Donor, strength: float) -> Patch:
        size, topology = Size.of(crop.image), self._topology
        target = transform_mesh(crop.matrix, _mesh_of(crop.face))
        level = _level_for(target, donor)
        source = transform_mesh(level.matrix, _mesh_of(donor.face))
        shaped = with_shape_of(target, source, topology)
        skin = np.ones(len(target)) if donor.skin is None else donor.skin
        texture = choose_texture(shaped, source, skin, topology, mirror=self._mirror)
        small = _raster_size(size)
        fields = _fields(rasterise(_scaled(shaped, size, small), topology.triangles, small), texture, topology)
        image = self._textured(level.image, fields, size)
        mask = fields.visible * _soft_rim(fields.swapped)
        mask *= 1 - _mouth_kept(target, openness(target) - openness(source), size, small)
        mask = resized((mask * strength).astype(np.float32), size)
        return Patch(image, mask, _comparable(fields, image, crop), _notes(texture))

    def _textured(self, picture: ImageF32, fields: _Fields, size: Size) -> ImageF32:
        image = self._sampled(picture, fields.first, size)
        if fields.share.max() < 0.02:
            return image
        share = resized(fields.share, size)[..., None]
        other = self._sampled(picture, fields.second, size)
        return np.asarray(image + (other - image) * share, np.float32)

    def _sampled(self, picture: ImageF32, places: FloatArray, size: Size) -> ImageF32:
        # As two maps: of one with both coordinates, OpenCV 5.0's bilinear remap leaves pixels unwritten.
        columns, rows = cv2.split(resized(places, size) - np.float32(0.5))
        flags = INTERPOLATION_FLAGS[self._interpolation]
        image = np.asarray(cv2.remap(picture, columns, rows, flags, borderMode=cv2.BORDER_REPLICATE), np.float32)
        return np.clip(image, 0, 1, out=image)


class _Fields(NamedTuple):
    """What the mesh says of each pixel of the raster, (h, w) in [0, 1] unless said otherwise."""

    first: FloatArray
    """(h, w, 2) places in the donor's picture."""
    second: FloatArray
    """(h, w, 2) places on the donor's other side."""
    share: Mask
    """Of the second."""
    visible: Mask
    """Whether the target's skin faces the viewer and the donor has something to show there."""
    swapped: Mask
    """Whether it belongs to the part of the face that is swapped."""
    skin: Mask
    """The target's skin that faces the viewer."""
    donor_skin: Mask
    """The same where it shows the donor."""


def _fields(raster: Raster, texture: Texture, topology: Topology) -> _Fields:
    seen = smoothstep(*_TARGET_SIDE, texture.seen)
    visible = seen * texture.quality
    skin = topology.skin * seen
    weights = np.stack([texture.share, visible, topology.swapped, skin, skin * topology.swapped * texture.quality], 1)
    spread = raster.spread(np.hstack([texture.first, texture.second, weights]))
    fields = np.moveaxis(spread[..., 4:], 2, 0)
    side = max(fields.shape[1:])
    share = np.asarray(cv2.GaussianBlur(fields[0, ...], (0, 0), 0.01 * side), np.float32)
    visible = np.asarray(cv2.GaussianBlur(fields[1, ...], (0, 0), 0.018 * side), np.float32)
    swapped, skin, donor_skin = fields[2:]
    return _Fields(spread[..., :2], spread[..., 2:4], share, visible, swapped, skin, donor_skin)


def _comparable(fields: _Fields, image: ImageF32, crop: Crop) -> tuple[Mask, Mask]:
    """Where the patch and the target show skin whose colours may be compared; hair and glasses are left out."""
    size = Size(fields.skin.shape[1] // 2, fields.skin.shape[0] // 2)
    swapped, skin, donor_skin = (resized(field, size) for field in (fields.swapped, fields.skin, fields.donor_skin))
    donor_skin = donor_skin * skin_likelihood(resized(image, size), donor_skin)
    if crop.valid is not None:
        skin = skin * resized(crop.valid, size)
    skin = skin * skin_likelihood(resized(crop.image, size), skin * swapped, LENIENT)
    return donor_skin, skin


def _raster_size(size: Size) -> Size:
    ratio = min(1.0, _RASTER_SIDE / max(size))
    return Size(ceil(size.width * ratio), ceil(size.height * ratio))


def _mesh_of(face: Face) -> Mesh:
    if face.mesh is None:
        raise SettingsError("the mesh engine needs faces with a mesh: fit one first")
    return face.mesh


def _halved(crop: Crop) -> Crop:
    size = Size(crop.image.shape[1] // 2, crop.image.shape[0] // 2)
    ratio = np.array([[size.width / crop.image.shape[1]], [size.height / crop.image.shape[0]]])
    return crop._replace(image=resized(crop.image, size), matrix=crop.matrix * ratio)


def _level_for(target: Mesh, donor: Donor) -> Crop:
    """The smallest of the donor's crops that still has about as many pixels as the target."""
    source = transform_mesh(donor.crops[0].matrix, _mesh_of(donor.face))
    excess = float(np.log2(_extent(source) / max(_extent(target), 1e-6)))
    return donor.crops[int(np.clip(np.floor(excess + 0.4), 0, len(donor.crops) - 1))]


def _extent(mesh: Mesh) -> float:
    return float(np.sqrt(np.ptp(mesh[:, :2], axis=0).prod()))


def _scaled(mesh: Mesh, size: Size, small: Size) -> Mesh:
    x, y = small.width / size.width, small.height / size.height
    return mesh * np.array([x, y, x])


def _skin_at_points(crop: Crop, topology: Topology) -> FloatArray:
    """(468,) how surely each mesh point of the donor shows skin and not hair over it; features count as seen."""
    mesh = transform_mesh(crop.matrix, _mesh_of(crop.face))
    size = Size.of(crop.image)
    plain = rasterise(mesh, topology.triangles, size).spread((topology.skin * topology.swapped)[:, None])[..., 0]
    if crop.valid is not None:
        plain = plain * resized(crop.valid, size)
    blurred = np.asarray(cv2.GaussianBlur(crop.image, (0, 0), 0.03 * max(size)), np.float32)
    likely = skin_likelihood(blurred, plain)
    x, y = np.clip(np.rint(mesh[:, :2] - 0.5).astype(int), 0, np.array(size) - 1).T
    shown = np.where(topology.skin > 0, smoothstep(0.2, 0.6, likely[y, x]), 1.0)
    if crop.valid is None:
        return shown
    # A little more than what lies outside is of no use: there its black mixes in.
    inside = np.asarray(cv2.erode(crop.valid, np.ones((5, 5))), np.float32)
    return resized(inside, size)[y, x] * shown


def _soft_rim(swapped: Mask) -> Mask:
    """1 well inside the swapped part, falling smoothly to 0 at its rim, corners rounded."""
    inside = (swapped > 0.5).astype(np.float32)
    soft = cv2.GaussianBlur(inside, (0, 0), _RIM * max(inside.shape), borderType=cv2.BORDER_CONSTANT)
    return smoothstep(0.5, 0.95, np.asarray(soft, np.float32)) * inside


def _mouth_kept(target: Mesh, gap: float, size: Size, small: Size) -> Mask:
    """(h, w) 1 between the lips where one mouth stands open and the other doesn't: the target keeps its own there.

    An open target needs its teeth; a closed one, not the donor's teeth squeezed into a line.
    """
    share = smoothstep(*_MOUTH_GAP, np.array(abs(gap)))
    hole = np.zeros((small.height, small.width), np.float32)
    if share > 0:
        outline = np.rint((_scaled(target, size, small)[list(points.LIPS_INNER), :2] - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(hole, [outline], 1.0, shift=4)
        hole = cv2.dilate(hole, np.ones((3, 3))) if gap < 0 else hole
    return cv2.GaussianBlur(hole, (0, 0), 0.8) * np.float32(share)


def _notes(texture: Texture) -> tuple[str, ...]:
    notes: list[str] = []
    if texture.mirrored >= _TELL_MIRRORED:
        notes.append(
            f"{texture.mirrored:.0%} of the face shows the donor's other side, mirrored: moles and partings change "
            "sides there; switch mirror off to forbid it"
        )
    if texture.misfit >= _TELL_TURNED:
        notes.append("the donor's head is turned another way: a donor picture nearer in pose gives a better likeness")
    return tuple(notes)
