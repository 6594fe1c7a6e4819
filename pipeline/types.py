"""The values that flow from step to step.

Pictures are `(H, W, C)` with C = 1 (grey), 3 (RGB) or 4 (RGB and alpha), of float, uint8 or uint16; crops are always
RGB float32 in [0, 1]. Points are (x, y) in full-picture pixels with half-pixel centres: the middle of the top left
pixel is (0.5, 0.5). Left is left as the viewer sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import MismatchError, SettingsError
from .quotes import quoted

Picture = NDArray[np.integer | np.floating]
"""(H, W, C) grey, RGB or RGBA: floats in [0, 1], or uint8 or uint16 up to their most."""
FloatArray = NDArray[np.floating]
"""float32 or float64, of a shape that is said where it is used."""
ImageF32 = NDArray[np.float32]
"""(H, W, 3) RGB in [0, 1]."""
Mask = NDArray[np.float32]
"""(H, W) in [0, 1]."""
Matrix = NDArray[np.float64]
"""(2, 3) affine matrix from full-picture pixels to crop pixels."""
Box = FloatArray
"""(4,) left, top, right, bottom in pixels."""
Points = FloatArray
"""(N, 2) x, y in pixels."""
Mesh = FloatArray
"""(468, 3) MediaPipe face mesh: x, y in pixels, z in the same unit, smaller is nearer."""
Vector = NDArray[np.float32]
"""(D,) of a model's own space."""
Gender = Literal["female", "male"]
OLDEST = 120
"""Years: nobody is taken for older."""
ColourMatch = Literal["auto", "none", "lighting", "mean"]
SkinTone = Literal["target", "donor"]
Glasses = Literal["donor", "target", "none"]
Average = Literal["mean", "median"]
Alignment = Literal["ffhq", "arcface", "upright"]
NOT_SWAPPED, NOT_RESTORED = "not swapped: ", "not restored: "
"""How a note starts on a face that stays because the network failed at it; the network's error follows."""
Interpolation = Literal["Nearest", "Bilinear", "Bicubic", "Lanczos"]
DEFAULT_INTERPOLATION: Interpolation = "Bilinear"
STRENGTHS: Final = (-1.0, 2.0)
"""The least and the most strength of a swap."""
Progress = Callable[[int, int], None]
"""Called as `progress(done, total)` after every face; may raise to stop the work."""

Notice = Callable[[str], None]
"""Called before the work with each line on what is known of its result already."""

MESH_POINTS = 468
FARTHEST = 1e6
"""Pixels from a picture's corner: nothing is measured beyond."""


class Size(NamedTuple):
    """Width and height in pixels."""

    width: int
    height: int

    @classmethod
    def of(cls, picture: Picture) -> Size:
        return cls(picture.shape[1], picture.shape[0])

    @classmethod
    def holding(cls, pictures: Sequence[Picture]) -> Size:
        """The smallest size that holds every picture of a batch; (0, 0) for an empty batch."""
        sizes = [cls.of(picture) for picture in pictures]
        return cls(max((s.width for s in sizes), default=0), max((s.height for s in sizes), default=0))

    def __str__(self) -> str:
        return f"{self.width}×{self.height}"


class AgeRange(NamedTuple):
    """From `low` to `high` years, both included."""

    low: int
    high: int

    def meets(self, other: AgeRange) -> bool:
        """Whether there is an age in both."""
        return self.low <= other.high and other.low <= self.high

    def __str__(self) -> str:
        if self.low == self.high:
            return f"{self.low}"
        return f"{self.low}+" if self.high >= OLDEST else f"{self.low}-{self.high}"


