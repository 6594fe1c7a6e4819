"""Pictures that show what is what: numbered faces, and arrows from donors to targets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from ..bands import to_float
from ..geometry import resized
from ..types import Face, Gender, Pair, Picture, Size
from .preview_layout import Tile, arrange, fitted
from .strokes import Canvas, Colour, Label, Pen, Points, rectangle

COLOURS: Final[tuple[Colour, ...]] = (
    (86, 180, 233),
    (230, 159, 0),
    (0, 158, 115),
    (240, 228, 66),
    (204, 121, 167),
    (213, 94, 0),
    (0, 114, 178),
)
"""RGB, told apart with any colour vision (Okabe and Ito, "Color Universal Design", 2008); the lighter ones first."""
_LIGHT: Final[Colour] = (255, 255, 255)
_BACKGROUND: Final = 40


def draw_faces(picture: Picture, faces: Sequence[Face], numbers: Sequence[int] | None = None) -> Canvas:
    """The picture with boxes, landmarks, numbers and, where known, gender signs: (H, W, 3) uint8 RGB.

    A copy of the size that `preview_layout.fitted` gives. `numbers` stands in for the faces' own indexes. Alpha is
    dropped: detectors see the picture so.
    """
    size = Size.of(picture)
    tile = Tile(0, 0, fitted(size), size)
    shown = [face.index for face in faces] if numbers is None else numbers
    labelled = enumerate(zip(faces, shown, strict=True))
    canvas = _shown(picture, tile.size)
    _draw_marks(canvas, [_mark(tile, face, number, _colour(place)) for place, (face, number) in labelled])
    return canvas


def pairs_size(target_picture: Picture, source_pictures: Sequence[Picture], pairs: Sequence[Pair]) -> Size:
    """Of what `draw_pairs` makes of these."""
    return _arranged(target_picture, [source_pictures[frame] for frame in _used(pairs, len(source_pictures))])[0]


def draw_pairs(target_picture: Picture, source_pictures: Sequence[Picture], pairs: Sequence[Pair]) -> Canvas:
    """Donors and target in one picture with an arrow for every pair: (H, W, 3) uint8 RGB.

    Of the source pictures those are shown that the pairs use, the first one if there are no pairs; they stand left of
    the target or above it. The numbers are those of the pairs: sources are counted through all source pictures. Every
    pair has a colour, seven in turn; a donor of several targets is white. No side is longer than `layout.LONGEST`.
    """
    used = _used(pairs, len(source_pictures))
    shown = [target_picture, *(source_pictures[frame] for frame in used)]
    size, tiles = _arranged(target_picture, shown[1:])
    canvas: Canvas = np.full((size.height, size.width, 3), _BACKGROUND, np.uint8)
    for picture, tile in zip(shown, tiles, strict=True):
        canvas[tile.slices] = _shown(picture, tile.size)
    targets = [_mark(tiles[0], pair.target, pair.target.index, _colour(place)) for place, pair in enumerate(pairs)]
    sources = _source_marks(pairs, dict(zip(used, tiles[1:], strict=True)))
    arrows = [_arrow(sources[pair.source.index], target) for pair, target in zip(pairs, targets, strict=True)]
    for arrow, target in zip(arrows, targets, strict=True):
        Pen(canvas, target.colour, 2 * target.side).arrow(*arrow)
    _draw_marks(canvas, [*sources.values(), *targets], arrows)
    return canvas


def _used(pairs: Sequence[Pair], sources: int) -> list[int]:
    """The numbers of the source pictures to show."""
    return sorted({pair.source.frame for pair in pairs}) or [*range(sources)][:1]


def _arranged(target: Picture, sources: Sequence[Picture]) -> tuple[Size, list[Tile]]:
    return arrange(Size.of(target), [Size.of(picture) for picture in sources])


def _colour(place: int) -> Colour:
    return COLOURS[place % len(COLOURS)]


def _shown(picture: Picture, size: Size) -> Canvas:
    """The picture at that size as new uint8 RGB. Shrunk before it is converted: huge ones would take much memory."""
    small = resized(picture if picture.dtype.kind == "u" else to_float(picture), size)
    values = np.fmax(to_float(small.reshape(size.height, size.width, -1)), 0)  # a copy; what is no number becomes 0
    np.minimum(values, 1, out=values)
    values *= 255
    values += 0.5
    return values.astype(np.uint8)


class _Mark(NamedTuple):
    """A face as it is drawn, in pixels of the preview."""

    tile: Tile
    box: Points
    """(2, 2) top left, bottom right; cut off where the tile ends."""
    landmarks: Points
    number: int
    colour: Colour
    gender: Gender | None

    @property
    def side(self) -> float:
        return float((self.box[1] - self.box[0]).min())


def _mark(tile: Tile, face: Face, number: int, colour: Colour) -> _Mark:
    low, high = tile.corners
    box = np.sort(np.clip(tile.place(face.box.reshape(2, 2)), low, high), axis=0)
    points = tile.place(face.landmarks)
    landmarks = points[((points >= low) & (points <= high)).all(1)]
    return _Mark(tile, box, landmarks, number, colour, face.gender)


def _source_marks(pairs: Sequence[Pair], tiles: dict[int, Tile]) -> dict[int, _Mark]:
    """A mark for every source number, however many targets it serves."""
    marks: dict[int, _Mark] = {}
    for place, pair in enumerate(pairs):
        source = pair.source
        colour = _LIGHT if source.index in marks else _colour(place)
        marks[source.index] = _mark(tiles[source.frame], source, source.index, colour)
    return marks


def _draw_marks(canvas: Canvas, marks: Sequence[_Mark], arrows: Sequence[Points] = ()) -> None:
    """Boxes and landmarks first, so that no number is drawn over."""
    for mark in marks:
        pen = Pen(canvas, mark.colour, mark.side)
        pen.lines(rectangle(mark.box), closed=True)
        for point in mark.landmarks:
            pen.dot(point)
    obstacles = [mark.box for mark in marks] + [box for arrow in arrows for box in _along(arrow)]
    for mark in marks:
        label = Label(canvas, mark.number, mark.gender, mark.side)
        corner = _corner(mark, label.size, obstacles)
        label.draw(corner, mark.colour)
        obstacles.append(np.array([corner, corner + label.size]))


def _corner(mark: _Mark, size: Points, obstacles: Sequence[Points]) -> Points:
    """Where the label hides least: at a corner of the box, outside or inside, always within the picture."""
    low, high = mark.tile.corners
    (left, top), (right, bottom) = mark.box
    width, height = size
    xs, ys = (left, right - width, right, left - width), (top - height, bottom, top)
    others = np.array(obstacles)
    corners = [np.clip((x, y), low, np.maximum(high - size, low)) for y in ys for x in xs]

    def hidden(at: Points) -> float:
        # The own box may be touched a little before the label moves further off.
        return _shared(at, at + size, others) - 0.75 * _shared(at, at + size, mark.box[None])

    return min(corners, key=hidden)


def _shared(low: Points, high: Points, boxes: Points) -> float:
    """The area that a rectangle shares with boxes (N, 2, 2)."""
    sides = np.maximum(np.minimum(high, boxes[:, 1]) - np.maximum(low, boxes[:, 0]), 0)
    return float(sides.prod(1).sum())


def _arrow(source: _Mark, target: _Mark) -> Points:
    """(2, 2) start and end, at the borders of the boxes."""
    return np.array([_border(source.box, target.box.mean(0)), _border(target.box, source.box.mean(0))])


def _along(arrow: Points) -> list[Points]:
    """Small boxes that cover an arrow."""
    start, end = arrow
    step = (end - start) / 64
    reach = np.abs(step) / 2 + 3
    middles = [start + (place + 0.5) * step for place in range(64)]
    return [np.array([middle - reach, middle + reach]) for middle in middles]


def _border(box: Points, toward: Points) -> Points:
    """Where the line from the box's middle to another point leaves the box."""
    middle, half = box.mean(0), (box[1] - box[0]) / 2
    way = np.abs(toward - middle)
    share = min((half[k] / way[k] for k in (0, 1) if way[k] > half[k]), default=1.0)
    return middle + (toward - middle) * share
