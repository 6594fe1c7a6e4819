"""What to try where no face was found, and where none can be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

import numpy as np

from ..models.pool import ModelPool
from ..pipeline.types import FaceSet, FloatArray, Picture, Size
from .effects import asked_guesses
from .plan import Plan
from .report import counted, of_one_picture

_MOST: Final = 8
"""Pictures of a batch that are looked at once more."""
TURNS: Final = "faces that lie on their side or are upside down are only found with turns"
SEEN_TURNED: Final = "a face is seen when the picture is turned: set turns"


def hints(models: ModelPool, pictures: Sequence[Picture], faces: FaceSet, plan: Plan) -> tuple[str, ...]:
    """Where `turns` is off, whether it would find faces in pictures that show none: each is looked at as a whole."""
    empty = [number for number, found in enumerate(faces) if not found]
    if plan.values["turns"] or not empty:
        return ()
    options = {**plan.detector.options, "turns": True, "tiles": False}
    detector = models.detector(plan.detector.name, **options)
    seen = [number for number in islice(empty, _MOST) if detector.detect(pictures[number])]
    if not seen:
        return () if faces.count else (TURNS,)
    return tuple(SEEN_TURNED if len(pictures) == 1 else f"picture {number}: {SEEN_TURNED}" for number in seen)


def remarks(faces: FaceSet, plan: Plan) -> tuple[str, ...]:
    """What is to be known of how faces were measured: unsure landmarks, and that ages are guesses."""
    unsure = of_one_picture(faces.remarks) if len(faces) == 1 else faces.remarks
    more = len(unsure) - _MOST
    shown = [*unsure[:_MOST], *([f"and so in {counted(more, 'further picture')}"] if more > 0 else [])]
    return (*shown, *age_lines(plan))


def age_lines(plan: Plan) -> tuple[str, ...]:
    """That ages are guesses, where they are asked for."""
    guesser = plan.attributes
    asked = asked_guesses(plan.values, plan.case)[1]
    return (f"ages are guesses of {guesser.name}, often years off",) if guesser and asked else ()


def remark_lines(**faces: FaceSet | None) -> tuple[str, ...]:
    """For a report: the remarks that came with faces, named by whose they are."""
    return tuple(f"{whose}: {remark}" for whose, found in faces.items() if found for remark in found.remarks)


def hint_lines(targets: FaceSet, sources: FaceSet, references: FaceSet | None = None) -> tuple[str, ...]:
    """For a report: the hints that came with these faces."""
    named = [("", targets), ("sources: ", sources), *([] if references is None else [("references: ", references)])]
    return tuple(f"{whose}{hint}" for whose, faces in named for hint in faces.notes)


def outside(pictures: Sequence[Picture], boxes: Sequence[Sequence[FloatArray]]) -> tuple[str, ...]:
    """A line for each box (4,) that holds nothing of its picture."""
    lines: list[str] = []
    for number, (picture, own) in enumerate(zip(pictures, boxes, strict=True)):
        size = Size.of(picture)
        where = "" if len(pictures) == 1 else f"picture {number}: "
        for place, box in enumerate(own):
            left, top, right, bottom = (float(edge) for edge in np.ravel(box))
            if left >= size.width or top >= size.height or right <= 0 or bottom <= 0:
                lines.append(f"{where}box {place} lies outside of the picture ({size})")
    return tuple(lines)
