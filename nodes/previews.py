"""What nodes show of their work: numbered faces, and who becomes whom, with or without the pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat, starmap
from typing import TYPE_CHECKING

import numpy as np
from comfy_api.latest import ui

from ..pipeline.types import FaceSet, IndexMap, Picture, Size
from .bridge import image_from

if TYPE_CHECKING:
    import torch

MOST = 8
"""Of a clip the first pictures are shown: previews of all would take as much memory as the clip."""
_BLANK = 60


def preview_of_faces(faces: FaceSet, pictures: Sequence[Picture] | None = None) -> torch.Tensor:
    """(N, H, W, 3) the faces with their numbers, for the first pictures; on grey where there are no pictures."""
    from ..pipeline.draw.preview import draw_faces
    from ..pipeline.draw.preview_layout import fitted

    shown = _blanks(faces.size, min(len(faces), MOST)) if pictures is None else pictures[:MOST]
    return image_from(map(draw_faces, shown, faces.frames), [fitted(Size.of(picture)) for picture in shown])


def preview_of_pairs(
    index_map: IndexMap, targets: Sequence[Picture] | None = None, sources: Sequence[Picture] | None = None
) -> torch.Tensor:
    """(N, H, W, 3) donors and targets with an arrow for each pair, for the first target pictures."""
    from ..pipeline.draw.preview import draw_pairs, pairs_size

    shown = _blanks(index_map.target_size, min(len(index_map.frames), MOST)) if targets is None else targets[:MOST]
    donors = _blanks(index_map.source_size, index_map.source_count) if sources is None else sources
    made = list(zip(shown, repeat(donors), index_map.frames))
    return image_from(starmap(draw_pairs, made), list(starmap(pairs_size, made)))


def in_node(preview: torch.Tensor) -> Mapping[str, object]:
    """The preview inside the node itself; nothing of no pictures, which ComfyUI can't show."""
    return ui.PreviewImage(preview).as_dict() if len(preview) else {}


def _blanks(size: Size, count: int) -> list[Picture]:
    return [np.full((size.height, size.width, 3), _BLANK, np.uint8)] * count
