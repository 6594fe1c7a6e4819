"""What models do for the pipeline.

Whatever a model does raises EngineError where its runtime fails, OutOfMemoryError where memory is full, and, as models
open at first use, DamagedModelError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from .types import (
    AgeRange,
    Box,
    ColourMatch,
    Crop,
    Donor,
    Embedding,
    Face,
    Gender,
    ImageF32,
    Mask,
    Patch,
    Picture,
    Placement,
    Points,
    View,
)


class Detector(Protocol):
    """Finds faces."""

    confidence: float
    """Faces scored below this are dropped; settable."""

    def detect(self, frame: Picture) -> list[Face]: ...


class Watched(NamedTuple):
    """What was seen of a clip's next frame."""

    known: Sequence[Face | None]
    """The faces that were known; None for those that are lost."""
    others: Sequence[Face]
    """Some of these may be known ones again."""
    denied: frozenset[int] = frozenset()
    """Places of known faces that are none any more, to be forgotten."""


class Follower(Protocol):
    """A detector that needn't search all of each frame of a clip."""

    def watch(self, frame: Picture, known: Sequence[Face], before: float, time: float) -> Watched:
        """The known faces in the next frame, and others in the parts of it whose turn it is.

        The frame before was shown at `before` seconds, this one is at `time`: each part has its turn twice a second.
        """
        ...


class Locator(Protocol):
    """Measures the faces in given boxes."""

    def locate(self, frame: Picture, boxes: Sequence[Box]) -> Sequence[Face | None]: ...


Metric = Literal["euclidean", "cosine"]
"""How far apart identities are: the length of their difference, or 1 − the cosine of their angle (0 to 2)."""


class Comparison(Protocol):
    """How embeddings of one model are compared: all that is asked of an `Embedder` where none is measured."""

    @property
    def name(self) -> str: ...

    @property
    def same_person(self) -> float: ...

    @property
    def metric(self) -> Metric: ...


class Embedder(Protocol):
    """Gives faces an identity."""

    name: str
    """What its embeddings carry as their model."""
    same_person: float
    """Distance between embeddings below which two faces are taken for one person."""
    metric: Metric

    def embed(self, frame: Picture, faces: Sequence[Face]) -> list[Embedding]: ...


class Guess(NamedTuple):
    """What a face looks like to a network, which is wrong now and then."""

    gender: Gender
    age: AgeRange | None = None
    """None where the network guesses none."""


class Attributes(Protocol):
    """Guesses the gender of faces, and some their age."""

    def guess(self, frame: Picture, faces: Sequence[Face]) -> list[Guess]: ...


class Landmarker(Protocol):
    """Measures landmarks of faces that are found already."""

    name: str
    """For reports."""

    def measure(self, frame: Picture, faces: Sequence[Face]) -> list[Points | None]:
        """(5, 2) landmarks a face, in full-picture pixels and the order of `Face`; None where it isn't sure."""
        ...


class Mesher(Protocol):
    """Fits the 468-point mesh to faces that lack it; None where no face is found under the landmarks."""

    def fit(self, frame: Picture, faces: Sequence[Face]) -> list[Face | None]: ...

    def place(self, face: Face) -> Placement:
        """The crop that `agreement` wants of a face, with a mesh or without."""
        ...

    def agreement(self, crops: Sequence[ImageF32]) -> list[float]:
        """How surely each crop shows a face as the mesh takes it: log odds, the model's own."""
        ...


class Parser(Protocol):
    """Tells the face's own pixels from hair, hands and background."""

    needs_mesh: bool
    """Whether the faces must carry a mesh: of one without, nothing is said."""
    rim: float
    """Of a crop's longer side: how far around what it finds the swapped face fades in; 0 as other masks do."""

    def place(self, face: Face) -> Placement:
        """The crop that `parse` wants of a face."""
        ...

    def parse(self, crops: Sequence[Crop]) -> list[Mask]: ...


class Swapper(Protocol):
    """A swap engine. Its methods raise SettingsError for a face without the mesh that it needs, and for a donor that
    another engine prepared; EngineError and OutOfMemoryError where a network fails.
    """

    needs_mesh: bool
    """Whether targets and donors must carry a mesh."""
    colour: ColourMatch
    """The colour match that suits the engine: what `auto` stands for."""

    def place(self, face: Face) -> Placement:
        """The crop that `swap` wants of a face."""
        ...

    def prepare(self, frame: Picture, face: Face, others: Sequence[View] = ()) -> Donor:
        """A donor of a source face and of `others`, further views of the same person."""
        ...

    def swap(self, crops: Sequence[Crop], donors: Sequence[Donor], strength: float) -> list[Patch]: ...


class Expresser(Protocol):
    """Gives swapped faces the expression that their targets had."""

    def place(self, face: Face) -> Placement:
        """The crop that `express` wants of a face."""
        ...

    def express(self, swapped: ImageF32, target: ImageF32, weight: float) -> ImageF32:
        """A crop of the swapped face with the target's expression, as far as `weight` in [0, 1] says.

        Raises SettingsError for another weight.
        """
        ...


class FaceMarker(Protocol):
    """Marks a swapped face as such, unseen."""

    def __call__(self, picture: Picture, face: Face, changed: Mask) -> str | None:
        """Mark a face in place, no pixel where `changed` (H, W) is 0; gives a line for the report, empty where all is
        well, and None where nothing of the face was changed."""
        ...


class Restorer(Protocol):
    """A face restoration network."""

    @property
    def fidelity(self) -> bool:
        """Whether `weight` steers the network: 0 restores most, 1 stays closest. Else it is the restored face's share
        in a blend with the crop."""
        ...

    @property
    def batch(self) -> int:
        """How many crops are worth giving at once."""
        ...

    def place(self, face: Face) -> Placement:
        """The crop that `restore` wants of a face."""
        ...

    def restore(self, crops: Sequence[ImageF32], weight: float) -> list[ImageF32]:
        """Restored crops, one each.

        Raises OutOfMemoryError where fewer crops may fit, SettingsError for a weight outside [0, 1], MismatchError for
        crops of another size than `place` says.
        """
        ...
