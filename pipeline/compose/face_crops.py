"""Faces cut out of pictures as aligned squares, with what it takes to put them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, cast, get_args

import numpy as np

from ..errors import MismatchError, SettingsError, require_choice, require_range
from ..faces.depth import in_front
from ..faces.detect import add_meshes
from ..faces.outlines import outline
from ..geometry import (
    INTERPOLATIONS,
    align,
    extract_crop,
    inverse,
    lies_within,
    scale_of,
    shifted,
    transform_points,
    valid_mask,
    warp,
)
from ..protocols import Mesher
from ..templates import FFHQ_512, arcface
from ..types import (
    DEFAULT_INTERPOLATION,
    Alignment,
    Crop,
    CropSpec,
    Face,
    FaceSet,
    FloatArray,
    ImageF32,
    Interpolation,
    Mask,
    Matrix,
    Patch,
    Picture,
    Placement,
    Points,
    Progress,
    Size,
)
from .masks import combined, outline_mask, rim_mask
from .occlusion import behind

_MASK_SIDE: Final = 256
_MASK_MARGIN: Final = 0.25
"""Masks of faces are so soft that they are drawn at this size, as `_framed` frames faces, whatever the crop's size."""
_REDUCED: Final = 0.5
"""From which scale on the report says that a crop is coarser than its picture."""


@dataclass(frozen=True, slots=True)
class CropSettings:
    """How faces are cut out."""

    side: int = 512
    """Pixels of a crop's side."""
    alignment: Alignment = "ffhq"
    """How a face lies in its crop: as restorers or identity networks want it, or unturned in its picture."""
    margin: float = 0.5
    """Of `upright`: room on each side, as a share of the face's longer side."""
    interpolation: Interpolation = DEFAULT_INTERPOLATION

    def __post_init__(self) -> None:
        require_range("crop_size", self.side, 16, 4096)
        require_choice("alignment", self.alignment, get_args(Alignment))
        require_range("crop_margin", self.margin, 0, 10)
        require_choice("interpolation", self.interpolation, INTERPOLATIONS)


class FaceCrop(NamedTuple):
    """Where one face was cut out; no pixels."""

    frame: int
    """Number of the picture in its batch."""
    face: Face
    matrix: Matrix
    """From the picture to the crop."""
    in_front: Sequence[Points] = ()
    """Outlines (N, 2) of other faces whose pixels stay: see `faces.depth`."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceCrops:
    """Where the faces of a batch of pictures were cut out, in the order of the crops. Holds no picture's pixels."""

    crops: tuple[FaceCrop, ...]
    side: int
    interpolation: Interpolation
    pictures: int
    """Number of pictures that the crops are of."""
    size: Size
    """Those pictures' size; the smallest that holds them all where they differ."""
    limits: Sequence[Mask] | None = None
    """(H, W) in [0, 1] a picture: where pixels may change; None for everywhere."""

    @property
    def count(self) -> int:
        return len(self.crops)

    def require(self, pictures: Sequence[Picture], edited: Sequence[Picture]) -> None:
        """Raise MismatchError unless these are the pictures, by number and size, and as many crops as were cut."""
        found = Size.holding(pictures)
        if len(pictures) != self.pictures or (self.pictures and found != self.size):
            raise MismatchError(
                f"the crops are of {self.pictures} picture(s) of {self.size}, but {len(pictures)} picture(s) of "
                f"{found} came with them: connect the same pictures to cropping and to this step"
            )
        if len(edited) != self.count:
            raise MismatchError(f"crops: expected {self.count} picture(s), one for each crop, got {len(edited)}")


class CropResult(NamedTuple):
    """The faces cut out, one after the other."""

    images: ImageF32
    """(N, side, side, 3)."""
    masks: Mask
    """(N, side, side) how much of each crop is the face, soft at its rim."""
    crops: FaceCrops
    report: tuple[str, ...]


def require_crops(crops: object, setting: str) -> None:
    """Raise SettingsError unless these are crops as `crop_batch` gives them."""
    if not isinstance(crops, FaceCrops):
        raise SettingsError(f"{setting}: expected FaceCrops, as cropping gives them, got {type(crops).__name__}")


