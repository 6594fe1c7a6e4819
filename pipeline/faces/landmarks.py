"""Landmarks measured anew by a network of their own, where the detector's are wrong: steep profiles, turned faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from ..protocols import Landmarker, Mesher
from ..types import Box, Face, FloatArray, Picture, Points

EYES: Final = (range(36, 42), range(42, 48))
"""Of the 68 points of iBUG, counted from 0: those around the eye at the picture's left, and at its right."""
NOSE, MOUTH = 30, (48, 54)
"""The nose's tip, and the mouth's corners from left to right."""
_STAY: Final = "the detector's landmarks stay"
_SAME_TURN: Final = np.cos(np.radians(15))
"""Eyes that are turned by less keep the mesh: its crop is turned once more by what it finds."""
_SMALLEST: Final = 1e-6


class Refiner(NamedTuple):
    """What measures landmarks anew, and the mesh of faces that turn out to lie otherwise."""

    landmarker: Landmarker
    mesher: Mesher

    def note(self, faces: Sequence[Face] = ()) -> str:
        """A line about faces that it isn't sure of, by the left and top of their boxes: they have no numbers yet."""
        places = " and ".join(f"{round(float(face.box[0]))},{round(float(face.box[1]))}" for face in faces)
        which = f"the face{'s' if len(faces) > 1 else ''} at {places}" if faces else "a face"
        return f"{self.landmarker.name} is unsure of {which}: {_STAY}"


class Refined(NamedTuple):
    """Faces with the landmarks that were measured anew."""

    faces: list[Face]
    unsure: list[Face]
    """Those that keep the detector's."""


def refined(picture: Picture, faces: Sequence[Face], refiner: Refiner) -> Refined:
    """The faces with new landmarks; those that the network isn't sure of, or sees elsewhere, stay as they are.

    A mesh stays where the face is turned as before; else it is fitted anew, upright by the new eyes. A face whose mesh
    no longer fits anywhere keeps it.
    """
    if not faces:
        return Refined([], [])
    measured = refiner.landmarker.measure(picture, faces)
    found = [points if _lies_on(points, face.box) else None for points, face in _zip(measured, faces)]
    unsure = [face for points, face in _zip(found, faces) if points is None]
    return Refined([_with(picture, face, points, refiner.mesher) for points, face in _zip(found, faces)], unsure)


def five_of_68(points: Points) -> Points:
    """(5, 2) the landmarks in the order of `Face`, of 68 points (68, 2) as iBUG numbers them."""
    eyes = [points[list(eye)].mean(0) for eye in EYES]
    return np.stack([*eyes, points[NOSE], *points[list(MOUTH)]]).astype(np.float32)


def _zip(measured: Sequence[Points | None], faces: Sequence[Face]) -> list[tuple[Points | None, Face]]:
    return list(zip(measured, faces, strict=True))


def _lies_on(points: Points | None, box: Box) -> bool:
    """Whether the middle of landmarks (5, 2), if any, lies in a face's box, and not on somebody beside."""
    if points is None:
        return False
    middle = points.mean(0)
    return bool((box[:2] <= middle).all() and (middle <= box[2:]).all())


def _with(picture: Picture, face: Face, points: Points | None, mesher: Mesher) -> Face:
    if points is None:
        return face
    moved = replace(face, landmarks=points)
    if face.mesh is None or _turned_alike(face.landmarks, points):
        return moved
    fitted = mesher.fit(picture, [replace(moved, mesh=None)])[0]
    return moved if fitted is None else replace(moved, mesh=fitted.mesh)


def _turned_alike(before: Points, now: Points) -> bool:
    return float(_across(before) @ _across(now)) > _SAME_TURN


def _across(points: Points) -> FloatArray:
    """(2,) of length 1, or 0 where both eyes are in one place: from the left eye to the right one."""
    across = np.asarray(points[1] - points[0], np.float64)
    return across / max(float(np.hypot(*across)), _SMALLEST)
