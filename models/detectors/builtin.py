"""The built-in detector: BlazeFace finds, the face mesh confirms and measures."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np

from ...pipeline.boxes import iou, nms
from ...pipeline.geometry import Region
from ...pipeline.protocols import Watched
from ...pipeline.types import Box, Face, Picture, Points, Size
from ..runtime.devices import threads
from .blazeface import BlazeFace, Candidates, Scan, Seen, joined
from .cadence import turns_of
from .facemesh import FaceMesh, box_of, landmarks_of

_SAME_FACE = 0.4
"""Meshes whose boxes overlap by more than this lie on one face."""
_SEEN = 0.3
"""Overlap of a mesh's box with what BlazeFace saw from which on that is the same face."""
_PART = 0.25
"""Overlap with a known face from which on what is found beside it is a part of it."""
_STEADY = 0.6
"""Overlap of a face's boxes in two frames from which on it can be followed by its mesh alone."""
_SHARE_OF_PICTURE = 240
"""The picture's longer side over the smallest face looked for: 16 pixels at 4K, and no endless search beyond."""
_INSIDE, _MOSTLY_INSIDE = 0.8, 0.6
"""Share of a face's box within a better face's box from which it counts as a part of that face: the latter where it is
seen far more weakly."""
_FAR_WEAKER = 0.7


class BuiltinDetector:
    """Finds faces with their meshes. `turns` also tries quarter turns. `tiles` looks for small faces too: from
    `min_size` pixels up, or, where that is 0, from 16 pixels in pictures of up to 3840 pixels and from as large a
    share of larger ones."""

    def __init__(
        self,
        blazeface: BlazeFace,
        facemesh: FaceMesh,
        *,
        confidence: float = 0.5,
        turns: bool = False,
        tiles: bool = True,
        min_size: float = 0,
    ) -> None:
        self.confidence = confidence
        self._blazeface, self._facemesh = blazeface, facemesh
        self._turns = (0, 1, 2, 3) if turns else (0,)
        self._tiles, self._min_size = tiles, min_size

    def detect(self, frame: Picture) -> list[Face]:
        """The faces of a picture, best first, each with its mesh, none smaller than `min_size` pixels."""
        found = self._blazeface.find(frame, self.confidence, **self._scan(frame))
        return _one_each(self._measured(frame, found))

    def _scan(self, frame: Picture) -> Scan:
        smallest = self._min_size or max(Size.of(frame)) / _SHARE_OF_PICTURE
        return {"tiled": self._tiles, "smallest": smallest, "turns": self._turns}

    def _measured(self, frame: Picture, found: Candidates, known: Sequence[Box] = ()) -> list[Face]:
        """With their meshes, but those that are small, that have none, and those that lie on a known box (4,)."""
        new = [n for n, box in enumerate(found.boxes) if not known or iou(box, np.stack(known)).max() < _SAME_FACE]
        fitted = [self._measure(frame, found.boxes[n], found.eyes[n], found.scores[n]) for n in new]
        faces = [face for face in fitted if face is not None]
        return [face for face in faces if float((face.box[2:] - face.box[:2]).max()) >= self._min_size]

    def locate(self, frame: Picture, boxes: Sequence[Box]) -> list[Face | None]:
        """The face inside each given box (4,), measured; None where no face is seen there."""
        return [self._locate_one(frame, np.asarray(box, np.float32)) for box in boxes]

    def watch(self, frame: Picture, known: Sequence[Face], before: float, time: float) -> Watched:
        """Known faces are followed by their meshes; BlazeFace must still see each twice a second, and at once where a
        mesh jumps or faces meet."""
        followed = self._all_followed(frame, known)
        found = self._blazeface.glance(frame, self.confidence, before, time, **self._scan(frame))
        boxes = [face.box for face in followed if face is not None]
        denied = set[int]()
        for number, face in enumerate(followed):
            if face is None:
                continue
            is_due = bool(turns_of(1, number / len(known), before, time))
            if is_due or _jumped(known[number].box, face.box) or _meets(face.box, boxes, found):
                followed[number] = self._confirmed(frame, face)
                denied.update([number] if followed[number] is None else [])
        others = self._measured(frame, found, [face.box for face in followed if face is not None])
        others = [face for face in others if not _meets(face.box, boxes) or self._is_apart(frame, face, boxes)]
        everybody = _one_each([*(face for face in followed if face is not None), *others])
        kept = {id(face) for face in everybody}
        return Watched(
            [face if face is not None and id(face) in kept else None for face in followed],
            [face for face in others if id(face) in kept],
            frozenset(denied),
        )

    def _all_followed(self, frame: Picture, known: Sequence[Face]) -> list[Face | None]:
        if not known:
            return []
        with ThreadPoolExecutor(min(len(known), threads()), "multifaceswap-follow") as workers:
            return list(workers.map(self._followed, repeat(frame), known))

    def _followed(self, frame: Picture, face: Face) -> Face | None:
        mesh = None if face.mesh is None else self._facemesh.again(frame, face.mesh)
        if mesh is None or float(np.ptp(mesh[:, :2], axis=0).max()) < self._min_size:
            return None
        return Face(box_of(mesh), landmarks_of(mesh), face.score, mesh=mesh)

    def _confirmed(self, frame: Picture, face: Face) -> Face | None:
        """The face measured anew where BlazeFace sees it; None where that sees none there."""
        rows, scores = self._looked(frame, face.box)
        overlaps = iou(face.box, rows[:, :4])
        if not overlaps.max(initial=0) > _SEEN:
            return None
        best = int(overlaps.argmax())
        return self._measure(frame, rows[best, :4], rows[best, 4:].reshape(2, 2), scores[best])

    def _is_apart(self, frame: Picture, face: Face, boxes: Sequence[Box]) -> bool:
        """Whether a newcomer beside known faces is one of its own and no part of theirs."""
        seen = self._confirmed(frame, face)
        if seen is None or seen.score < self.confidence:
            return False
        return not float(iou(seen.box, np.stack(boxes)).max()) > _PART

    def _locate_one(self, frame: Picture, box: Box) -> Face | None:
        rows, _ = self._looked(frame, box)
        overlaps = iou(box, rows[:, :4])
        if not overlaps.max(initial=0) > 0:
            return None
        best = rows[int(np.argmax(overlaps))]
        return self._measure(frame, box, best[4:].reshape(2, 2), np.float32(1))

    def _looked(self, frame: Picture, box: Box) -> Seen:
        """What BlazeFace sees around a box."""
        around = _around(box)
        turns = () if around.within(Size.of(frame)).empty else self._turns
        looks = [self._blazeface.look(frame, around, turn, self.confidence / 2) for turn in turns]
        return joined(looks)

    def _measure(self, frame: Picture, box: Box, eyes: Points, score: np.float32) -> Face | None:
        mesh = self._facemesh.mesh(frame, box, eyes)
        if mesh is None:
            return None
        return Face(box_of(mesh), landmarks_of(mesh), float(score), mesh=mesh)