def crop_batch(
    pictures: Sequence[Picture],
    faces: FaceSet,
    settings: CropSettings,
    *,
    mesher: Mesher | None = None,
    limits: Sequence[Mask] | None = None,
    progress: Progress | None = None,
) -> CropResult:
    """Cut out all these faces, picture after picture. What lies beyond a picture continues its edge.

    With a mesher, faces without a mesh get one for their masks. `limits` (H, W) in [0, 1] a picture bound where pixels
    may change, and the masks with it. Raises MismatchError for faces of other pictures, and what the mesher raises.
    """
    faces.require(pictures, "cropped")
    report = [f"frame {number}: no face to crop" for number, found in enumerate(faces) if not found]
    placed = [
        crop
        for number, (picture, found) in enumerate(zip(pictures, faces, strict=True))
        for crop in _placed(number, picture, found, faces.others_of(number), settings, mesher)
    ]
    side = settings.side
    crops = FaceCrops(tuple(placed), side, settings.interpolation, len(pictures), faces.size, limits)
    images = np.empty((crops.count, side, side, 3), np.float32)
    masks = np.empty((crops.count, side, side), np.float32)
    for number, crop in enumerate(placed):
        picture, placement = pictures[crop.frame], Placement(crop.matrix, Size(side, side))
        images[number] = cut(picture, placement, settings.interpolation)
        masks[number], notes = _own_mask(images[number], crop)
        masks[number] *= _open(picture, placement, None if limits is None else limits[crop.frame])
        told = (*notes, *_notes(placement, Size.of(picture)))
        report += [f"frame {crop.frame}, face {crop.face.index}: {note}" for note in told]
        if progress is not None:
            progress(number + 1, crops.count)
    return CropResult(images, masks, crops, tuple(report))


def cut(picture: Picture, placement: Placement, interpolation: Interpolation) -> ImageF32:
    """(h, w, 3) in [0, 1]: what lies there, beyond the picture its continued edge."""
    return np.clip(extract_crop(picture, placement, interpolation, continued=True), 0, 1)


def face_mask(crop: FaceCrop, side: int) -> Mask:
    """(side, side) the soft hull of the face's mesh, or of the ellipse in its box, in a crop of that side."""
    points = transform_points(crop.matrix, outline(crop.face))
    to_mask = _framed(points, _MASK_SIDE, _MASK_MARGIN)
    drawn = outline_mask(transform_points(to_mask, points), _MASK_SIDE)
    return np.minimum(warp(drawn, inverse(to_mask), Size(side, side)), rim_mask(side))


def place(face: Face, settings: CropSettings) -> Placement:
    """Where the crop of a face lies in its picture."""
    side = settings.side
    if settings.alignment == "upright":
        points = face.box.reshape(2, 2) if face.mesh is None else face.mesh[:, :2]
        return Placement(_framed(points, side, settings.margin), Size(side, side))
    placement = align(face, CropSpec(FFHQ_512, side) if settings.alignment == "ffhq" else arcface(side))
    # As the templates' projects cut it, which count from pixel middles.
    return placement._replace(matrix=shifted(placement.matrix, -0.5, 0.5))


def _framed(points: FloatArray, side: int, margin: float) -> Matrix:
    """To a square of that side with the points (N, 2) in its middle, and that share of their extent on each side."""
    low, high = points.min(0), points.max(0)
    scale = side / (max(float((high - low).max()), 1.0) * (1 + 2 * margin))
    return np.hstack([np.eye(2) * scale, (side / 2 - scale * (low + high) / 2)[:, None]])


def _placed(
    number: int,
    picture: Picture,
    found: Sequence[Face],
    others: Sequence[Face],
    settings: CropSettings,
    mesher: Mesher | None,
) -> list[FaceCrop]:
    faces = list(found) if mesher is None else add_meshes(picture, found, mesher)
    stay = in_front(picture, faces, others, mesher)
    return [
        FaceCrop(number, face, place(face, settings).matrix, tuple(outlines))
        for face, outlines in zip(faces, stay, strict=True)
    ]


def _own_mask(image: ImageF32, crop: FaceCrop) -> tuple[Mask, Sequence[str]]:
    """The face's mask without the faces in front of it, and what there is to say."""
    patch = behind(Patch(image, face_mask(crop, len(image))), Crop(image, crop.matrix, crop.face), crop.in_front)
    return combined([patch.mask], patch.bounds), patch.notes


def _open(picture: Picture, placement: Placement, limit: Mask | None) -> Mask | float:
    """(h, w) where pixels of the picture may change in a crop; 1 where that is everywhere."""
    if limit is None and lies_within(placement, Size.of(picture)):
        return 1.0
    whole = np.ones(picture.shape[:2], np.uint8) if limit is None else limit
    return cast(Mask, warp(whole, *placement).astype(np.float32))


def _notes(placement: Placement, size: Size) -> list[str]:
    notes: list[str] = []
    if not lies_within(placement, size):
        beyond = 1 - float(valid_mask(*placement, size).mean())
        notes.append(f"{beyond:.0%} of the crop lies beyond the picture, whose edge is continued there")
    if (scale := scale_of(placement.matrix)) < _REDUCED:
        shown = round(placement.size.width / scale)
        notes.append(f"{shown} pixels of the picture became {placement.size.width}: a larger crop_size keeps more")
    return notes
