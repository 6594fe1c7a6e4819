"""Frames with faces in them, made of the shipped portraits."""

from __future__ import annotations

from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from multifaceswap.media.pictures import read_picture
from multifaceswap.pipeline.geometry import resized
from multifaceswap.pipeline.types import Size

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
_HEAD = (150, 10, 300, 190)
"""Left, top, right, bottom of the head in the portrait."""
_FACE_SHARE = 95 / 150
"""Width of the face in it."""


def portrait() -> Any:
    """(512, 512, 3) uint8: one face."""
    return read_picture(EXAMPLES / "astronaut.png")[..., :3]


def crowd(size: Size, count: int, face: int = 150) -> Any:
    """(H, W, 3) uint8: the same head `count` times, its face `face` pixels wide, on grey, row by row."""
    left, top, right, bottom = _HEAD
    width = round(face / _FACE_SHARE)
    height = round(width * (bottom - top) / (right - left))
    head = resized(portrait()[top:bottom, left:right].astype(np.float32), Size(width, height)).round().astype(np.uint8)
    frame = np.full((size.height, size.width, 3), 112, np.uint8)
    columns = ceil(np.sqrt(count * size.width / size.height))
    step = np.array([size.width / columns, size.height / ceil(count / columns)])
    for number in range(count):
        x, y = (np.array([number % columns, number // columns]) * step + (step - (width, height)) / 2).astype(int)
        frame[y : y + height, x : x + width] = head
    return frame
