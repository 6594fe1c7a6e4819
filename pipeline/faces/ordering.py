"""Which face is face 0: the orders, the filters by gender and age, and the limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from ..errors import SettingsError, require_choice
from ..quotes import quoted
from ..types import Face, FaceSet
from .ages import is_of_age

Faces = tuple[Face, ...]
Key = tuple[float, ...]
GENDERS: Final = ("no", "female", "male")
"""`no` keeps all faces."""


def _tie(face: Face) -> Key:
    """What decides among equals: area descending, left, top; then every other number, so that no tie is left open."""
    numbers = (*face.box.tolist(), *face.landmarks.ravel().tolist(), -face.score)
    return (-face.area, *numbers, GENDERS.index(face.gender or "no"), *(face.age or (-1, -1)))


def _by(first: Callable[[Face], float]) -> Callable[[Sequence[Face]], list[Face]]:
    return lambda faces: sorted(faces, key=lambda face: (first(face), *_tie(face)))


_from_left: Final = _by(lambda face: float(face.box[0]))


def _in_reading_order(faces: Sequence[Face]) -> list[Face]:
    """Row after row, each from left to right.

    The row of the topmost face is what lies beside the middle one of the faces beside it. No face pulls in another one
    from further off, so a diagonal line of faces doesn't become one row, and a slightly tilted row stays one.
    """
    left_over = sorted(faces, key=lambda face: (float(face.box[1] + face.box[3]), *_tie(face)))
    ordered: list[Face] = []
    while left_over:
        near = _beside(left_over[0], left_over)
        row = _beside(near[(len(near) - 1) // 2], left_over)
        ordered += _from_left(row)
        left_over = [face for face in left_over if not any(face is member for member in row)]
    return ordered


def _beside(face: Face, others: Sequence[Face]) -> list[Face]:
    """The faces whose vertical extent shares half of the mean height with this one's; itself among them."""
    return [other for other in others if other is face or _side_by_side(face, other)]


def _side_by_side(a: Face, b: Face) -> bool:
    shared = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
    heights = (a.box[3] - a.box[1]) + (b.box[3] - b.box[1])
    return bool(shared >= heights / 4)


_SORTERS: Final[dict[str, Callable[[Sequence[Face]], list[Face]]]] = {
    "large-small": _by(lambda face: -face.area),
    "small-large": _by(lambda face: face.area),
    "top-bottom": _by(lambda face: float(face.box[1])),
    "bottom-top": _by(lambda face: -float(face.box[1])),
    "left-right": _from_left,
    "right-left": _by(lambda face: -float(face.box[0])),
    "reading": _in_reading_order,
}
ORDERS: Final = tuple(_SORTERS)
"""The hosted API's six orders, then `reading`: rows of faces, then left to right."""


class Wanted(NamedTuple):
    """Which faces count, by guesses of what they are like."""

    gender: str = "no"
    """One of GENDERS."""
    ages: str = ""
    """E.g. `20-39`; empty for all."""


class Ordered(NamedTuple):
    """Ordered faces and those that were left out."""

    faces: FaceSet
    """What was asked for, numbered from 0 in each picture."""
    rest: FaceSet
    """Of another gender or age, or beyond the limit, in the same order; numbered on from `faces`: none is shared."""


def order_faces(
    faces: FaceSet, order: str = "large-small", gender: str = "no", limit: int = 0, ages: str = ""
) -> Ordered:
    """Number the faces of each picture.

    `order` is one of ORDERS: by area, by the box's left edge, by its top edge, or by rows. Equals go by area
    descending, then left edge, then top edge; the order they were detected in never matters. `gender`, one of GENDERS,
    keeps the faces of that gender before they are numbered, and `ages`, e.g. `20-39`, those that may be of such an age:
    see `ages.parse_ages`. `limit` keeps that many a picture, 0 keeps all.
    Raises SettingsError for other values, and where a gender or age is asked for but wasn't detected.
    """
    require_choice("detection_face_order", order, ORDERS)
    require_choice("detect_gender", gender, GENDERS)
    if limit < 0:
        raise SettingsError(f"limit: expected 0 (all faces) or more, got {quoted(limit)}")
    parts = [_ordered(frame, order, Wanted(gender, ages), limit) for frame in faces]
    sides = tuple(tuple(part[side] for part in parts) for side in (0, 1))
    kept, rest = (
        replace(
            faces,
            frames=side,
            others=tuple((*left, *faces.others_of(number)) for number, left in enumerate(other)),
        )
        for side, other in (sides, reversed(sides))
    )
    return Ordered(kept, rest)


def _ordered(faces: Faces, order: str, wanted: Wanted, limit: int) -> tuple[Faces, Faces]:
    sort = _SORTERS[order]
    kept = sort([face for face in faces if is_wanted(face, wanted)])
    count = min(limit, len(kept)) if limit else len(kept)
    others = [face for face in faces if not is_wanted(face, wanted)]
    rest = sort([*kept[count:], *others])
    return _numbered(kept[:count], 0), _numbered(rest, count)


def is_wanted(face: Face, wanted: Wanted) -> bool:
    """Whether the filters keep the face. Raises SettingsError where what they ask for wasn't detected."""
    # Both, so that what wasn't detected is said of faces of any gender.
    return all([is_of_gender(face, wanted.gender), is_of_age(face, wanted.ages)])


def is_of_gender(face: Face, gender: str) -> bool:
    """Whether a filter, one of GENDERS, keeps the face. Raises SettingsError where its gender wasn't asked for."""
    if gender != "no" and face.gender is None:
        raise SettingsError(
            f"detect_gender: {gender!r} was asked for, but these faces were detected without gender: "
            "switch on gender in face detection"
        )
    return gender in ("no", face.gender)


def _numbered(faces: Sequence[Face], start: int) -> Faces:
    return tuple(replace(face, index=index) for index, face in enumerate(faces, start))
