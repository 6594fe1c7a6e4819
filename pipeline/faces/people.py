"""One donor of several faces: whose they are, and what their identities come to together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from ..errors import FaceNotFoundError
from ..protocols import Comparison
from ..types import Face, FaceSet, FloatArray
from .identity import TELLING_SIDE, apart, model_of, place_of, require_identities

_OTHER: Final = "another person, left out"
_SMALL: Final = "too unlike the others, or too small to tell, left out"
_TIED: Final = "another person, whom as many faces show, left out"
_UNSURE: Final = "holds no identity to compare it by, taken for the same person"


class Merged(NamedTuple):
    """A person of several faces."""

    faces: FaceSet
    """One face, with the others as its views; the pictures are those that came in."""
    left_out: tuple[Face, ...]
    """Faces of other people."""
    unsure: tuple[Face, ...] = ()
    """Saved faces that hold no identity to be compared by: they are taken for the person's."""
    compared: bool = True
    """Whether identities said who is who."""
    tied: tuple[Face, ...] = ()
    """Those of `left_out` who show somebody as often as the donor is shown: it was the order that decided."""

    def told(self, names: Sequence[str] | None = None) -> tuple[str, ...]:
        """A line of each of these; `names` are those of the pictures, which are numbered without."""
        lines = [*((face, self._why(face)) for face in self.left_out), *((face, _UNSURE) for face in self.unsure)]
        return tuple(
            f"{f'picture {face.frame}' if names is None else names[face.frame]}, face {face.index}: {what}"
            for face, what in lines
        )

    def _why(self, face: Face) -> str:
        """Why a face was left out."""
        if face.pictured and face.area < TELLING_SIDE**2:
            return _SMALL
        return _TIED if face in self.tied else _OTHER


def merge(faces: FaceSet, embedder: Comparison | None, threshold: float | None = None) -> Merged:
    """One donor of all the faces that show the person who is in most of the pictures.

    With an embedder, whose identities all pictured faces must carry, faces of others are left out: those of the person
    are less than `threshold` apart on average (None: the embedder's own), see `groups_of`; of a picture no more than
    one face counts, the one nearest to all others. Saved faces without pictures are compared where they carry such an
    identity; what other models measured of a face goes where that goes. Without an embedder all are taken for one
    person. The largest face leads. Raises FaceNotFoundError where there is no face, SettingsError.
    """
    known = [view for face in faces.flat() for view in (replace(face, views=()), *face.views)]
    if not known:
        raise FaceNotFoundError("no face to merge: none was found in these pictures")
    measured = [face for face in known if face.pictured or (embedder and model_of(face) == embedder.name)]
    kept, tied = measured, list[Face]()
    if embedder is not None and len(measured) > 1:
        kept, tied = _of_one(measured, embedder, threshold)
    lead = max(kept or known, key=lambda face: (face.pictured, face.area))
    left_out = tuple(face for face in measured if face not in kept)
    gone = {place_of(face) for face in left_out}
    with_them = [face for face in known if face not in measured and place_of(face) not in gone]
    rest = tuple(face for face in known if face is not lead and (face in kept or face in with_them))
    frames = tuple((replace(lead, views=rest, index=0),) if n == lead.frame else () for n in range(len(faces)))
    places = {place_of(face) for face in measured}
    unsure = tuple(face for face in with_them if place_of(face) not in places and len(known) > 1)
    made = replace(faces, frames=frames, others=())
    return Merged(made, left_out, unsure, embedder is not None, tuple(tied))


def groups_of(table: FloatArray, threshold: float) -> list[list[int]]:
    """Numbers of faces, the largest group first, of a symmetric table (N, N) of distances.

    The two groups nearest to each other, by the mean distance of their faces (average linkage), become one for as long
    as they are nearer than `threshold`. By chains of nearest neighbours (Benzécri, 1982): quadratic in time.
    """
    apart = np.array(table, np.float64)
    np.fill_diagonal(apart, np.inf)
    groups, chain, left = [[number] for number in range(len(apart))], list[int](), set(range(len(apart)))
    while left:
        chain = chain or [min(left)]
        last = chain[-1]
        near = int(np.argmin(apart[last]))
        if len(chain) < 2 or apart[last, near] < apart[last, chain[-2]]:
            if apart[last, near] < threshold:
                chain.append(near)
            else:  # It stays by itself, and no group that comes is nearer to any other for it.
                left.discard(chain.pop())
                apart[last], apart[:, last] = np.inf, np.inf
            continue
        other = chain[-2]
        chain = chain[:-2]
        sizes = len(groups[last]), len(groups[other])
        apart[other] = (sizes[0] * apart[last] + sizes[1] * apart[other]) / sum(sizes)
        apart[:, other], apart[other, other] = apart[other], np.inf
        apart[last], apart[:, last] = np.inf, np.inf
        groups[other] += groups[last]
        groups[last] = []
        left.discard(last)
    return sorted((sorted(group) for group in groups if group), key=len, reverse=True)


def _of_one(faces: Sequence[Face], embedder: Comparison, threshold: float | None) -> tuple[list[Face], list[Face]]:
    """The faces of the person who is shown most often, and those of others who are shown as often."""
    vectors = require_identities(faces, "merged", embedder)
    table = apart(vectors, vectors, embedder.metric)
    group, *others = groups_of(table, threshold or embedder.same_person)
    best: dict[int, int] = {}
    for one in sorted(group, key=lambda number: float(table[number, group].sum())):
        # Of those without a picture each stands for one of its own.
        best.setdefault(faces[one].frame if faces[one].pictured else -1 - one, one)
    tied = [faces[number] for other in others if len(other) == len(group) for number in other]
    return [faces[number] for number in sorted(best.values())], tied
