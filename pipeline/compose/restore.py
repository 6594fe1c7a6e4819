"""The restoration of faces over a batch of pictures: crop → restore → colour → mask → paste."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, cast

import numpy as np

from ..errors import NotFiniteError, OutOfMemoryError, require_choice, require_range
from ..faces.depth import from_behind, in_front
from ..geometry import INTERPOLATIONS, extract_crop, valid_mask
from ..protocols import Expresser, Mesher, Parser, Restorer
from ..types import (
    DEFAULT_INTERPOLATION,
    NOT_RESTORED,
    Crop,
    Face,
    FaceSet,
    ImageF32,
    Interpolation,
    Mask,
    Patch,
    Picture,
    Points,
    Progress,
    Size,
    SwapResult,
)
from .colour import match_drift
from .masks import combined, square_mask
from .occlusion import behind, bounded
from .paste import paste

_SURROUND = (132 / 255, 133 / 255, 135 / 255)
"""What restorers see beyond the picture's edge; facexlib, `utils/face_restoration_helper.py`."""


@dataclass(frozen=True, slots=True)
class RestoreSettings:
    """How faces are restored and blended in."""

    weight: float = 0.75
    """CodeFormer's fidelity: 0 restores most, 1 stays closest; for other restorers the restored face's share."""
    visibility: float = 1.0
    """0 leaves the picture, 1 shows the restored face alone."""
    colour_correct: bool = True
    """Give the restored face the mean colours and low frequencies of the crop that it came from."""
    interpolation: Interpolation = DEFAULT_INTERPOLATION

    def __post_init__(self) -> None:
        require_range("face_restore_weight", self.weight, 0, 1)
        require_range("visibility", self.visibility, 0, 1)
        require_choice("interpolation", self.interpolation, INTERPOLATIONS)


class Restored(NamedTuple):
    """One face on its way back into its picture."""

    frame: int
    patch: Patch | str
    """Or why the restorer failed at it: the face stays as it is."""
    crop: Crop


def restore_batch(
    pictures: Sequence[Picture],
    faces: FaceSet,
    restorer: Restorer,
    settings: RestoreSettings,
    *,
    parser: Parser | None = None,
    mesher: Mesher | None = None,
    progress: Progress | None = None,
) -> SwapResult:
    """Restore exactly these faces, by their own landmarks. With a parser hair and hands before the face stay; of the
    pictures' other faces, those in front and beside stay: see `faces.depth.in_front`, which uses the mesher.

    Raises MismatchError for faces of other pictures, OutOfMemoryError where a single face doesn't fit, and what the
    models raise.
    """
    faces.require(pictures, "restored")
    result = untouched(pictures)
    report = [f"frame {number}: no face to restore" for number, found in enumerate(faces) if not found]
    batches = Batches(restorer, settings.weight, report.append)
    failed: set[int] = set()
    for done, one in enumerate(restore_faces(pictures, faces, batches, settings, parser, mesher), 1):
        where = f"frame {one.frame}, face {one.crop.face.index}"
        if isinstance(one.patch, str):
            failed.add(id(one.crop.face))
            report.append(f"{where}: {NOT_RESTORED}{one.patch}")
        else:
            image, mask, changed = one.patch.image, one.patch.mask, result.masks[one.frame]
            paste(result.images[one.frame], image, mask, one.crop.matrix, settings.interpolation, changed=changed)
            report += [f"{where}: {note}" for note in one.patch.notes]
        if progress is not None:
            progress(done, faces.count)
    return replace(result, faces=_without(faces, failed), report=tuple(report))


def _without(faces: FaceSet, failed: Collection[int]) -> FaceSet:
    """The faces but those of these ids, which are among the others then."""
    if not failed:
        return faces
    frames = tuple(tuple(face for face in found if id(face) not in failed) for found in faces)
    others = tuple(
        (*faces.others_of(number), *(face for face in found if id(face) in failed))
        for number, found in enumerate(faces)
    )
    return replace(faces, frames=frames, others=others)


def untouched(pictures: Sequence[Picture]) -> SwapResult:
    """Copies of the pictures, with no face changed; one array where they are one."""
    nobody = FaceSet(((),) * len(pictures), Size.holding(pictures))
    if isinstance(pictures, np.ndarray):
        batch = cast(Picture, pictures)
        empty = np.zeros(batch.shape[:3], np.float32)
        return SwapResult(cast("Sequence[Picture]", batch.copy()), nobody, cast("Sequence[Mask]", empty), ())
    masks = [np.zeros(picture.shape[:2], np.float32) for picture in pictures]
    return SwapResult([picture.copy() for picture in pictures], nobody, masks, ())


