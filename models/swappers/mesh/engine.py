"""The built-in engine: the donor's face, warped over the 468-point mesh onto the target's pose and expression."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import cv2
import numpy as np

from ....pipeline.compose.crops import crop_of
from ....pipeline.compose.tone import tone_factors
from ....pipeline.errors import require_range
from ....pipeline.faces.regions import lip_area, skin_area
from ....pipeline.faces.views import pictured
from ....pipeline.geometry import INTERPOLATION_FLAGS, bounds, resized, transform_mesh
from ....pipeline.transparency import seen_part
from ....pipeline.types import (
    DEFAULT_INTERPOLATION,
    Behind,
    ColourMatch,
    Crop,
    Donor,
    Face,
    FloatArray,
    Glasses,
    ImageF32,
    Interpolation,
    Mask,
    Mesh,
    Patch,
    Picture,
    Placement,
    Size,
    SkinTone,
    View,
)
from .fields import Fields, fields_of
from .mask import mouth_kept, soft_rim
from .overlays import overlays_of, taken_off
from .skin import skin_likelihood
from .texture import Texture, choose_texture
from .topology import Topology, smoothstep
from .views import ShownView, mesh_of, prepared, together, views_for
from .warp import openness, rasterise, with_shape_of

_LARGEST_CROP = 1024
_SMALLEST_CROP = 8
_MARGIN = 0.08
"""Of the face's longer side: room around it."""
_RASTER_SIDE = 128
"""Geometry varies slowly: it is worked out at this size and enlarged, whatever the crop's."""
_NO_SHARE = 0.02
_TELL_MIRRORED = 0.1
_TELL_TURNED = 0.06
_OTHER_TONE = "skin_tone donor has no effect: the donor's tone, in its light, is too far from the target's"


HAIR = 1.0


