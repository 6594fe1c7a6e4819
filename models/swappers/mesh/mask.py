"""The mask of a swap: soft at its rim, open where the target's mouth stays."""

from __future__ import annotations

import cv2
import numpy as np

from ....pipeline.faces import mesh_points as points
from ....pipeline.types import Mask, Mesh, Size
from .topology import smoothstep
from .warp import MOUTH_GAP

_RIM = 0.012
"""Of the raster's side: softness of the mask's rim, as a Gaussian's sigma."""


def soft_rim(swapped: Mask) -> Mask:
    """1 well inside the swapped part, falling smoothly to 0 at its rim, corners rounded."""
    inside = (swapped > 0.5).astype(np.float32)
    soft = cv2.GaussianBlur(inside, (0, 0), _RIM * max(inside.shape), borderType=cv2.BORDER_CONSTANT)
    return smoothstep(0.5, 0.95, np.asarray(soft, np.float32)) * inside


def mouth_kept(mesh: Mesh, gap: float, size: Size) -> Mask:
    """(h, w) 1 between the lips where the target's mouth stands open and the donor's doesn't: it keeps its teeth.

    `mesh` (468, 3) is the target's, in pixels of that size; `gap` by how much wider its mouth stands open.
    """
    share = smoothstep(*MOUTH_GAP, np.array(gap))
    hole = np.zeros((size.height, size.width), np.float32)
    if share > 0:
        outline = np.rint((mesh[list(points.LIPS_INNER), :2] - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(hole, [outline], 1.0, shift=4)
    return cv2.GaussianBlur(hole, (0, 0), 0.8) * np.float32(share)
