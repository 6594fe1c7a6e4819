"""Masks that say where targets may change: the MASK of the nodes and `--limit-mask`'s picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from ..media.pictures import read_picture
from ..pipeline.bands import full_scale
from ..pipeline.compose.masks import in_range
from ..pipeline.errors import MismatchError
from ..pipeline.geometry import resized
from ..pipeline.types import FloatArray, Picture, Size
from ..pipeline.validation import require_masks

_SAME_SHAPE = 0.01
"""How far two proportions may differ by rounding."""
_ROUNDING = 0.002
"""How far weights may leave their range unsaid: less than half a level of 8 bits."""


class Limits(NamedTuple):
    """Where targets may change."""

    masks: Sequence[FloatArray] | None
    """(H, W) in [0, 1] a target; None where that is everywhere."""
    notes: tuple[str, ...] = ()
    """What was done to them, for the report."""


def read_limit(file: Path) -> FloatArray:
    """Shares (h, w) in [0, 1]: 1 where the picture is white, 0 where it is black or transparent."""
    picture = read_picture(file)
    pixels = np.asarray(picture, np.float32) / np.float32(full_scale(picture))
    if pixels.shape[2] == 1:
        return np.ascontiguousarray(pixels[..., 0])
    grey = cv2.cvtColor(np.ascontiguousarray(pixels[..., :3]), cv2.COLOR_RGB2GRAY)
    return np.clip(grey * pixels[..., 3] if pixels.shape[2] == 4 else grey, 0, 1).astype(np.float32, copy=False)


def fitted_limit(limit: FloatArray, size: Size, name: str) -> FloatArray:
    """The limit (h, w) in the target's size; itself where it has it. MismatchError where its proportions are others.

    `name` is what the user calls it.
    """
    found = Size.of(limit)
    if found == size:
        return limit
    if abs(found.width * size.height / (found.height * size.width) - 1) > _SAME_SHAPE:
        raise MismatchError(f"{name}: expected the target's size {size} or its proportions, got {found}")
    return resized(limit, size)


def limits_in_range(masks: Sequence[FloatArray] | None, targets: Sequence[Picture], name: str) -> Limits:
    """The masks of targets with no weight outside [0, 1]: the very ones that have none.

    Raises MismatchError for masks that don't fit their targets, SettingsError for those that hold other things than
    weights, such as NaN or numbers up to 255. `name` is what the user calls them.
    """
    if masks is None:
        return Limits(None)
    require_masks(masks, targets, name)
    given = list(masks)
    if not given:
        return Limits(None)
    spans = {id(mask): (float(mask.min()), float(mask.max())) for mask in given}
    cut = {id(mask): in_range(mask) for mask in given if min(spans[id(mask)]) < 0 or max(spans[id(mask)]) > 1}
    low, high = min(low for low, _ in spans.values()), max(high for _, high in spans.values())
    beyond = max(-low, high - 1) > _ROUNDING
    notes = (f"{name}: weights from {low:.3g} to {high:.3g} were cut off at 0 and 1",) if beyond else ()
    return Limits([cut.get(id(mask), mask) for mask in given] if cut else masks, notes)
