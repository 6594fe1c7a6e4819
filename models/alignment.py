"""Where crops lie, in the coordinates of the projects that the models come from."""

from __future__ import annotations

from ..pipeline.geometry import align, shifted
from ..pipeline.types import CropSpec, Face, Placement


def published_placement(face: Face, spec: CropSpec) -> Placement:
    """Where a model's crop of this face lies, as its project cuts it: the five landmarks brought onto the template."""
    return from_pixel_middles(align(face, spec))


def from_pixel_middles(placement: Placement) -> Placement:
    """A placement that counts from pixel middles, as InsightFace and facexlib do, in half-pixel coordinates."""
    return placement._replace(matrix=shifted(placement.matrix, -0.5, 0.5))
