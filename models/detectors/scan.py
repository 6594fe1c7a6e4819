"""Looks for faces with a network of bounded input size: at the whole picture, at tiles of it, at turned copies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import floor
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ...pipeline.bands import resized_bilinear, resized_by_area, to_float
from ...pipeline.boxes import cut_by_tile, iou, nms, tiles
from ...pipeline.errors import EngineError, require_range
from ...pipeline.geometry import Region
from ...pipeline.protocols import Watched
from ...pipeline.types import FARTHEST, Face, FloatArray, ImageF32, Picture, Size
from ..runtime.memory_hook import Network as RuntimeNetwork
from ..runtime.outputs import not_usable, odd_numbers
from .cadence import turns_of

_SMALLEST = 16
"""Faces of fewer pixels in a network's input are missed."""
_SHARE_OF_PICTURE = 240
"""The picture's longer side over the smallest face looked for: 16 pixels at 4K, and no endless search beyond."""
_LEVEL_STEP = 6
"""From one level of tiles to the next: a tile sees whole every face up to a quarter of its side."""
_WORTH_TILES = 1.25
"""By how much the whole picture must shrink before tiles see more than it does."""
_AREA_FROM = 1.5
"""What a bilinear shrink leaves unread beyond twice the size is averaged in first, down to this factor."""
_ROOM = 1.5
"""Of a face's longer side: what is looked at around it in the next frame."""
_SAME = 0.3
"""Overlap from which on a face is the one of the frame before."""
MOST_FACES = 2000
"""In one picture, more than in any crowd that can be told apart."""
_CANDIDATES = 20_000
"""Of a picture's detections the best are compared, ten for each face."""
_BATCH_PIXELS = 8 * 640 * 640


class Detections(NamedTuple):
    """What a network saw, in no order: boxes (N, 4), landmarks (N, 5, 2), scores (N,)."""

    boxes: FloatArray
    landmarks: FloatArray
    scores: FloatArray

    def where(self, kept: NDArray[np.bool_]) -> Detections:
        return Detections(self.boxes[kept], self.landmarks[kept], self.scores[kept])

    def __bool__(self) -> bool:
        return len(self.scores) > 0


class Letterbox(NamedTuple):
    """How a picture goes into a network's input."""

    inner: Size
    """To which the picture is resized."""
    outer: Size
    """Of the input."""
    left: int
    top: int
    """Where the resized picture lies in the input."""
    scale: float
    """Input pixels per picture pixel, as the network's project counts them back."""


class Network(Protocol):
    """A detector of limited input size."""

    padding: float
    """In [0, 1]: the grey around the picture."""
    overlap: float
    """Of two faces that overlap by more, the better is kept."""
    border: float
    """Added to box sides when overlaps are measured, in pixels."""

    @property
    def sessions(self) -> tuple[RuntimeNetwork, ...]:
        """What holds its weights: can be closed, tells its device as `state`."""
        ...

    @property
    def side(self) -> int:
        """The longer side of the largest input in pixels."""
        ...

    def fit(self, size: Size) -> Letterbox: ...

    def look(self, images: FloatArray, confidence: float) -> list[Detections]:
        """The faces in each of the inputs (N, H, W, 3), RGB in [0, 1], in input pixels."""
        ...


class _View(NamedTuple):
    """One look: a region of a frame, turned counter-clockwise by quarter turns."""

    frame: int
    region: Region
    turn: int
    fit: Letterbox


