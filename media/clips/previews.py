"""What a clip's frames look like while they are made: for whoever watches, at a pace that costs nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from ...pipeline.errors import ImageError
from ...pipeline.quotes import named, reason
from ...pipeline.types import Notice, Picture, Size
from ..atomic import write_atomic
from ..pictures import encode_picture, picture_format

PREVIEW_EXTENSIONS: Final = (".jpg", ".jpeg", ".png")
_HEIGHT: Final = 720
_QUALITY: Final = 85


@dataclass(frozen=True, slots=True, eq=False)
class FrameDone:
    """A frame that was just finished."""

    done: int
    """How many are."""
    total: int
    """About how many there are."""
    faces: int
    """How many were swapped in it."""
    after: Picture
    """(H, W, 3) uint8 or uint16 with the faces swapped; not to be kept or written to."""
    decode: Callable[[], Picture]

    @property
    def before(self) -> Picture:
        """The frame as it was, of the same shape and dtype: converted anew each time."""
        return self.decode()


OnFrame = Callable[[FrameDone], None]
"""Called after every frame, in the work's own thread; may raise to stop the work."""


class Paced:
    """Passes a frame on where that many seconds have gone since the last one, the first one at once."""

    def __init__(self, show: OnFrame, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._show, self._seconds, self._clock = show, seconds, clock
        self._due: float | None = None

    def __call__(self, frame: FrameDone) -> None:
        now = self._clock()
        if self._due is None or now >= self._due:
            self._show(frame)
            # Counted from the end, so that a slow disk doesn't take all the time.
            self._due = self._clock() + self._seconds


class PreviewFile:
    """Writes frames to a file, before and after side by side, which other programs may read at any time.

    It never fails: what keeps the file from being written is said once by `notice`, and tried again the next time.
    """

    def __init__(self, path: Path, notice: Notice) -> None:
        self._path, self._notice, self._has_failed = path, notice, False
        self._format = picture_format(path)

    def __call__(self, frame: FrameDone) -> None:
        try:
            data, _ = encode_picture(beside(frame.before, frame.after), self._format, _QUALITY)
            write_atomic(self._path, data)
        except (OSError, ImageError) as error:
            if not self._has_failed:
                self._notice(f"{named(self._path)}: the preview can't be written: {reason(error)}")
            self._has_failed = True


def beside(before: Picture, after: Picture) -> Picture:
    """(H, 2 × W, 3) uint8, at most 720 pixels high."""
    size = Size.of(after)
    within = (round(size.width * _HEIGHT / size.height), _HEIGHT) if size.height > _HEIGHT else size
    return np.concatenate([shrunk(picture, Size(*within)) for picture in (before, after)], axis=1)


def fitted(picture: Picture, longest: int) -> Picture:
    """As uint8, of sides of at most so many pixels."""
    size = Size.of(picture)
    scale = min(1.0, longest / max(size))
    return shrunk(picture, Size(*(max(1, round(side * scale)) for side in size)))


def shrunk(picture: Picture, size: Size) -> Picture:
    """As uint8, of this size."""
    smaller = picture if Size.of(picture) == size else cv2.resize(picture, tuple(size), interpolation=cv2.INTER_AREA)
    return np.asarray(smaller if smaller.dtype == np.uint8 else np.asarray(smaller, np.float32) / 257, np.uint8)
