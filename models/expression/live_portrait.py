"""LivePortrait (Guo et al. 2024, MIT): a face is moved by 21 points of its own space, of which each expression moves
some. Put together as FaceFusion's `processors/modules/expression_restorer/core.py` says, whose exports the files are.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from ...pipeline.errors import require_range
from ...pipeline.geometry import resized
from ...pipeline.templates import ARCFACE_128
from ...pipeline.types import CropSpec, Face, FloatArray, ImageF32, Placement, Size
from ..alignment import published_placement
from ..runtime.onnx import Session, contiguous
from ..runtime.outputs import require_colours
from ..runtime.signature import Shape
from .limits import HIGHEST, LOWEST

SIDE: Final = 512
SMALL: Final = 256
VOLUME: Final = (32, 16, 64, 64)
IMAGE: Final = (3, SIDE, SIDE)
POINTS: Final = MappingProxyType(
    {
        "pitch": (1,),
        "yaw": (1,),
        "roll": (1,),
        "scale": (1,),
        "translation": (3,),
        "expression": (21, 3),
        "motion_points": (21, 3),
    }
)
"""What the motion extractor gives of a face, in this order; angles in degrees."""
_OF_THE_HEAD = (0, 4, 5, 8, 9)
"""Points that move with the head's shape and turn: those of the swapped face stay."""
_SPEC = CropSpec(ARCFACE_128, SIDE)


class _Motion(NamedTuple):
    """How a face is turned, placed and moved."""

    rotation: FloatArray
    """(3, 3)."""
    scale: float
    translation: FloatArray
    """(3,)."""
    expression: FloatArray
    """(21, 3) away from the points at rest."""
    points: FloatArray
    """(21, 3) at rest."""

    def placed(self, expression: FloatArray) -> FloatArray:
        """(1, 21, 3) the points with this expression."""
        placed = self.scale * (self.points @ self.rotation.T + expression) + self.translation
        return contiguous(placed[None])


class LivePortrait:
    """Gives swapped faces the expression that their targets had. Its methods raise as those of `Expresser` do."""

    def __init__(self, features: Session, motion: Session, generator: Session, motion_shapes: Sequence[Shape]) -> None:
        self._features, self._motion, self._generator = features, motion, generator
        self._shapes = motion_shapes

    @property
    def sessions(self) -> tuple[Session, ...]:
        return (self._features, self._motion, self._generator)

    def place(self, face: Face) -> Placement:
        """ArcFace's alignment of 512 pixels."""
        return published_placement(face, _SPEC)

    def express(self, swapped: ImageF32, target: ImageF32, weight: float) -> ImageF32:
        """The swapped face (512, 512, 3) RGB in [0, 1] with the target's expression as far as `weight` says."""
        require_range("expression", weight, 0, 1)
        small = _small(swapped)
        own, wanted = self._moved(small), self._moved(_small(target)).expression.copy()
        wanted[list(_OF_THE_HEAD)] = own.expression[list(_OF_THE_HEAD)]
        led = np.clip(weight * wanted + (1 - weight) * own.expression, LOWEST, HIGHEST)
        (volume,) = self._features.run({_only(self._features): small}, [(1, *VOLUME)])
        feeds = {
            "feature_volume": volume,
            "source": own.placed(led),
            "target": own.placed(own.expression),
        }
        (image,) = self._generator.run(feeds, [(1, *IMAGE)])
        require_colours(image, self._generator.path, self._generator.runs_on)
        return np.asarray(np.clip(image[0].transpose(1, 2, 0), 0, 1), np.float32)

    def _moved(self, small: FloatArray) -> _Motion:
        found = self._motion.run({_only(self._motion): small}, self._shapes)
        pitch, yaw, roll, scale = (float(one.ravel()[0]) for one in found[:4])
        translation, expression, points = found[4:]
        rotation = _rotation(pitch, yaw, roll)
        return _Motion(rotation, scale, translation.reshape(3), expression.reshape(21, 3), points.reshape(21, 3))


def _small(crop: ImageF32) -> FloatArray:
    return contiguous(resized(crop, Size(SMALL, SMALL)).transpose(2, 0, 1)[None])


def _only(session: Session) -> str:
    return next(iter(session.input_shapes()))


def _rotation(pitch: float, yaw: float, roll: float) -> FloatArray:
    """(3, 3) around x, then y, then z, in degrees, all around axes that stay."""
    around: list[FloatArray] = []
    for number, angle in enumerate(np.radians((pitch, yaw, roll))):
        matrix = np.eye(3, dtype=np.float32)
        a, b = [axis for axis in range(3) if axis != number]
        sine = np.sin(angle) * (-1 if number == 1 else 1)
        matrix[a, a] = matrix[b, b] = np.cos(angle)
        matrix[a, b], matrix[b, a] = -sine, sine
        around.append(matrix)
    x, y, z = around
    return np.asarray(z @ y @ x, np.float32)
