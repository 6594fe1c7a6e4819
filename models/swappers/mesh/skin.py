"""Tells a face's own skin from hair, glasses, hands and hats by its colour."""

from __future__ import annotations

import cv2
import numpy as np

from ....pipeline.types import ImageF32, Mask

_TOLERANCE = (45.0, 12.0, 14.0)
"""Least distance in Lab from the face's own colour at which a pixel counts as something else: keeps hair out."""
_SPREADS = 3.0
"""The same in spreads (median absolute deviations as standard deviations), where the face's colour varies more."""


def skin_likelihood(image: ImageF32, weight: Mask) -> Mask:
    """(h, w) in [0, 1]: how much each pixel of `image` (h, w, 3), RGB in [0, 1], has the colour that most have under
    `weight` (h, w). Meant for small pictures: it keeps all pixels in memory several times."""
    lab = cv2.cvtColor(np.clip(image, 0, 1).astype(np.float32), cv2.COLOR_RGB2LAB)
    sample = lab[weight > 0.5]
    if len(sample) < 16:
        return np.ones(weight.shape, np.float32)
    middle = np.median(sample, 0)
    spread = 1.4826 * np.median(np.abs(sample - middle), 0)
    away = (((lab - middle) / np.maximum(_TOLERANCE, _SPREADS * spread)) ** 2).sum(2)
    return np.exp(-(away**2)).astype(np.float32)
