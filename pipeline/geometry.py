"""Similarity fits, crops and their way back.

Matrices are (2, 3), in half-pixel coordinates: the middle of the top left pixel is (0.5, 0.5).
"""

from __future__ import annotations

from math import ceil, floor, sqrt
from typing import NamedTuple, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import ArrayLike

from .bands import resized_by_area, to_float
from .errors import require_choice
from .types import (
    DEFAULT_INTERPOLATION,
    CropSpec,
    Face,
    FloatArray,
    ImageF32,
    Interpolation,
    Mask,
    Matrix,
    Picture,
    Placement,
    Size,
)

INTERPOLATIONS: tuple[Interpolation, ...] = ("Nearest", "Bilinear", "Bicubic", "Lanczos")
INTERPOLATION_FLAGS = {
    "Nearest": cv2.INTER_NEAREST,
    "Bilinear": cv2.INTER_LINEAR,
    "Bicubic": cv2.INTER_CUBIC,
    "Lanczos": cv2.INTER_LANCZOS4,
}
A = TypeVar("A", bound=Picture)
Colour = tuple[float, float, float]
"""RGB in [0, 1]."""
_ONE_PLACE = 1e-9
"""Points that are no further apart are in one place: of their differences nothing is left but rounding."""
_KERNEL_MARGIN = 5
"""Pixels around a region that the widest kernel (Lanczos, 8 × 8) may read."""

_INSIDE_SIDE = 64
_LEFT_TO_KERNEL = 1.5
"""How much of a reduction is left to the kernel after averaging: with less both blur one after the other, with more
details alias (measured on a portrait reduced 2 to 6 times: 1.5 comes nearest to the exact average, by up to 9 dB)."""


