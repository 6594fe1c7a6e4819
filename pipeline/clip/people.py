"""Somebody in a scene: where their face was last, where it should be now, and how well a box fits that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypedDict

import numpy as np

from ..boxes import iou
from ..types import Face, FloatArray

_COAST: Final = 8
"""Frames for which a face that isn't seen is expected to move on as before."""
_PATIENCE: Final = 25
"""Frames after which a face that isn't seen is known by its identity alone."""
_REACH: Final = 0.5
"""Of its side: how far from where it is expected a face may be one frame later."""
_REACH_GROWTH, _REACH_MAX = 0.1, 1.5
_SIZES: Final = 2.0
"""How many times larger or smaller a face may have become."""


class PersonState(TypedDict):
    """A person as JSON."""

    number: int
    box: list[float]
    speed: list[float]
    seen: int
    embedding: list[float] | None
    known: int


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody in the current scene, as last seen."""

    number: int
    """Counted from 0 in the order of appearance; never given twice in a scene."""
    box: FloatArray
    """(4,) left, top, right, bottom."""
    speed: FloatArray
    """(4,) what the box changes by in a frame."""
    seen: int
    """Number of the frame it was seen in."""
    embedding: FloatArray | None = None
    known: int = 0
    """Number of the frame that the embedding is of."""

    @classmethod
    def at(cls, number: int, face: Face, frame: int) -> Person:
        """Somebody who is seen for the first time."""
        return cls(number, face.box, np.zeros(4, np.float32), frame)

    def is_expected(self, frame: int) -> bool:
        """Whether their place can still identify them: for a short time after they were seen."""
        return frame - self.seen <= _PATIENCE

    def seen_again(self, face: Face, embedding: FloatArray | None, frame: int) -> Person:
        """The person as this frame shows them."""
        away = frame - self.seen
        step = (face.box - self.box) / away if away else self.speed
        speed = step if away > 1 else (self.speed + step) / 2
        if embedding is None:
            return replace(self, box=face.box, speed=speed, seen=frame)
        old = self.embedding
        mixed = embedding if old is None else old + (embedding - old) * np.float32(0.3)
        return replace(self, box=face.box, speed=speed, seen=frame, embedding=mixed, known=frame)

    def nearness(self, boxes: FloatArray, frame: int) -> FloatArray:
        """(N,) how well boxes (N, 4) fit where the face is expected; 0 where it can't be."""
        away = frame - self.seen
        expected = self.box + self.speed * min(away, _COAST)
        side, sides = _side(expected[None])[0], _side(boxes)
        distance = np.linalg.norm(_centre(boxes) - _centre(expected[None]), axis=1)
        reach = min(_REACH + _REACH_GROWTH * (away - 1), _REACH_MAX) * side
        ratio = np.maximum(sides, side) / np.maximum(np.minimum(sides, side), 1e-6)
        near = np.maximum(0, 1 - distance / reach) * (ratio < _SIZES)
        return np.where(near > 0, iou(expected, boxes) + near, 0)

    def as_json(self) -> PersonState:
        """What `from_json` takes."""
        return {
            "number": self.number,
            "box": self.box.tolist(),
            "speed": self.speed.tolist(),
            "seen": self.seen,
            "embedding": None if self.embedding is None else self.embedding.tolist(),
            "known": self.known,
        }

    @classmethod
    def from_json(cls, state: PersonState) -> Person:
        box, speed = np.array(state["box"], np.float32), np.array(state["speed"], np.float32)
        embedding = None if state["embedding"] is None else np.array(state["embedding"], np.float32)
        return cls(state["number"], box, speed, state["seen"], embedding, state["known"])


def _side(boxes: FloatArray) -> FloatArray:
    return np.sqrt(np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1e-6))


def _centre(boxes: FloatArray) -> FloatArray:
    return (boxes[:, :2] + boxes[:, 2:]) / 2
