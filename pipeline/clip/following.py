"""Follows faces from frame to frame, so that whole frames needn't be searched for them each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple, TypedDict

import numpy as np

from ..boxes import iou
from ..protocols import Detector, Follower
from ..types import Face, FloatArray, Picture

_PATIENCE: Final = 0.5
"""Seconds for which a face that was lost is looked for where it was."""
_SAME: Final = 0.3
"""Overlap from which on two faces are one."""


class KnownState(TypedDict):
    """A face that is followed, as JSON."""

    box: list[float]
    landmarks: list[list[float]]
    score: float
    mesh: list[list[float]] | None
    seen: float


class FinderState(TypedDict):
    """A finder as JSON."""

    time: float | None
    known: list[KnownState]


class _Known(NamedTuple):
    face: Face
    seen: float
    """When it was seen last, in seconds."""


class Finder:
    """Finds the faces of a clip's frames: by a search of the whole frame at the start of each scene, then by following
    those that are known and by looking at parts of each frame for others. Without a follower every frame is searched.
    """

    def __init__(self, detector: Detector, follower: Follower | None = None) -> None:
        self._detector, self._follower = detector, follower
        self.reset()

    def reset(self) -> None:
        """The next frame starts a new scene."""
        self._time: float | None = None
        self._known: list[_Known] = []

    def find(self, picture: Picture, time: float) -> list[Face]:
        """The faces of the next frame, which is shown at `time` in seconds."""
        before, self._time = self._time, time
        if self._follower is None or before is None or time < before:
            found = self._detector.detect(picture)
            self._known = [_Known(face, time) for face in found]
            return found
        return self._watched(self._follower, picture, before, time)

    def _watched(self, follower: Follower, picture: Picture, before: float, time: float) -> list[Face]:
        known = [one for one in self._known if time - one.seen <= _PATIENCE]
        watched = follower.watch(picture, [one.face for one in known], before, time)
        found: list[Face] = []
        for face in (*watched.known, *watched.others):
            # Two that end up on one face are one; those known for longer come first.
            if face is not None and not _is_among(face, found):
                found.append(face)
        lost = [
            one
            for number, (one, now) in enumerate(zip(known, watched.known, strict=True))
            if now is None and number not in watched.denied
        ]
        self._known = [_Known(face, time) for face in found]
        self._known += [one for one in lost if not _is_among(one.face, found)]
        return found

    def as_json(self) -> FinderState:
        """What `restore` goes on from."""
        return {"time": self._time, "known": [_as_json(one) for one in self._known]}

    def restore(self, state: FinderState) -> None:
        """Go on as if the frames before had been seen."""
        self._time = state["time"]
        self._known = [_from_json(one) for one in state["known"]]


def _is_among(face: Face, others: Sequence[Face]) -> bool:
    if not others:
        return False
    return bool(iou(face.box, np.stack([other.box for other in others])).max() > _SAME)


def _as_json(known: _Known) -> KnownState:
    face, mesh = known.face, known.face.mesh
    return {
        "box": face.box.tolist(),
        "landmarks": face.landmarks.tolist(),
        "score": face.score,
        "mesh": None if mesh is None else mesh.tolist(),
        "seen": known.seen,
    }


def _from_json(state: KnownState) -> _Known:
    face = Face(_floats(state["box"]), _floats(state["landmarks"]), state["score"])
    return _Known(face if state["mesh"] is None else replace(face, mesh=_floats(state["mesh"])), state["seen"])


def _floats(values: object) -> FloatArray:
    return np.array(values, np.float32)
