"""The graphs of neural swappers: a face and an identity in, a face and perhaps a mask out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ...pipeline.errors import DamagedModelError
from ...pipeline.types import FloatArray
from ..runtime import Session, contiguous

IDENTITY = 512
_PIXELS_AT_ONCE = 16 * 128 * 128


@dataclass(frozen=True, slots=True)
class SwapNetwork:
    """A session with inputs `target` (N, 3, size, size) and `source` (N, 512), and what its numbers mean."""

    session: Session
    size: int
    """Side of its crops in pixels."""
    mean: float = 0.0
    std: float = 1.0
    """The graph takes and gives (value − mean) / std for colours in [0, 1]."""

    def run(self, images: FloatArray, identities: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        """(N, size, size, 3) RGB in [0, 1] and (N, 512) give (N, size, size, 3), and (N, size, size) in [0, 1] or None.

        Raises DamagedModelError where the graph isn't of the published form.
        """
        target, source = self._inputs()
        values = contiguous((images.transpose(0, 3, 1, 2) - self.mean) / self.std)
        rows = max(_PIXELS_AT_ONCE // self.size**2, 1)
        feeds = {target: values, source: contiguous(identities)}
        outputs = dict(zip(self.session.output_names(), self.session.run_batched(feeds, rows=rows), strict=True))
        return self._image(outputs), self._mask(outputs)

    def _inputs(self) -> tuple[str, str]:
        shapes = self.session.input_shapes()
        target = [name for name, shape in shapes.items() if _fits(shape, (3, self.size, self.size))]
        source = [name for name, shape in shapes.items() if _fits(shape, (IDENTITY,))]
        if len(target) != 1 or len(source) != 1:
            raise DamagedModelError(
                f"{self.session.path} takes {shapes}, expected a face of 3×{self.size}×{self.size} and an identity of "
                f"{IDENTITY}: it is another model than its name says"
            )
        return target[0], source[0]

    def _image(self, outputs: Mapping[str, FloatArray]) -> FloatArray:
        image = outputs.get("output", next(iter(outputs.values())))
        return np.clip(image.transpose(0, 2, 3, 1) * self.std + self.mean, 0, 1)

    def _mask(self, outputs: Mapping[str, FloatArray]) -> FloatArray | None:
        mask = outputs.get("mask")
        return None if mask is None else np.clip(mask.reshape(-1, self.size, self.size), 0, 1)


def _fits(shape: list[object], expected: tuple[int, ...]) -> bool:
    """Whether rows of this shape can be fed: free axes, a name or None, fit all."""
    rows = shape[1:]
    return len(rows) == len(expected) and all(
        not isinstance(found, int) or found == wanted for found, wanted in zip(rows, expected, strict=True)
    )