class Region(NamedTuple):
    """A rectangle of whole pixels; right and bottom are outside it."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def size(self) -> Size:
        return Size(self.right - self.left, self.bottom - self.top)

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def empty(self) -> bool:
        return self.right <= self.left or self.bottom <= self.top

    def grown(self, margin: int) -> Region:
        return Region(self.left - margin, self.top - margin, self.right + margin, self.bottom + margin)

    def within(self, size: Size) -> Region:
        return Region(max(self.left, 0), max(self.top, 0), min(self.right, size.width), min(self.bottom, size.height))


def similarity(source: ArrayLike, target: ArrayLike) -> Matrix:
    """The rotation, uniform scale and shift that brings `source` (N, 2) nearest to `target` (N, 2): (2, 3).

    Least squares over all points, never a mirroring (Umeyama, "Least-squares estimation of transformation parameters
    between two point patterns", 1991; in two dimensions it has this closed form). All points in one place give a shift.
    """
    from_points, to_points = np.asarray(source, np.float64), np.asarray(target, np.float64)
    from_mean, to_mean = from_points.mean(0), to_points.mean(0)
    a, b = from_points - from_mean, to_points - to_mean
    spread = float((a * a).sum())
    spread = spread if spread > _ONE_PLACE**2 else 0.0
    cos = float((a * b).sum()) / spread if spread else 1.0
    sin = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / spread if spread else 0.0
    linear = np.array([[cos, -sin], [sin, cos]])
    return np.hstack([linear, (to_mean - linear @ from_mean)[:, None]])


def align(face: Face, spec: CropSpec) -> Placement:
    """The square crop in which a face's five landmarks come nearest to a template's, by least squares."""
    return Placement(similarity(face.landmarks, spec.template * spec.size), Size(spec.size, spec.size))


def shifted(matrix: Matrix, before: float, after: float) -> Matrix:
    """The matrix with both coordinates shifted by `before` ahead of it and by `after` behind it."""
    a, b, x, c, d, y = _numbers(matrix)
    return np.array([[a, b, x + (a + b) * before + after], [c, d, y + (c + d) * before + after]])


def inverse(matrix: Matrix) -> Matrix:
    """The matrix that undoes an affine (2, 3) matrix."""
    a, b, x, c, d, y = _numbers(matrix)
    size = a * d - b * c
    a, b, c, d = d / size, -b / size, -c / size, a / size
    return np.array([[a, b, -(a * x + b * y)], [c, d, -(c * x + d * y)]])


def _numbers(matrix: Matrix) -> list[float]:
    """The six numbers, row by row: plain arithmetic on these few costs a tenth of what arrays do."""
    return matrix.ravel().tolist()


def scale_of(matrix: Matrix) -> float:
    """By how much lengths grow under a similarity."""
    a, b, _, c, d, _ = _numbers(matrix)
    return sqrt(abs(a * d - b * c))


def transform_points(matrix: Matrix, points: ArrayLike) -> FloatArray:
    """Apply a (2, 3) matrix to (N, 2) points."""
    return np.asarray(points, np.float64) @ matrix[:, :2].T + matrix[:, 2]


def transform_mesh(matrix: Matrix, mesh: FloatArray) -> FloatArray:
    """Apply a (2, 3) similarity to a (N, 3) mesh; z grows with the same scale."""
    return np.hstack([transform_points(matrix, mesh[:, :2]), mesh[:, 2:] * scale_of(matrix)])


def bounds(points: ArrayLike) -> Region:
    """The whole pixels that hold all points (N, 2)."""
    low, high = np.min(points, 0), np.max(points, 0)
    return Region(floor(low[0]), floor(low[1]), ceil(high[0]), ceil(high[1]))


def corners(region: Region) -> FloatArray:
    """(4, 2) corner points of a region."""
    left, top, right, bottom = region
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64)


def extract_crop(
    picture: Picture,
    placement: Placement,
    interpolation: Interpolation = DEFAULT_INTERPOLATION,
    outside: Colour | None = None,
    *,
    continued: bool = False,
) -> ImageF32:
    """Cut a crop out of a picture: (H, W, 3) RGB float32, always a new array.

    What lies outside the picture is black; given a colour `outside`, it is that, and the picture's edge keeps its own
    colours up to the very border instead of fading; `continued`, it has the colours of the nearest edge. Only the
    region that the crop covers is read. Where the crop shrinks it more than twice, the region is averaged over areas
    first, so that nothing flickers or glitters.
    """
    matrix, size = placement
    wanted = bounds(transform_points(inverse(matrix), corners(Region(0, 0, *size)))).grown(_KERNEL_MARGIN)
    if (region := wanted.within(Size.of(picture))).empty:
        return np.full((size.height, size.width, 3), outside or 0, np.float32)
    image, matrix = picture[region.slices], compose(matrix, from_region(region))
    if outside is not None and region != wanted:
        image, matrix = _bordered(image, matrix)
    reduced, matrix = _reduced(Size.of(image), matrix, interpolation)
    image = to_float(image) if reduced == Size.of(image) else resized_by_area(image, reduced)
    border = cv2.BORDER_REPLICATE if continued else cv2.BORDER_CONSTANT
    return _warped(image, matrix, size, interpolation, outside or (0, 0, 0), border)


def valid_mask(matrix: Matrix, crop: Size, picture: Size) -> Mask:
    """(64, 64) 1 where a crop of this matrix and size shows the picture, 0 where it shows what lies outside."""
    middles = (np.arange(_INSIDE_SIDE) + 0.5) / _INSIDE_SIDE
    columns, rows = np.meshgrid(middles * crop.width, middles * crop.height)
    points = transform_points(inverse(matrix), np.stack([columns.ravel(), rows.ravel()], 1))
    seen = ((points >= 0) & (points <= picture)).all(1)
    return np.asarray(seen.reshape(columns.shape), np.float32)


def lies_within(placement: Placement, picture: Size) -> bool:
    """Whether a crop lies in a picture of this size as a whole."""
    points = transform_points(inverse(placement.matrix), corners(Region(0, 0, *placement.size)))
    return bool(((points >= 0) & (points <= picture)).all())


def from_region(region: Region) -> Matrix:
    """From region coordinates to picture coordinates."""
    return np.array([[1.0, 0.0, region.left], [0.0, 1.0, region.top]])


def compose(matrix: Matrix, first: Matrix) -> Matrix:
    """The matrix that applies `first`, then `matrix`."""
    a, b, x, c, d, y = _numbers(matrix)
    p, q, u, r, s, v = _numbers(first)
    return np.array(
        [
            [a * p + b * r, a * q + b * s, a * u + b * v + x],
            [c * p + d * r, c * q + d * s, c * u + d * v + y],
        ]
    )


def warp(
    image: A,
    matrix: Matrix,
    size: Size,
    interpolation: Interpolation = DEFAULT_INTERPOLATION,
    outside: Colour = (0, 0, 0),
) -> A:
    """Resample (H, W, ...) by a half-pixel matrix into a new array of `size`. Shrinks by area before it aliases.

    Raises SettingsError for an unknown interpolation.
    """
    reduced, matrix = _reduced(Size.of(image), matrix, interpolation)
    if reduced != Size.of(image):
        image = cast(A, cv2.resize(image, reduced, interpolation=cv2.INTER_AREA))
    return _warped(image, matrix, size, interpolation, outside)


def _warped(
    image: A,
    matrix: Matrix,
    size: Size,
    interpolation: Interpolation,
    outside: Colour,
    border: int = cv2.BORDER_CONSTANT,
) -> A:
    if is_shift(matrix) and _covers(image, matrix, size):
        left, top = (-matrix[:, 2]).round().astype(int)
        # A copy: writing into a crop must not change the picture that it comes from.
        return cast(A, image[top : top + size.height, left : left + size.width].copy())
    require_choice("interpolation", interpolation, INTERPOLATIONS)
    flags = INTERPOLATION_FLAGS[interpolation]
    moved = shifted(matrix, 0.5, -0.5)
    return cast(A, cv2.warpAffine(image, moved, size, flags=flags, borderMode=border, borderValue=outside))


def is_shift(matrix: Matrix) -> bool:
    """Whether the matrix only moves pixels by whole steps, so that nothing need be resampled."""
    a, b, x, c, d, y = _numbers(matrix)
    plain = max(abs(a - 1), abs(b), abs(c), abs(d - 1)) < 1e-9
    return plain and max(abs(x - round(x)), abs(y - round(y))) < 1e-6


def _covers(image: Picture, matrix: Matrix, size: Size) -> bool:
    left, top = -matrix[:, 2]
    return left >= 0 and top >= 0 and left + size.width <= image.shape[1] and top + size.height <= image.shape[0]


def _reduced(size: Size, matrix: Matrix, interpolation: Interpolation) -> tuple[Size, Matrix]:
    """To which size an image is averaged, so that the kernel then reads all of it, and the matrix from there on."""
    shrink = 1 / max(scale_of(matrix), 1e-6)
    if shrink < 2:
        return size, matrix
    factor = max(round(shrink / (1 if interpolation == "Nearest" else _LEFT_TO_KERNEL)), 2)
    reduced = Size(max(size.width // factor, 1), max(size.height // factor, 1))
    return reduced, np.hstack([matrix[:, :2] * (np.array(size) / reduced), matrix[:, 2:]])


def _bordered(image: Picture, matrix: Matrix) -> tuple[Picture, Matrix]:
    """The image with its edge repeated as far outwards as a kernel reads."""
    # No more than as much again: a crop in which the picture is a few pixels has no use for the rest.
    edge = min(_KERNEL_MARGIN * max(floor(1 / max(scale_of(matrix), 1e-6)), 1), max(image.shape[:2]))
    wider = np.pad(image, ((edge, edge), (edge, edge), (0, 0)), mode="edge")
    return wider, compose(matrix, from_region(Region(-edge, -edge, 0, 0)))


def resized(image: A, size: Size) -> A:
    """Resize (H, W, ...) float32: by area where it shrinks, bilinear where it grows."""
    if Size.of(image) == size:
        return image
    shrinks = size.width < image.shape[1]
    flags = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cast(A, cv2.resize(image, size, interpolation=flags))