class ScanningDetector:
    """Finds faces with a network, whatever the size of the picture.

    The picture is scaled down to the network's `side`, and to half of it where nothing is seen so; `tiles` looks at
    overlapping tiles of larger pictures too, for faces from `min_size` pixels up, or, where that is 0, from 16 pixels
    in pictures of up to 3840 pixels and from as large a share of larger ones; `turns` also looks at quarter turns.
    Faces whose longer side is under `min_size` are left out.
    """

    def __init__(
        self, network: Network, *, confidence: float, tiles: bool = False, turns: bool = False, min_size: float = 0
    ) -> None:
        require_range("confidence", confidence, 0, 1)
        require_range("min_size", min_size, 0, 100_000)
        self.confidence = confidence
        self.network = network
        self._tiles, self._min_size = tiles, min_size
        self._turns = (0, 1, 2, 3) if turns else (0,)

    @property
    def sessions(self) -> tuple[RuntimeNetwork, ...]:
        return self.network.sessions

    def detect(self, frame: Picture) -> list[Face]:
        """The faces of a picture (H, W, C), best first, in full-picture pixels."""
        return self.detect_many([frame])[0]

    def detect_many(self, frames: Sequence[Picture]) -> list[list[Face]]:
        """The faces of several pictures, looked at together where their sizes allow."""
        sizes = [Size.of(frame) for frame in frames]
        found: list[list[Detections]] = [[] for _ in frames]
        missed = set(range(len(frames)))

        def look(views: Iterable[_View]) -> None:
            for view, seen in self._seen(frames, views):
                found[view.frame].append(_to_picture(seen, view, sizes[view.frame]))
                if view.region == _whole(sizes[view.frame]):
                    missed.discard(view.frame)

        look(view for number, size in enumerate(sizes) for view in self._views(number, size))
        look([view for number in sorted(missed) for view in self._with_rim(number, sizes[number])])
        return [self._faces(parts) for parts in found]

    def watch(self, frame: Picture, known: Sequence[Face], before: float, time: float) -> Watched:
        """Looks at the whole frame, around known faces that aren't seen so, and at the tiles whose turn it is."""
        size = Size.of(frame)
        tiles = list(self._tiled(size)) if self._tiles else []
        due = [tiles[number % len(tiles)] for number in turns_of(len(tiles), 0, before, time)] if tiles else []
        seen = self._seen_in(frame, [_whole(size), *due])
        faces = self._faces(seen)
        around = [_around(face, size) for face in known if not _matching(face, faces)]
        if around:
            faces = self._faces([*seen, *self._seen_in(frame, around)])
        found = [_matching(face, faces) for face in known]
        again = {id(face) for face in found}
        return Watched(found, [face for face in faces if id(face) not in again])

    def _seen_in(self, frame: Picture, regions: Sequence[Region]) -> list[Detections]:
        size = Size.of(frame)
        views = [
            _View(0, one, turn, self.network.fit(_turned(one.size, turn))) for one in regions for turn in self._turns
        ]
        return [_to_picture(seen, view, size) for view, seen in self._seen([frame], views)]

    def _seen(self, frames: Sequence[Picture], views: Iterable[_View]) -> Iterator[tuple[_View, Detections]]:
        """The views that show faces."""
        for batch in _batches(views):
            for view, seen in zip(batch, self._look(frames, batch), strict=True):
                if seen:
                    yield view, seen

    def _look(self, frames: Sequence[Picture], views: Sequence[_View]) -> list[Detections]:
        # By itself, so that what was seen last is let go of before the next is made.
        found = self.network.look(_inputs(frames, views, self.network.padding), self.confidence)
        for seen, view in zip(found, views, strict=True):
            if wrong := odd_numbers(seen, FARTHEST / 2 * min(view.fit.scale, 1)):
                state = self.sessions[0].state
                raise not_usable(wrong, state.model, state.provider.removesuffix("ExecutionProvider"))
        return found

    def _views(self, number: int, size: Size) -> Iterator[_View]:
        for region in [_whole(size), *(self._tiled(size) if self._tiles else ())]:
            for turn in self._turns:
                yield _View(number, region, turn, self.network.fit(_turned(region.size, turn)))

    def _with_rim(self, number: int, size: Size) -> Iterator[_View]:
        """The whole picture at half the scale: the networks miss faces that fill their input."""
        for turn in self._turns:
            yield _View(number, _whole(size), turn, _halved(self.network.fit(_turned(size, turn))))

    def _tiled(self, size: Size) -> Iterator[Region]:
        smallest = max(self._min_size or max(size) / _SHARE_OF_PICTURE, _SMALLEST)
        side = self.network.side * smallest / _SMALLEST
        while side * _WORTH_TILES < max(size):
            yield from tiles(size, round(side))
            side *= _LEVEL_STEP

    def _faces(self, parts: Sequence[Detections]) -> list[Face]:
        if not parts:
            return []
        boxes, landmarks, scores = _best([np.concatenate(column) for column in zip(*parts, strict=True)])
        kept = nms(boxes, scores, self.network.overlap, self.network.border)
        if len(kept) > MOST_FACES:
            name = self.sessions[0].state.model
            raise EngineError(
                f"{name} saw {len(kept):,} faces in a picture, more than {MOST_FACES:,}: its file is damaged, or the "
                "confidence asked for is too low"
            )
        faces = [Face(boxes[i], landmarks[i], float(scores[i])) for i in kept]
        return [face for face in faces if float((face.box[2:] - face.box[:2]).max()) >= self._min_size]


