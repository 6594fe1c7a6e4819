"""One donor of several faces: whose they are, and what their identities come to together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from ..errors import FaceNotFoundError
from ..protocols import Embedder
from ..types import Face, FaceSet, FloatArray
from .identity import apart, require_identities

SLACK: Final = 1.1
"""Of the distance below which two faces are one person: views of one person differ by pose and light, and each need
only be that near to another one of his."""


class Merged(NamedTuple):
    """A person of several faces."""

    faces: FaceSet
    """One face, with the others as its views; the pictures are those that came in."""
    left_out: tuple[Face, ...]
    """Faces of other people."""
    told: tuple[str, ...]


def merge(faces: FaceSet, embedder: Embedder | None, threshold: float | None = None) -> Merged:
    """One donor of all the faces that show the person who is in most of the pictures.

    With an embedder, whose identities all pictured faces must carry, faces of others are left out: two faces are one
    person where they are less than `threshold` apart (None: the embedder's own, with some slack), or each is so near to
    a third one; of a picture no more than one face counts, the one nearest to all others. Without an embedder all are
    taken for one person. The largest face leads. Raises FaceNotFoundError where there is no face, SettingsError.
    """
    known = [view for face in faces.flat() for view in (replace(face, views=()), *face.views)]
    if not known:
        raise FaceNotFoundError("no face to merge: none was found in these pictures")
    shown = [face for face in known if face.pictured]
    kept = shown if embedder is None or len(shown) < 2 else _of_one(shown, embedder, threshold)
    lead = max(kept or known, key=lambda face: face.area)
    rest = tuple(face for face in known if face is not lead and (face in kept or not face.pictured))
    frames = tuple((replace(lead, views=rest, index=0),) if n == lead.frame else () for n in range(len(faces)))
    left_out = tuple(face for face in shown if not any(face is one for one in kept))
    told = tuple(f"picture {face.frame}, face {face.index}: another person, left out" for face in left_out)
    return Merged(replace(faces, frames=frames, others=()), left_out, told)


def groups_of(table: FloatArray, threshold: float) -> list[list[int]]:
    """Numbers of faces, the largest group first, of a table (N, N) of distances: who is near to one of a group belongs
    to it (single linkage)."""
    left, groups = list(range(len(table))), list[list[int]]()
    while left:
        group = [left.pop(0)]
        for one in group:  # which grows
            near = [other for other in left if table[one, other] < threshold]
            group += near
            left = [other for other in left if other not in near]
        groups.append(sorted(group))
    return sorted(groups, key=len, reverse=True)


def _of_one(faces: Sequence[Face], embedder: Embedder, threshold: float | None) -> list[Face]:
    vectors = require_identities(faces, "merged", embedder)
    table = apart(vectors, vectors, embedder.metric)
    group = groups_of(table, threshold or SLACK * embedder.same_person)[0]
    best: dict[int, int] = {}
    for one in sorted(group, key=lambda number: float(table[number, group].sum())):
        best.setdefault(faces[one].frame, one)
    return [faces[number] for number in sorted(best.values())]
