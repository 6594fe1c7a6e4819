"""The graphs of neural swappers: a face and an identity or a donor's picture in, a face and perhaps a mask out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...pipeline.errors import DamagedModelError, NotFiniteError
from ...pipeline.types import FloatArray
from ..runtime.onnx import Session, contiguous
from ..runtime.onnx_file import Port, read_ports
from ..runtime.outputs import require_colours
from ..runtime.signature import listed
from ..spec import UNIT, Normalisation

IDENTITY = 512
_IMAGE, _MASK = "output", "mask"
"""Names of the published outputs."""
_PIXELS_AT_ONCE = 16 * 128 * 128


@dataclass(frozen=True, slots=True)
class SwapNetwork:
    """A session with an input for faces, one for donors, and what its numbers mean."""

    session: Session
    size: int
    """Side of its crops in pixels."""
    takes: Normalisation = UNIT
    gives: Normalisation = UNIT
    target: str = "target"
    """Name of the input (N, 3, size, size)."""
    source: str = "source"
    """Name of the input (N, 512) or (N, 3, s, s)."""
    image: str = "output"
    """Name of the output (N, 3, size, size)."""
    mask: str = ""
    """Name of the output (N, 1, size, size); empty where there is none."""

    @classmethod
    def of(
        cls,
        session: Session,
        size: int,
        takes: Normalisation = UNIT,
        gives: Normalisation = UNIT,
        source: Sequence[int] = (IDENTITY,),
    ) -> SwapNetwork:
        """The network of a file that has the published ports, not opened yet; `source` is the shape of a donor.

        Raises DamagedModelError for others.
        """
        inputs, outputs = read_ports(session.path)
        target, donor = _told_apart(inputs, (3, size, size), source)
        if not target or not donor:
            what = f"an identity of {IDENTITY}" if len(source) == 1 else f"a picture of {_by(source)}"
            raise DamagedModelError(
                f"{session.path} holds another network than its name says: expected one that takes a face of "
                f"3×{size}×{size} and {what}, this one takes {listed([p.shape for p in inputs])}"
            )
        image = next((port for port in outputs if port.name == _IMAGE), outputs[0])
        masks = [port for port in outputs if port.name == _MASK and port is not image]
        if not _could_be(image, (3, size, size)) or not all(_could_be(mask, (1, size, size)) for mask in masks):
            raise DamagedModelError(
                f"{session.path} holds another network than its name says: expected one that gives a face of "
                f"3×{size}×{size}, this one gives {listed([p.shape for p in outputs])}"
            )
        return cls(session, size, takes, gives, target, donor, image.name, _MASK if masks else "")

    def run(
        self, images: FloatArray, sources: FloatArray, *, mask_or_none: bool = False
    ) -> tuple[FloatArray, FloatArray | None, str]:
        """(N, size, size, 3) RGB in [0, 1] and their donors give (N, size, size, 3), a mask (N, size, size) or None,
        and, with `mask_or_none`, why there is none where the network gives one that isn't finite.

        Raises as `Session.run_batched` and `require_colours` do.
        """
        feeds = {
            self.target: contiguous(((images - _row(self.takes.mean)) / _row(self.takes.std)).transpose(0, 3, 1, 2)),
            self.source: contiguous(sources),
        }
        wrong = ""
        try:
            image, *masks = self._outputs(feeds, self.mask)
        except NotFiniteError as error:
            if not (self.mask and mask_or_none):
                raise
            # The face may be right though the mask isn't.
            image, *masks = self._outputs(feeds, "")
            wrong = str(error)
        require_colours(image, self.session.path, self.session.runs_on)
        colours = image.transpose(0, 2, 3, 1) * _row(self.gives.std) + _row(self.gives.mean)
        return np.clip(colours, 0, 1), np.clip(masks[0][:, 0], 0, 1) if masks else None, wrong

    def _outputs(self, feeds: dict[str, FloatArray], mask: str) -> list[FloatArray]:
        wanted = {self.image: (3, self.size, self.size)} | ({mask: (1, self.size, self.size)} if mask else {})
        rows = max(_PIXELS_AT_ONCE // self.size**2, 1)
        return [*self.session.run_batched(feeds, list(wanted.values()), names=list(wanted), rows=rows)]


def _told_apart(inputs: Sequence[Port], face: Sequence[int], source: Sequence[int]) -> tuple[str, str]:
    """The names of the inputs for a face and for its donor, by shape, and by name where both have one shape; empty
    where there aren't these two alone."""
    faces = [port.name for port in inputs if _fits(port, face)]
    donors = [port.name for port in inputs if _fits(port, source)]
    if len(inputs) != 2 or not faces or not donors:
        return "", ""
    if sorted(faces) == sorted(donors):
        return ("target", "source") if {*faces} == {"target", "source"} else ("", "")
    return (faces[0], donors[0]) if len(faces) == len(donors) == 1 else ("", "")


def _row(numbers: tuple[float, float, float]) -> FloatArray:
    return np.array(numbers, np.float32)


def _by(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape))


def _could_be(port: Port, expected: Sequence[int]) -> bool:
    """Whether what is declared of an output allows rows of this shape; it may be nothing at all."""
    return not port.shape or _fits(port, expected)


def _fits(port: Port, expected: Sequence[int]) -> bool:
    """Whether rows of this shape can be fed or given: free axes fit all."""
    rows = port.shape[1:]
    return len(rows) == len(expected) and all(
        found in (None, wanted) for found, wanted in zip(rows, expected, strict=True)
    )
