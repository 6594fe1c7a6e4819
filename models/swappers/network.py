"""The graphs of neural swappers: a face and an identity in, a face and perhaps a mask out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...pipeline.errors import DamagedModelError
from ...pipeline.types import FloatArray
from ..runtime.onnx import Session, contiguous
from ..runtime.onnx_file import Port, read_ports
from ..runtime.outputs import require_colours
from ..runtime.signature import listed

IDENTITY = 512
_IMAGE, _MASK = "output", "mask"
"""Names of the published outputs."""
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
    image: str = "output"
    """Name of the output (N, 3, size, size)."""
    mask: str = ""
    """Name of the output (N, 1, size, size); empty where there is none."""

    @classmethod
    def of(cls, session: Session, size: int, mean: float = 0.0, std: float = 1.0) -> SwapNetwork:
        """The network of a file that has the published ports, not opened yet. Raises DamagedModelError for others."""
        inputs, outputs = read_ports(session.path)
        target = [port.name for port in inputs if _fits(port, (3, size, size))]
        source = [port.name for port in inputs if _fits(port, (IDENTITY,))]
        if len(target) != 1 or len(source) != 1 or len(inputs) != 2:
            raise DamagedModelError(
                f"{session.path} holds another network than its name says: expected one that takes a face of "
                f"3×{size}×{size} and an identity of {IDENTITY}, this one takes {listed([p.shape for p in inputs])}"
            )
        image = next((port for port in outputs if port.name == _IMAGE), outputs[0])
        masks = [port for port in outputs if port.name == _MASK and port is not image]
        if not _could_be(image, (3, size, size)) or not all(_could_be(mask, (1, size, size)) for mask in masks):
            raise DamagedModelError(
                f"{session.path} holds another network than its name says: expected one that gives a face of "
                f"3×{size}×{size}, this one gives {listed([p.shape for p in outputs])}"
            )
        return cls(session, size, mean, std, target[0], source[0], image.name, _MASK if masks else "")

    def run(self, images: FloatArray, identities: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        """(N, size, size, 3) RGB in [0, 1] and (N, 512) give (N, size, size, 3), and a mask (N, size, size) or None.

        Raises as `Session.run_batched` and `require_colours` do.
        """
        values = contiguous((images.transpose(0, 3, 1, 2) - self.mean) / self.std)
        feeds = {self.target: values, self.source: contiguous(identities)}
        wanted = {self.image: (3, self.size, self.size)}
        if self.mask:
            wanted[self.mask] = (1, self.size, self.size)
        rows = max(_PIXELS_AT_ONCE // self.size**2, 1)
        image, *masks = self.session.run_batched(feeds, list(wanted.values()), names=list(wanted), rows=rows)
        require_colours(image, self.session.path, self.session.runs_on)
        mask = np.clip(masks[0][:, 0], 0, 1) if masks else None
        return np.clip(image.transpose(0, 2, 3, 1) * self.std + self.mean, 0, 1), mask


def _could_be(port: Port, expected: Sequence[int]) -> bool:
    """Whether what is declared of an output allows rows of this shape; it may be nothing at all."""
    return not port.shape or _fits(port, expected)


def _fits(port: Port, expected: Sequence[int]) -> bool:
    """Whether rows of this shape can be fed or given: free axes fit all."""
    rows = port.shape[1:]
    return len(rows) == len(expected) and all(
        found in (None, wanted) for found, wanted in zip(rows, expected, strict=True)
    )