def _best(found: Sequence[FloatArray]) -> Detections:
    """Boxes, landmarks and scores, of many only the best."""
    seen = Detections(*found)
    if len(seen.scores) <= _CANDIDATES:
        return seen
    best = np.zeros(len(seen.scores), bool)
    best[np.argsort(-seen.scores, kind="stable")[:_CANDIDATES]] = True
    return seen.where(best)


def shrunk(image: Picture, size: Size) -> ImageF32:
    """Resize a picture (H, W, C) as the detectors' projects do, bilinear: (H, W, 3) RGB float32 in [0, 1].

    What that would leave unread is averaged in first.
    """
    factor = floor(image.shape[0] / size.height / _AREA_FROM)
    if factor > 1:
        image = resized_by_area(image, Size(max(image.shape[1] // factor, 1), max(image.shape[0] // factor, 1)))
    return to_float(image) if Size.of(image) == size else resized_bilinear(image, size)


def _around(face: Face, size: Size) -> Region:
    """The part of a picture around a face, with room for it to have moved."""
    room = _ROOM * (face.box[2:] - face.box[:2]).max()
    left, top, right, bottom = np.rint(np.concatenate([face.box[:2] - room, face.box[2:] + room])).astype(int)
    region = Region(left, top, right, bottom).within(size)
    return _whole(size) if region.empty else region


def _matching(face: Face, faces: Sequence[Face]) -> Face | None:
    """The one that overlaps a face of the frame before most."""
    if not faces:
        return None
    overlaps = iou(face.box, np.stack([one.box for one in faces]))
    best = int(overlaps.argmax())
    return faces[best] if overlaps[best] > _SAME else None


def _whole(size: Size) -> Region:
    return Region(0, 0, *size)


def _halved(fit: Letterbox) -> Letterbox:
    """The picture at half the scale in the middle of the same input."""
    inner = Size(max(fit.inner.width // 2, 1), max(fit.inner.height // 2, 1))
    left, top = (fit.outer.width - inner.width) // 2, (fit.outer.height - inner.height) // 2
    return Letterbox(inner, fit.outer, left, top, fit.scale / 2)


def _batches(views: Iterable[_View]) -> Iterator[list[_View]]:
    for size, group in groupby(sorted(views, key=lambda view: view.fit.outer), key=lambda view: view.fit.outer):
        alike = list(group)
        step = max(_BATCH_PIXELS // (size.width * size.height), 1)
        yield from (alike[at : at + step] for at in range(0, len(alike), step))


def _turned(size: Size, turn: int) -> Size:
    return Size(size.height, size.width) if turn % 2 else size


def _inputs(frames: Sequence[Picture], views: Sequence[_View], padding: float) -> ImageF32:
    """(N, H, W, 3) what the network is to see, of views of one size."""
    outer = views[0].fit.outer
    images = np.full((len(views), outer.height, outer.width, 3), padding, np.float32)
    for image, (frame, region, turn, fit) in zip(images, views, strict=True):
        # Turned once it is small: turned as it is a large picture would have to be copied.
        small = shrunk(frames[frame][region.slices], _turned(fit.inner, turn))
        image[fit.top : fit.top + fit.inner.height, fit.left : fit.left + fit.inner.width] = np.rot90(small, turn)
    return images


def _to_picture(seen: Detections, view: _View, size: Size) -> Detections:
    """In full-picture pixels, without the faces that an inner border of a tile cuts."""
    edges = _moved(seen.boxes.reshape(-1, 2, 2), view)
    boxes = np.concatenate([edges.min(1), edges.max(1)], 1)
    whole = np.array([not cut_by_tile(box, view.region, size) for box in boxes], bool)
    return Detections(boxes, _moved(seen.landmarks, view), seen.scores).where(whole)


def _moved(points: FloatArray, view: _View) -> FloatArray:
    """(N, K, 2) input pixels as picture pixels."""
    fit, region = view.fit, view.region
    points = (points - np.array([fit.left, fit.top], np.float32)) / np.float32(fit.scale)
    return _unturned(points, region.size, view.turn) + np.array([region.left, region.top], np.float32)


def _unturned(points: FloatArray, size: Size, turn: int) -> FloatArray:
    """Points of a picture that `np.rot90` turned, as points of the picture of `size`."""
    x, y = points[..., 0], points[..., 1]
    turned = ((x, y), (size.width - y, x), (size.width - x, size.height - y), (y, size.height - x))[turn]
    return np.stack(turned, -1)
