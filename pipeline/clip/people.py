"""Somebody in a scene: where their face was last, where it should be now, and how well a box fits that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, TypedDict

import numpy as np

from ..boxes import iou
from ..faces.identity import TELLING_SIDE
from ..types import Face, FloatArray
from .looks import has_changed

_COAST: Final = 8
"""Frames for which a face that isn't seen is expected to move on as before."""
_PATIENCE: Final = 25
"""Frames after which a face that isn't seen is known by its identity alone."""
_REACH: Final = 0.5
"""Of its side: how far from where it is expected a face may be one frame later."""
_REACH_GROWTH, _REACH_MAX = 0.1, 1.5
_SIZES: Final = 2.0
"""How many times larger or smaller a face may have become."""
_REMEMBERED_WEIGHT: Final = 2.0
"""What the embeddings before weigh at most, where a good one weighs 1: people change with light and pose."""


class PersonState(TypedDict):
    """A person as JSON."""

    number: int
    box: list[float]
    speed: list[float]
    seen: int
    embedding: list[float] | None
    known: int
    weight: float
    samples: int
    look: list[float] | None


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
    """The mean of those measured, the best and the latest ones counting most."""
    known: int = 0
    """Number of the frame that the latest one is of."""
    weight: float = 0.0
    """How much the embedding rests on."""
    samples: int = 0
    """How many were measured since the face last changed its look."""
    look: FloatArray | None = None
    """The look of the face when it was last measured."""

    @classmethod
    def at(cls, number: int, face: Face, frame: int) -> Person:
        """Somebody who is seen for the first time."""
        return cls(number, face.box, np.zeros(4, np.float32), frame)

    def is_expected(self, frame: int) -> bool:
        """Whether their place can still identify them: for a short time after they were seen."""
        return frame - self.seen <= _PATIENCE

    def seen_again(
        self, face: Face, embedding: FloatArray | None, frame: int, look: FloatArray | None = None
    ) -> Person:
        """The person as this frame shows them; `look` goes with the embedding."""
        away = frame - self.seen
        step = (face.box - self.box) / away if away else self.speed
        speed = step if away > 1 else (self.speed + step) / 2
        if embedding is None:
            return replace(self, box=face.box, speed=speed, seen=frame)
        old, weight, before = self.embedding, quality(face), min(self.weight, _REMEMBERED_WEIGHT)
        share = np.float32(weight / (before + weight))
        mixed = embedding if old is None else old + (embedding - old) * share
        moved = replace(self, box=face.box, speed=speed, seen=frame, embedding=mixed, known=frame)
        samples = 1 if has_changed(self.look, look) else self.samples + 1
        return replace(moved, weight=before + weight, samples=samples, look=look)

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
            "weight": self.weight,
            "samples": self.samples,
            "look": None if self.look is None else self.look.tolist(),
        }

    @classmethod
    def from_json(cls, state: PersonState) -> Person:
        box, speed = np.array(state["box"], np.float32), np.array(state["speed"], np.float32)
        given = state["embedding"], state["look"]
        embedding, look = (None if numbers is None else np.array(numbers, np.float32) for numbers in given)
        identity = embedding, state["known"], state["weight"], state["samples"], look
        return cls(state["number"], box, speed, state["seen"], *identity)


def quality(face: Face) -> float:
    """How much a face tells about who it is, above 0 to 1: less where it is small, turned aside or hardly seen."""
    left, right, nose = face.landmarks[:3].astype(np.float64)
    eyes = right - left
    # Where the nose is between the eyes: in the middle of a face seen from the front, at one of them from the side.
    place = float((nose - left) @ eyes) / max(float(eyes @ eyes), 1e-6)
    frontal = max(1 - 2 * abs(place - 0.5), 0.0)
    size = min(float(np.sqrt(max(face.area, 0.0))) / TELLING_SIDE, 1.0)
    return max(frontal * size * face.score, 0.02)


def _side(boxes: FloatArray) -> FloatArray:
    return np.sqrt(np.maximum(np.prod(boxes[:, 2:] - boxes[:, :2], axis=1), 1e-6))


def _centre(boxes: FloatArray) -> FloatArray:
    return (boxes[:, :2] + boxes[:, 2:]) / 2
