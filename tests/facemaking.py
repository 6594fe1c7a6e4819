"""Made-up faces, and pictures to have them in."""

from __future__ import annotations

import numpy as np
from multifaceswap.pipeline.templates import FFHQ_512
from multifaceswap.pipeline.types import MESH_POINTS, Face, FaceSet, Size


def face(middle, side, degrees=0.0, index=0, mesh=False):
    """A face whose crop of FFHQ's alignment is a square of `side` pixels around `middle`."""
    turn = np.deg2rad(degrees)
    rotation = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    landmarks = (FFHQ_512 - 0.5) @ rotation * side + np.array(middle)
    box = np.concatenate([np.array(middle) - side * 0.3, np.array(middle) + side * 0.35])
    return Face(box, landmarks, 0.9, 0, index, mesh=disc_mesh(middle, side * 0.3) if mesh else None)


def disc_mesh(middle, radius):
    angles = np.linspace(0, 2 * np.pi, MESH_POINTS)
    round_ = np.array(middle) + radius * np.stack([np.cos(angles), np.sin(angles)], 1)
    return np.hstack([round_, np.zeros((MESH_POINTS, 1))])


def faces_of(picture, *frames):
    return FaceSet(tuple(tuple(frame) for frame in frames), Size.of(picture))


def noise(height=300, width=400, channels=3, dtype=np.float32):
    random = np.random.RandomState(2)
    if np.dtype(dtype).kind == "u":
        return random.randint(0, np.iinfo(dtype).max + 1, (height, width, channels)).astype(dtype)
    return random.rand(height, width, channels).astype(dtype)