class MeshSwapper:
    """Needs no weights but the mesh; keeps the target's light, pose and expression, brings the donor's features.

    Its methods raise as those of `Swapper` do.
    """

    needs_mesh = True
    colour: ColourMatch = "lighting"

    def __init__(
        self,
        topology: Topology,
        *,
        mirror: bool = True,
        interpolation: Interpolation = DEFAULT_INTERPOLATION,
        skin_tone: SkinTone = "target",
        glasses: Glasses = "donor",
    ) -> None:
        """`mirror`: the donor's other side may stand in where that fits the pose better or the first is hidden.
        `glasses`: whose the face wears, if any."""
        self._glasses = glasses
        self._skin_tone = skin_tone
        self._topology = topology
        self._mirror = mirror
        self._interpolation = interpolation

    def place(self, face: Face) -> Placement:
        """The face's own pixels, unturned and unscaled, unless the face is larger than 1024 pixels."""
        mesh = mesh_of(face)
        low, high = mesh[:, :2].min(0), mesh[:, :2].max(0)
        margin = _MARGIN * float((high - low).max())
        region = bounds(np.stack([low - margin, high + margin]))
        scale = min(1.0, _LARGEST_CROP / max(*region.size, 1))
        matrix = scale * np.array([[1.0, 0.0, -region.left], [0.0, 1.0, -region.top]])
        width, height = (max(ceil(side * scale), _SMALLEST_CROP) for side in region.size)
        return Placement(matrix, Size(width, height))

    def prepare(self, frame: Picture, face: Face, others: Sequence[View] = ()) -> Donor:
        """The donor's pixels and which points show skin, of each view."""
        views = pictured((View(frame, face), *others))
        crops = [seen_part(crop_of(*view, self.place(view.face)), view.picture) for view in views]
        return together([prepared(self._bare(crop), self._topology) for crop in crops], self._topology)

    def swap(self, crops: Sequence[Crop], donors: Sequence[Donor], strength: float) -> list[Patch]:
        """One patch a crop. `strength` in [0, 1] is the share of the donor in the blend."""
        require_range("strength", strength, 0, 1)
        return [self._swap_one(crop, donor, strength) for crop, donor in zip(crops, donors, strict=True)]

    def _swap_one(self, crop: Crop, donor: Donor, strength: float) -> Patch:
        size, topology = Size.of(crop.image), self._topology
        target = transform_mesh(crop.matrix, mesh_of(crop.face))
        views = views_for(target, crop.face, donor)
        shaped = np.asarray(sum(with_shape_of(target, one.mesh, topology) * one.share for one in views if one.share))
        open_source = sum(openness(one.mesh) * one.share for one in views if one.share)
        texture = choose_texture(shaped, views, topology, mirror=self._mirror)
        small = _raster_size(size)
        fields = fields_of(rasterise(_scaled(shaped, size, small), topology.triangles, small), texture, topology)
        image = self._textured(views, texture, fields, size)
        half = Size(max(small.width // 2, 1), max(small.height // 2, 1))
        skin = _skin(fields, _scaled(target, size, half), crop)
        mask = fields.visible * soft_rim(fields.swapped) * smoothstep(0.5, HAIR, fields.swapped)
        bare = _bare(image, crop, skin)
        mask *= _without_hair(fields, *bare)
        skin = _surely_skin(fields, skin, bare)
        mask *= 1 - mouth_kept(_scaled(target, size, small), openness(target) - open_source, small)
        mask = resized((mask * strength).astype(np.float32), size)
        lips = lip_area(_scaled(shaped, size, half), half)
        patch = Patch(image, mask, skin, _notes(texture), lips=lips, normals=fields.normals)
        return self._dressed(self._toned(patch, crop), crop, target)

    def _bare(self, crop: Crop) -> Crop:
        """The donor's crop without strands of hair before the face, and without glasses where his aren't wanted."""
        over = overlays_of(crop.image, transform_mesh(crop.matrix, mesh_of(crop.face)))
        unwanted = (over.strands, None if self._glasses == "donor" else over.glasses)
        lines = [one for one in unwanted if one is not None]
        return crop._replace(image=taken_off(crop.image, np.maximum.reduce(lines))[0]) if lines else crop

    def _dressed(self, patch: Patch, crop: Crop, mesh: Mesh) -> Patch:
        """The patch with the target's glasses before it, or with their arms gone from the temples."""
        frames = overlays_of(crop.image, mesh).glasses
        if frames is None:
            return patch
        if self._glasses == "target":
            bare = (resized(frames, Size.of(crop.image)) < 0.5).astype(np.float32)
            return patch._replace(bounds=(*patch.bounds, bare))
        return patch._replace(behind=Behind(*taken_off(crop.image, frames)))

    def _toned(self, patch: Patch, crop: Crop) -> Patch:
        if self._skin_tone == "target" or patch.skin is None:
            return patch
        own, theirs = patch.skin
        tone = tone_factors(patch.image, own, crop.image, theirs)
        return patch._replace(tone=tone) if tone is not None else patch._replace(notes=(*patch.notes, _OTHER_TONE))

    def _textured(self, views: Sequence[ShownView], texture: Texture, fields: Fields, size: Size) -> ImageF32:
        """(H, W, 3) the layers over each other."""
        seen_in = [views[layer.view] for layer in texture.layers]
        image = self._sampled(seen_in[0], resized(fields.places[0], size))
        for view, places, small in zip(seen_in[1:], fields.places[1:], fields.shares, strict=True):
            share = resized(small, size)
            left, top, width, height = cv2.boundingRect((share > _NO_SHARE).view(np.uint8))
            if width:
                part = np.s_[top : top + height, left : left + width]
                other = self._sampled(view, resized(places, size)[part])
                image[part] += (other - image[part]) * share[part][..., None]
        return image

    def _sampled(self, view: ShownView, places: FloatArray) -> ImageF32:
        # As two maps: of one with both coordinates, OpenCV 5.0's bilinear remap leaves pixels unwritten.
        columns, rows = cv2.split(places - np.float32(0.5))
        flags = INTERPOLATION_FLAGS[self._interpolation]
        image = np.asarray(cv2.remap(view.picture, columns, rows, flags, borderMode=cv2.BORDER_REPLICATE), np.float32)
        if view.tint is not None:
            image *= view.tint
        return np.clip(image, 0, 1, out=image)


def _skin(fields: Fields, mesh: Mesh, crop: Crop) -> tuple[Mask, Mask]:
    """Where the patch and the target show plain skin; the target's mesh is in pixels of half the raster."""
    size = Size(max(fields.seen.shape[1] // 2, 1), max(fields.seen.shape[0] // 2, 1))
    area = skin_area(mesh, size)
    own, theirs = (area * resized(field, size) for field in (fields.visible, fields.seen))
    return own, theirs if crop.valid is None else theirs * resized(crop.valid, size)


def _bare(image: ImageF32, crop: Crop, skin: tuple[Mask, Mask]) -> tuple[Mask, Mask]:
    """(h, w) how surely the patch and the target show skin and no hair, where skin is expected."""
    size = Size(*(max(side // 2, 1) for side in Size.of(skin[0])))
    own, theirs = (
        skin_likelihood(resized(one, size), resized(weight, size))
        for one, weight in zip((image, crop.image), skin, strict=True)
    )
    return own, theirs


def _surely_skin(fields: Fields, skin: tuple[Mask, Mask], bare: tuple[Mask, Mask]) -> tuple[Mask, Mask]:
    """The same without hair on the forehead, which would count as a shadow."""
    size = Size.of(skin[0])
    forehead = resized(fields.forehead, size)
    own, theirs = (one * (1 - forehead * (1 - resized(sure, size))) for one, sure in zip(skin, bare, strict=True))
    return np.asarray(own, np.float32), np.asarray(theirs, np.float32)


def _without_hair(fields: Fields, own: Mask, theirs: Mask) -> Mask:
    """(h, w) 0 where the target's hair lies before the forehead, or the donor's before it or before the cheeks."""
    size = Size.of(fields.forehead)
    forehead = 1 - fields.forehead * (1 - resized((own * theirs) ** 2, size))
    return np.asarray(forehead * (1 - fields.sides * (1 - resized(own, size))), np.float32)


def _raster_size(size: Size) -> Size:
    ratio = min(1.0, _RASTER_SIDE / max(size))
    return Size(ceil(size.width * ratio), ceil(size.height * ratio))


def _scaled(mesh: Mesh, size: Size, small: Size) -> Mesh:
    x, y = small.width / size.width, small.height / size.height
    return mesh * np.array([x, y, x])


def _notes(texture: Texture) -> tuple[str, ...]:
    notes: list[str] = []
    if texture.mirrored >= _TELL_MIRRORED:
        part = f"{texture.mirrored:.0%} of the face shows the donor's other side, mirrored"
        notes.append(f"{part}: moles and partings change sides there; switch mirror off to forbid it")
    if texture.misfit >= _TELL_TURNED:
        notes.append("the donor's head is turned another way: a donor picture nearer in pose gives a better likeness")
    return tuple(notes)
