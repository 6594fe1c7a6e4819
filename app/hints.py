"""What to try where no face was found, and where none can be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

import numpy as np

from ..models.pool import ModelPool
from ..pipeline.types import FaceSet, FloatArray, Picture, Size
from .plan import Plan

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