def _jumped(before: Box, now: Box) -> bool:
    """Whether a face has moved or grown by more than faces do from one frame to the next."""
    return not iou(before, now[None])[0] > _STEADY


def _meets(box: Box, boxes: Sequence[Box], found: Candidates | None = None) -> bool:
    """Whether a box overlaps others than itself, or some that were found elsewhere than on it."""
    overlaps = [iou(box, other[None])[0] for other in boxes if other is not box]
    if found is not None and len(found.boxes):
        seen = iou(box, found.boxes)
        overlaps += [one for one in seen if one < _SEEN]
    return max(overlaps, default=0) > 0


def _around(box: Box) -> Region:
    """A square of three times the box; outside the picture too, so that a face that fills the picture has a rim."""
    centre, half = (box[:2] + box[2:]) / 2, 1.5 * float((box[2:] - box[:2]).max())
    left, top, right, bottom = np.rint(np.concatenate([centre - half, centre + half])).astype(int)
    return Region(left, top, right, bottom)


def _one_each(faces: list[Face]) -> list[Face]:
    if not faces:
        return []
    boxes = np.array([face.box for face in faces])
    kept = [int(i) for i in nms(boxes, np.array([face.score for face in faces]), _SAME_FACE)]
    return [faces[i] for i in kept if not any(_part_of(faces[i], faces[j]) for j in kept if j != i)]


def _part_of(part: Face, whole: Face) -> bool:
    """An eye and a cheek can look like a small face: one that lies within a better face is none."""
    shared = np.minimum(part.box[2:], whole.box[2:]) - np.maximum(part.box[:2], whole.box[:2])
    inside = float(np.prod(np.maximum(shared, 0))) / max(part.area, 1e-6)
    enough = _MOSTLY_INSIDE if part.score < _FAR_WEAKER * whole.score else _INSIDE
    return part.score < whole.score and inside > enough