def _frozen(value: ArrayLike, shape: tuple[int, ...], name: str) -> NDArray[np.float32]:
    expected = f"{name}: expected finite numbers of shape {shape}"
    try:
        with np.errstate(over="ignore"):
            array = np.array(value, np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise SettingsError(f"{expected}, got {quoted(value)}") from error
    if array.shape != shape:
        raise SettingsError(f"{expected}, got {array.shape}")
    if not np.isfinite(array).all():
        raise SettingsError(f"{expected}, got NaN or infinity")
    array.flags.writeable = False
    return array


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """Who a face is, in numbers that only others of the same model compare with. Copied in and read-only."""

    vector: Vector
    """(D,) of the model's own scale."""
    model: str
    """Name of the embedder's row in the catalog, e.g. `dlib128` or `w600k_r50`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "vector", _frozen(self.vector, (np.size(self.vector),), "embedding"))


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face in one picture. Arrays are copied in and read-only; `dataclasses.replace` makes an enriched face.

    Raises SettingsError for other shapes, NaN, infinity, and places beyond `FARTHEST`.
    """

    box: Box
    landmarks: Points
    """(5, 2) eye at the picture's left, eye at the right, nose tip, mouth corner left, right (of an upright face)."""
    score: float
    """The detector's confidence, 0 to 1."""
    frame: int = 0
    """Number of the picture in its batch."""
    index: int = 0
    """Number of the face in its picture, once ordered."""
    gender: Gender | None = None
    """None where it wasn't asked for."""
    mesh: Mesh | None = None
    embedding: Embedding | None = None
    """Who it is; None where that wasn't asked for."""
    age: AgeRange | None = None
    """A guess; None where it wasn't asked for."""
    views: tuple[Face, ...] = ()
    """Further faces of the same person, in any pictures of the batch: a donor that several pictures show."""
    pictured: bool = True
    """Whether its picture shows it; of a face that was saved without pictures, only numbers are left."""
    consent: str = ""
    """A note, on one line, of what was agreed about its use: of a saved face; empty where there is none."""

    def __post_init__(self) -> None:
        if any(view.views for view in self.views):
            raise SettingsError("views: expected faces without views of their own")
        if not isfinite(self.score):
            raise SettingsError(f"score: expected a number from 0 to 1, got {self.score}")
        object.__setattr__(self, "box", _frozen(self.box, (4,), "box"))
        object.__setattr__(self, "landmarks", _frozen(self.landmarks, (5, 2), "landmarks"))
        if self.mesh is not None:
            object.__setattr__(self, "mesh", _frozen(self.mesh, (MESH_POINTS, 3), "mesh"))
        for name, places in {"box": self.box, "landmarks": self.landmarks, "mesh": self.mesh}.items():
            if places is not None and np.abs(places).max() > FARTHEST:
                raise SettingsError(f"{name}: expected pixels within ±{FARTHEST:,.0f}, got {np.abs(places).max():g}")

    @property
    def area(self) -> float:
        """Area of the box in square pixels."""
        return float((self.box[2] - self.box[0]) * (self.box[3] - self.box[1]))

    @property
    def person(self) -> tuple[Face, ...]:
        """All faces that show this person: itself first, then its views."""
        return (self, *self.views)

    @property
    def consents(self) -> tuple[str, ...]:
        """The notes on all faces that show this person, each once."""
        return tuple(dict.fromkeys(face.consent for face in self.person if face.consent))


@dataclass(frozen=True, slots=True, eq=False)
class FaceSet:
    """The faces of a batch of pictures, a tuple a picture. Holds no pixels."""

    frames: tuple[tuple[Face, ...], ...]
    size: Size
    """The pictures' size; of pictures of several sizes, the smallest size that holds them all."""
    notes: tuple[str, ...] = ()
    """What to try for pictures in which no face was found."""
    others: tuple[tuple[Face, ...], ...] = ()
    """Further faces of the pictures, a tuple a picture, that were left out: they may lie in front of these. Of another
    length, e.g. after `replace` with other `frames`, they aren't used."""
    remarks: tuple[str, ...] = ()
    """What is to be known of how the faces were measured."""

    def __len__(self) -> int:
        return len(self.frames)

    def __iter__(self) -> Iterator[tuple[Face, ...]]:
        return iter(self.frames)

    @property
    def count(self) -> int:
        """Number of faces in all pictures together."""
        return sum(len(faces) for faces in self.frames)

    def others_of(self, frame: int) -> tuple[Face, ...]:
        """The further faces of one picture."""
        return self.others[frame] if len(self.others) == len(self.frames) else ()

    @property
    def merged(self) -> bool:
        """Whether somebody is shown by several faces."""
        return any(face.views for face in self.flat())

    def flat(self) -> tuple[Face, ...]:
        """All faces, picture after picture: the numbering of sources."""
        return tuple(face for faces in self.frames for face in faces)

    def require(self, pictures: Sequence[Picture], what: str) -> None:
        """Raise MismatchError unless these are the pictures, by number and size, that the faces were found in."""
        require_match(self.size, len(self.frames), pictures, what)


def require_match(size: Size, length: int, pictures: Sequence[Picture], what: str) -> None:
    """Raise MismatchError unless `pictures` are `length` in number and `size` is the size that holds them all."""
    found = Size.holding(pictures)
    if len(pictures) != length or (length and found != size):
        raise MismatchError(
            f"the {what} faces were found in {length} picture(s) of {size}, but {len(pictures)} picture(s) of {found} "
            f"came with them: connect the same {what} pictures to detection and to this step"
        )


class Pair(NamedTuple):
    """One swap: the source face goes onto the target face."""

    target: Face
    """Its `index` is its number in its picture."""
    source: Face
    """Its `index` is its number among the faces of all source pictures; one object in every pair that it serves."""
    shares: tuple[float, ...] = ()
    """How much each pictured face of the source's person shows; empty where the engine chooses."""


@dataclass(frozen=True, slots=True, eq=False)
class IndexMap:
    """Who becomes whom, a tuple of pairs a target picture, and what was asked for but not found."""

    frames: tuple[tuple[Pair, ...], ...]
    report: tuple[str, ...]
    target_size: Size
    source_size: Size
    source_count: int
    """Number of source pictures."""
    others: tuple[tuple[Face, ...], ...] = ()
    """The target pictures' other faces, a tuple a picture: they stay as they are. Of another length, e.g. after
    `replace` with other `frames`, they aren't used."""

    @property
    def count(self) -> int:
        """Number of pairs in all pictures together."""
        return sum(len(pairs) for pairs in self.frames)

    def others_of(self, frame: int) -> tuple[Face, ...]:
        """The other faces of one target picture."""
        return self.others[frame] if len(self.others) == len(self.frames) else ()

    def require(self, targets: Sequence[Picture], sources: Sequence[Picture]) -> None:
        """Raise MismatchError unless these are the pictures that the pairs were made from."""
        require_match(self.target_size, len(self.frames), targets, "target")
        require_match(self.source_size, self.source_count, sources, "source")
        frames = {view.frame for pairs in self.frames for pair in pairs for view in pair.source.person}
        if not frames <= set(range(len(sources))):
            raise MismatchError(
                f"the source faces are of the pictures {sorted(frames)}, but {len(sources)} came with them"
            )


class CropSpec(NamedTuple):
    """How a model wants its faces cut out."""

    template: Points
    """(5, 2) where the five landmarks go, in the unit square."""
    size: int
    """Side of the square crop in pixels."""


class Placement(NamedTuple):
    """Where a crop lies in its picture."""

    matrix: Matrix
    size: Size


class Crop(NamedTuple):
    """A face cut out of a picture."""

    image: ImageF32
    matrix: Matrix
    face: Face
    valid: Mask | None = None
    """(h, w), of any size: 1 where the crop shows the picture, 0 what lies outside; None where it is all inside."""


class View(NamedTuple):
    """A face of a donor in its picture."""

    picture: Picture
    face: Face

    @classmethod
    def all_of(cls, donor: Face, pictures: Sequence[Picture]) -> tuple[View, ...]:
        """All views of a donor, the main one first."""
        return tuple(cls(pictures[face.frame], face) for face in donor.person)


class Donor(NamedTuple):
    """What an engine needs of a source face, computed once a source face and not once a frame."""

    face: Face
    crops: tuple[Crop, ...] = ()
    """The source's pixels, each crop half as large as the one before it."""
    embedding: Vector | None = None
    """In the engine's own space."""
    skin: FloatArray | None = None
    """(468,) in [0, 1]: how surely each mesh point shows the face and not hair over it."""
    tint: FloatArray | None = None
    """(3,) factors that lead its colours to those of the person's first view; None for that one."""
    others: tuple[Donor, ...] = ()
    """The same of the person's further views, for engines that take pictures."""
    shares: tuple[float, ...] = ()
    """How much each view shows, itself first; empty where the engine chooses for each target."""


class Behind(NamedTuple):
    """A target with something taken off its face."""

    image: ImageF32
    """(H, W, 3), of the patch's size."""
    share: Mask
    """(H, W) in [0, 1]: where it replaces the target."""


class Patch(NamedTuple):
    """A swapped or restored crop on its way back into the picture."""

    image: ImageF32
    mask: Mask
    """How much of the crop replaces the picture."""
    skin: tuple[Mask, Mask] | None = None
    """Where the colours of the patch and of what it replaces are compared, of any one size (they are
    used small); None for the mask."""
    notes: tuple[str, ...] = ()
    """Lines for the report."""
    bounds: tuple[Mask, ...] = ()
    """Of 0 and 1: beyond any of them the picture stays. Their rims aren't softened yet."""
    lips: Mask | None = None
    """(h, w) of any size: where the patch shows lips, whose colour stands out from the skin's; None for nowhere."""
    normals: FloatArray | None = None
    """(h, w, 3) of any size: unit normals of the patch's surface, 0 where it has none; None where it isn't known."""
    tone: FloatArray | None = None
    """(3,) factors of the channels that lead from the target's skin tone to another; None keeps the target's."""
    behind: Behind | None = None
    """What the target shows beneath and beside the patch; None for its own pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class SwapResult:
    """What a swap or a restoration gives back."""

    images: Sequence[Picture]
    """As many pictures as came in, each of the same shape and dtype."""
    faces: FaceSet
    """The faces that were changed."""
    masks: Sequence[Mask]
    """One a picture: where pixels may have changed; outside, every bit is the input's."""
    report: tuple[str, ...]
