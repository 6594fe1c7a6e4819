"""The graphs of neural swappers: a face and an identity in, a face and perhaps a mask out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...pipeline.errors import DamagedModelError
from ...pipeline.types import FloatArray
from ..runtime.onnx import Session, contiguous
from ..runtime.onnx_file import Port, read_ports

IDENTITY = 512
_PIXELS_AT_ONCE = 16 * 128 * 128


@dataclass(frozen=True, slots=True)
class SwapNetwork:
    """A session with an input for faces, one for identities, and what its numbers mean."""

    session: Session
    size: int
    """Side of its crops in pixels."""
    mean: float = 0.0
    std: float = 1.0
    """The graph takes and gives (value − mean) / std for colours in [0, 1]."""
    target: str = "target"
    """Name of the input (N, 3, size, size)."""
    source: str = "source"
    """Name of the input (N, 512)."""

    @classmethod
    def of(cls, session: Session, size: int, mean: float = 0.0, std: float = 1.0) -> SwapNetwork:
        """The network of a file that has the published inputs, not opened yet. Raises DamagedModelError for others."""
        inputs, _ = read_ports(session.path)
        target = [port.name for port in inputs if _fits(port, (3, size, size))]
        source = [port.name for port in inputs if _fits(port, (IDENTITY,))]
        if len(target) != 1 or len(source) != 1:
            shapes = ", ".join("×".join(str(side or "?") for side in port.shape) for port in inputs)
            raise DamagedModelError(
                f"{session.path} holds another network than its name says: expected one that takes a face of "
                f"3×{size}×{size} and an identity of {IDENTITY}, this one takes {shapes}"
            )
        return cls(session, size, mean, std, target[0], source[0])

    def run(self, images: FloatArray, identities: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        """(N, size, size, 3) RGB in [0, 1] and (N, 512) give (N, size, size, 3), and a mask (N, size, size) or None."""
        values = contiguous((images.transpose(0, 3, 1, 2) - self.mean) / self.std)
        feeds = {self.target: values, self.source: contiguous(identities)}
        made = self.session.run_batched(feeds, rows=max(_PIXELS_AT_ONCE // self.size**2, 1))
        outputs = dict(zip(self.session.output_names(), made, strict=True))
        return self._image(outputs), self._mask(outputs)

    def _image(self, outputs: Mapping[str, FloatArray]) -> FloatArray:
        image = outputs.get("output", next(iter(outputs.values())))
        return np.clip(image.transpose(0, 2, 3, 1) * self.std + self.mean, 0, 1)

    def _mask(self, outputs: Mapping[str, FloatArray]) -> FloatArray | None:
        mask = outputs.get("mask")
        return None if mask is None else np.clip(mask.reshape(-1, self.size, self.size), 0, 1)


def _fits(port: Port, expected: Sequence[int]) -> bool:
    """Whether rows of this shape can be fed: free axes fit all."""
    rows = port.shape[1:]
    return len(rows) == len(expected) and all(
        found in (None, wanted) for found, wanted in zip(rows, expected, strict=True)
    )
