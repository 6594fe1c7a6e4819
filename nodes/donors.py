"""Donors of several batches of pictures as one batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from comfy_api.latest import io

from ..pipeline.errors import SettingsError
from ..pipeline.faces.joining import joined
from ..pipeline.types import FaceSet, Picture, Size
from ..pipeline.validation import require_faces, require_pictures
from .bridge import frames_of
from .sockets import Faces

if TYPE_CHECKING:
    import torch


def more_inputs() -> list[io.Input]:
    """Sockets for donors that come before a node's own."""
    text = "Donors that come before these, which their numbers follow on: from Detect, Order, Merge or Load Faces."
    return [
        Faces.Input("more_faces", optional=True, tooltip=text),
        io.Image.Input("more_image", optional=True, tooltip="The pictures of more_faces."),
    ]


def with_more(
    pictures: Sequence[Picture], faces: FaceSet, more_image: torch.Tensor | None, more_faces: FaceSet | None
) -> tuple[list[Picture], FaceSet]:
    """The pictures, all of one size, and the faces of both batches. Raises SettingsError and MismatchError."""
    if more_faces is None and more_image is None:
        return levelled(pictures), faces
    if more_faces is None or more_image is None:
        raise SettingsError("more_faces and more_image belong together: connect both")
    require_faces(more_faces, "more_faces")
    others = frames_of(more_image, "more_image")
    require_pictures(others, "more_image")
    more_faces.require(others, "more")
    return levelled([*others, *pictures]), joined([more_faces, faces])


def levelled(pictures: Sequence[Picture]) -> list[Picture]:
    """Pictures as float32 RGB of one size: smaller ones continue their right and lower edges, so that places stay."""
    size = Size.holding(pictures)
    return [_filled(picture, size) for picture in pictures]


def _filled(picture: Picture, size: Size) -> Picture:
    whole = np.float32(255 if picture.dtype.kind == "u" else 1)
    rest = size.height - picture.shape[0], size.width - picture.shape[1]
    padded = np.pad(picture[..., :3], ((0, rest[0]), (0, rest[1]), (0, 0)), mode="edge")
    return np.asarray(padded / whole, np.float32)
