"""The invisible watermark in pictures that are finished, and whether the faces of a file carry it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ..marking.watermark import mark_face
from ..marking.watermark_detection import THRESHOLD, score
from ..media.clips import Clip, is_clip
from ..media.pictures import read_picture
from ..pipeline.compose.face_area import areas_of
from ..pipeline.types import FloatArray, Mask, Picture
from .report import counted

if TYPE_CHECKING:
    from .session import Session

_FRAMES: Final = 6
"""Frames of a clip that are looked at, evenly spread over it."""


class FoundWatermark(NamedTuple):
    """What the faces of a file show."""

    faces: int
    """That were looked at; of a clip, in all of the frames together."""
    marked: int
    score: float
    """Of the face that agrees best with the mark: see `marking.watermark_detection.score`. 0 without faces."""

    def __str__(self) -> str:
        if not self.faces:
            return "no face to look at"
        return f"in {self.marked} of {counted(self.faces, 'face')}" if self.marked else "none"


def look_for_watermark(session: Session, path: Path) -> FoundWatermark:
    """Look at the faces of a picture, or of some frames of a clip. Raises ImageError and OSError."""
    faces = marked = 0
    best = 0.0
    for picture in _frames(Clip(path)) if is_clip(path) else [read_picture(path)]:
        scores = [score(picture, face) for face in session.detect([picture]).flat()]
        faces, marked = faces + len(scores), marked + sum(one >= THRESHOLD for one in scores)
        best = max(best, *scores) if scores else best
    return FoundWatermark(faces, marked, best)


def with_watermark(session: Session, picture: FloatArray, changed: Mask | None) -> tuple[FloatArray, tuple[str, ...]]:
    """A copy of a picture (H, W, C) whose faces carry the watermark, as far as they were `changed` (H, W) in [0, 1],
    wholly for None; those that have it already stay. And lines for the report. Raises as `Session.detect` does."""
    faces, marked = session.detect([picture]), picture.copy()
    area = areas_of(faces)[0] if changed is None else np.clip(changed, 0, 1)
    count, notes = 0, list[str]()
    for face in faces.frames[0]:
        note = mark_face(marked, face, area) if score(picture, face) < THRESHOLD else ""
        count += note is not None
        notes += [f"face {face.index}: {note}"] if note else []
    return marked, (f"watermark in {counted(count, 'face')}", *notes)


def _frames(clip: Clip) -> Iterator[Picture]:
    info = clip.info()
    # Where nothing says how long it is, its beginning has to do.
    starts = [info.length * number / _FRAMES for number in range(_FRAMES)] if info.length else [0]
    for start in starts:
        with closing(Clip(clip.source, start).frames(info)) as frames:
            yield from (frame.picture for frame in islice(frames, 1))
