"""What Map Faces hands to its page: the faces as thumbnails on one sheet, and who got whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Final

import numpy as np
from comfy_api.latest import ui

from ..pipeline.types import Face, FaceSet, ImageF32, IndexMap, Picture, Placement, Size
from .bridge import image_from

MOST: Final = 64
"""Faces of a side that are shown."""
_ACROSS: Final = 8
_SIDE: Final = Size(96, 96)
_ROOM: Final = 1.3
"""Of the face's longer side: what a thumbnail shows."""
_BLANK: Final = 60 / 255


def choices(
    target_faces: FaceSet,
    targets: Sequence[Picture] | None,
    source_faces: FaceSet,
    sources: Sequence[Picture] | None,
    index_map: IndexMap,
    by_number: bool,
) -> Mapping[str, object]:
    """`mfs_faces`: how many faces there are on both sides, the pairs by their numbers, and the sheet of thumbnails,
    targets first, from left to right and down; faces of pictures that aren't there are blank.

    Targets that count afresh in each picture are shown by the first picture that has that number. Not `by_number`, the
    target faces are the people to recognise, and the pairs are for the page to read from the lists.
    """
    people = _numbered(target_faces) if by_number else [*target_faces.flat()][:MOST]
    donors = [*source_faces.flat()][:MOST]
    thumbnails = [*(_thumbnail(face, targets) for face in people), *(_thumbnail(face, sources) for face in donors)]
    facts = {"targets": len(people), "sources": len(donors), "pairs": _pairs(index_map) if by_number else []}
    if not thumbnails:
        return {"mfs_faces": [{**facts, "sheet": None, "across": 0, "down": 0}]}
    sheet = _sheet(thumbnails)
    saved = ui.PreviewImage(image_from([sheet], [Size.of(sheet)])).as_dict()["images"][0]
    across, down = sheet.shape[1] // _SIDE.width, sheet.shape[0] // _SIDE.height
    return {"mfs_faces": [{**facts, "sheet": saved, "across": across, "down": down}]}


def _numbered(faces: FaceSet) -> list[Face]:
    """For each number the face of the first picture that has so many."""
    most = min(max((len(frame) for frame in faces), default=0), MOST)
    return [next(frame[number] for frame in faces if len(frame) > number) for number in range(most)]


def _pairs(index_map: IndexMap) -> list[tuple[int, int]]:
    """Target and source numbers, of each target the first."""
    found: dict[int, int] = {}
    for pair in (pair for frame in index_map.frames for pair in frame):
        found.setdefault(pair.target.index, pair.source.index)
    return sorted(found.items())


def _thumbnail(face: Face, pictures: Sequence[Picture] | None) -> ImageF32:
    from ..pipeline.geometry import extract_crop

    if pictures is None:
        return np.full((_SIDE.height, _SIDE.width, 3), _BLANK, np.float32)
    centre = (face.box[:2] + face.box[2:]) / 2
    scale = _SIDE.width / max(float((face.box[2:] - face.box[:2]).max()) * _ROOM, 1.0)
    matrix = np.hstack([np.eye(2) * scale, (np.array(_SIDE) / 2 - scale * centre)[:, None]])
    return np.clip(extract_crop(pictures[face.frame], Placement(matrix, _SIDE)), 0, 1)


def _sheet(thumbnails: Sequence[ImageF32]) -> ImageF32:
    """(H, W, 3) the thumbnails in rows."""
    across = min(len(thumbnails), _ACROSS)
    down = ceil(len(thumbnails) / across)
    sheet = np.full((down * _SIDE.height, across * _SIDE.width, 3), _BLANK, np.float32)
    for number, thumbnail in enumerate(thumbnails):
        top, left = number // across * _SIDE.height, number % across * _SIDE.width
        sheet[top : top + _SIDE.height, left : left + _SIDE.width] = thumbnail
    return sheet
