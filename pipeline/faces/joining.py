"""Faces of several batches of pictures as those of one, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from ..types import Face, FaceSet, Picture, Size


def joined(batches: Sequence[FaceSet]) -> FaceSet:
    """The faces of all pictures of several batches, one batch after the other, with what is to be known of them."""
    frames: list[tuple[Face, ...]] = []
    for batch in batches:
        before = len(frames)
        frames += [tuple(moved(face, before) for face in faces) for faces in batch]
    size = Size(*(max((batch.size[axis] for batch in batches), default=0) for axis in (0, 1)))
    notes = tuple(chain.from_iterable(batch.notes for batch in batches))
    return FaceSet(tuple(frames), size, notes, remarks=tuple(chain.from_iterable(batch.remarks for batch in batches)))


def part_of(faces: FaceSet, start: int, pictures: Sequence[Picture]) -> FaceSet:
    """The faces of some pictures in a row, from number `start` on, as a batch of their own."""
    kept = faces.frames[start : start + len(pictures)]
    return FaceSet(tuple(tuple(moved(face, -start) for face in some) for some in kept), Size.holding(pictures))


def moved(face: Face, by: int) -> Face:
    """The face, and all its views, in pictures that stand so many places further on in their batch."""
    if not by:
        return face
    views = tuple(replace(view, frame=view.frame + by) for view in face.views)
    return replace(face, frame=face.frame + by, views=views)