def restore_faces(
    pictures: Sequence[Picture],
    faces: FaceSet,
    batches: Batches,
    settings: RestoreSettings,
    parser: Parser | None = None,
    mesher: Mesher | None = None,
) -> Iterator[Restored]:
    """The finished patches, picture after picture, from behind: where nothing tells who is in front, the larger is.

    The network gets several faces at once, also of several pictures; crops are of the pictures as they came in.
    """
    jobs = [
        (number, face, stay)
        for number, (picture, found) in enumerate(zip(pictures, faces, strict=True))
        for face, stay in _from_behind(picture, found, faces.others_of(number), mesher)
    ]
    restorer = batches.restorer
    for at in range(0, len(jobs), restorer.batch):
        some = jobs[at : at + restorer.batch]
        crops = [cut_face(pictures[number], face, restorer, settings.interpolation) for number, face, _ in some]
        good: list[tuple[int, Crop, Patch]] = []
        restored = batches.restore([crop.image for crop in crops])
        for (number, _, stay), crop, image in zip(some, crops, restored, strict=True):
            if isinstance(image, str):
                yield Restored(number, image, crop)
            else:
                good.append((number, crop, behind(_patch(image, crop, pictures[number], settings), crop, stay)))
        patches = [patch for _, _, patch in good]
        if parser is not None:
            places = [pictures[number] for number, _, _ in good]
            patches = bounded(parser, places, [crop for _, crop, _ in good], patches, "restored")
        for (number, crop, _), patch in zip(good, patches, strict=True):
            yield Restored(number, _finished(patch, settings), crop)


def _from_behind(
    picture: Picture, found: Sequence[Face], others: Sequence[Face], mesher: Mesher | None
) -> list[tuple[Face, Sequence[Points]]]:
    """The faces with the outlines of those that stay, in the order to be pasted in."""
    stay = in_front(picture, found, others, mesher)
    return [(found[n], stay[n]) for n in from_behind(found, stay)]


def cut_face(picture: Picture, face: Face, model: Restorer | Expresser, interpolation: Interpolation) -> Crop:
    """The crop that the model wants of a face."""
    placement = model.place(face)
    return Crop(extract_crop(picture, placement, interpolation, _SURROUND), placement.matrix, face)


def _patch(image: ImageF32, crop: Crop, picture: Picture, settings: RestoreSettings) -> Patch:
    """A restored crop of a picture with its colours set right."""
    if settings.colour_correct:
        image = corrected(image, crop, Size.of(picture))
    return Patch(image, square_mask(len(image)))


def _finished(patch: Patch, settings: RestoreSettings) -> Patch:
    mask = combined([patch.mask], patch.bounds)
    return patch._replace(mask=mask * np.float32(settings.visibility), bounds=())


def corrected(image: ImageF32, crop: Crop, size: Size) -> ImageF32:
    """A restored crop without the restorer's colour drift; what lies beyond the picture's edge has no say."""
    seen = valid_mask(crop.matrix, Size.of(image), size)
    return np.clip(match_drift(image, crop.image, square_mask(len(seen)) * seen), 0, 1)


class Batches:
    """Hands crops to a restorer, in smaller batches from the moment when memory is short, and one by one where it gives
    numbers that aren't finite."""

    def __init__(self, restorer: Restorer, weight: float, tell: Callable[[str], None]) -> None:
        """`tell` is given a line for the report whenever a batch is halved."""
        self.restorer = restorer
        self._weight, self._tell = weight, tell
        self._size = restorer.batch

    def restore(self, crops: Sequence[ImageF32]) -> list[ImageF32 | str]:
        """All crops restored, or why one isn't, in order. Raises OutOfMemoryError where a single one doesn't fit."""
        restored: list[ImageF32 | str] = []
        while len(restored) < len(crops):
            restored += self._attempt(crops[len(restored) : len(restored) + self._size])
        return restored

    def _attempt(self, crops: Sequence[ImageF32]) -> list[ImageF32 | str]:
        """The crops restored, or none of them and a smaller size for the next attempt.

        That attempt comes after this one's error is forgotten: while it is handled it holds on to the memory.
        """
        try:
            return list(self.restorer.restore(crops, self._weight))
        except NotFiniteError as error:
            why = str(error)
        except OutOfMemoryError as error:
            if len(crops) == 1:
                raise OutOfMemoryError(
                    f"{error}. Not even one face fits: free memory (other models, other programs), take a smaller "
                    "restorer, or run on the CPU"
                ) from error
            why = ""
        if why:
            return [why] if len(crops) == 1 else [one for crop in crops for one in self._attempt([crop])]
        self._size = len(crops) // 2
        self._tell(f"memory was full with {len(crops)} faces at once: restored {self._size} at once")
        return []
