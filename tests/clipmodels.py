"""Models for clips that need no weights: a face found in every frame, an engine that paints it white, ways to fail."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from contextlib import closing

import numpy as np
from multifaceswap.pipeline.clip.assignment import Assignment, AssignmentRules
from multifaceswap.pipeline.clip.flow import Engine
from multifaceswap.pipeline.clip.watching import Models, Watcher
from multifaceswap.pipeline.compose.crops import SwapSettings
from multifaceswap.pipeline.types import Donor, Face, FaceSet, Patch, Placement, Size

LANDMARKS = np.array([[0.3, 0.3], [0.7, 0.3], [0.5, 0.5], [0.35, 0.8], [0.65, 0.8]])
FACE = Face(np.array([10, 10, 50, 50]), 10 + 40 * LANDMARKS, 0.9)
DONORS = FaceSet(((FACE,),), Size(64, 64))
NotesOf = Callable[[np.ndarray], tuple[str, ...]]


class BrokenError(Exception):
    """What the steps below fail with."""


class FailsLater:
    """Fails at the n-th call."""

    def __init__(self, calls: int) -> None:
        self._left = calls

    def __call__(self, *_: object) -> None:
        self._left -= 1
        if self._left <= 0:  # several threads may call
            raise BrokenError("call")


class Finder:
    """Finds the same face in every frame."""

    confidence = 0.5

    def __init__(self, on_frame: Callable[[], None] = lambda: None) -> None:
        self._on_frame = on_frame

    def detect(self, frame: np.ndarray) -> list[Face]:
        self._on_frame()
        return [FACE]


class Blank:
    """A swapper that paints white and notes what `notes` says of a crop (H, W, 3) in [0, 1]."""

    needs_mesh = False
    colour = "none"

    def __init__(
        self,
        on_place: Callable[[], None] = lambda: None,
        on_prepare: Callable[[], None] = lambda: None,
        on_swap: Callable[[], None] = lambda: None,
        notes: NotesOf = lambda crop: (),
    ) -> None:
        self._on_place, self._on_prepare, self._on_swap, self._notes = on_place, on_prepare, on_swap, notes

    def place(self, face: Face) -> Placement:
        self._on_place()
        return Placement(np.array([[1.0, 0, -10], [0, 1.0, -10]]), Size(40, 40))

    def prepare(self, frame: object, face: Face, others: object = ()) -> Donor:
        self._on_prepare()
        return Donor(face)

    def swap(self, crops, donors, strength) -> list[Patch]:
        self._on_swap()
        return [self._painted(crop.image) for crop in crops]

    def _painted(self, image: np.ndarray) -> Patch:
        white = np.ones_like(image)
        return Patch(white, white[..., 0], notes=self._notes(image))


def watcher(finder: Finder | None = None, track: bool = True, rules: AssignmentRules | None = None) -> Watcher:
    return Watcher(Models(finder or Finder()), Assignment(rules or AssignmentRules(), DONORS), track)


def engine(swapper: Blank | None = None) -> Engine:
    swapper = swapper or Blank()
    return Engine(lambda face: swapper.prepare(None, face), swapper, SwapSettings("Nearest"))


def workers() -> list[str]:
    """The package's own threads that are alive."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("multifaceswap-")]


def held_error(work: Iterable[object]) -> BrokenError:
    """The error that work ends with, kept with its traceback and so with every frame that it came through."""
    try:
        with closing(work) as items:
            for _ in items:
                pass
    except BrokenError as error:
        return error
    raise AssertionError("no error")
