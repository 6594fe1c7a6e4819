"""Which of a donor's pictures shows what of the target's face.

The view that suits the target leads; what it hides shows from the donor's other views, and what all of them hide from
its own other side, mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....pipeline.types import FloatArray, Mesh
from .topology import Topology, smoothstep
from .warp import facing, smooth_normals

_DONOR_SIDE: Final = (0.0, 0.2)
"""Facing of the donor's skin from which on its picture is of use."""
_STRETCH: Final = (0.25, 0.55)
"""Donor's facing over the target's: below, few donor pixels would be stretched over many."""
_BETTER: Final = (0.05, 0.5)
"""By how much more use another view or side has to be to stand in, from where it begins to where it is all."""
_MIRROR_GAIN: Final = 0.03
"""The whole donor is mirrored where that lowers the mean squared difference in facing by more than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A view of the donor, at the size that suits the target."""

    mesh: Mesh
    """(468, 3) in pixels of its picture."""
    skin: FloatArray
    """(468,) in [0, 1]: how surely it shows skin at each mesh point."""
    share: float
    """How much it shows by itself, of 1 for all views; the others stand in for what these hide."""


class Layer(NamedTuple):
    """What of one view shows, over the layers before."""

    view: int
    places: FloatArray
    """(468, 2) in its picture."""
    share: FloatArray
    """(468,) in [0, 1]."""


class Texture(NamedTuple):
    """What of the donor shows at each mesh point."""

    layers: tuple[Layer, ...]
    """The first shows everywhere."""
    quality: FloatArray
    """(468,) in [0, 1], 0 where no layer is of use."""
    normals: FloatArray
    """(468, 3) of the target's skin, z < 0 towards the viewer."""
    seen: FloatArray
    """(468,) cosine between the target's skin and the line of sight, 0 where it faces away."""
    mirrored: float
    """Share of the visible face that shows the donor's other side."""
    misfit: float
    """How differently the head of the nearest view is turned: mean squared difference in facing; 0.06 is about 30
    degrees."""


class _Side(NamedTuple):
    """A view as it is, or mirrored."""

    view: int
    places: FloatArray
    quality: FloatArray
    mirrored: bool
    misfit: float


def choose_texture(target: Mesh, views: Sequence[Shown], topology: Topology, *, mirror: bool) -> Texture:
    """Which pixels of which view show where on the target, a mesh (468, 3). The view with the largest share leads."""
    normals = smooth_normals(target, topology)
    seen = np.clip(-normals[:, 2], 0, 1)
    sides = [_sides(number, view, seen, topology) for number, view in enumerate(views)]
    lead = max(range(len(views)), key=lambda number: views[number].share)
    own, other = sides[lead]
    turned = mirror and min(side.misfit for side, _ in sides) - other.misfit > _MIRROR_GAIN
    first, last = (other, own) if turned else (own, other)
    layers, quality = [Layer(lead, first.places, np.ones(len(target)))], first.quality
    by_themselves = [view.share for view in views]
    for number, (side, _) in enumerate(sides):
        if number != lead and by_themselves[number] > 0:
            gain = by_themselves[number] * side.quality
            share = gain / np.maximum(by_themselves[lead] * quality + gain, 1e-6)
            layers.append(Layer(number, side.places, share))
            quality = quality + share * (side.quality - quality)
    stand_ins = [side for number, (side, _) in enumerate(sides) if by_themselves[number] < 1]
    for side in [*(side for side in stand_ins if side is not first), *([last] if mirror else [])]:
        share = smoothstep(*_BETTER, side.quality - quality)
        layers.append(Layer(side.view, side.places, share))
        quality = quality + share * (side.quality - quality)
    shown = seen * topology.swapped
    mirrored = _mirrored(layers, [side for pair in sides for side in pair if side.mirrored], shown)
    misfit = min(first.misfit, *(side.misfit for side, _ in sides))
    return Texture(tuple(layers), quality, normals, seen, mirrored, misfit)


def _sides(number: int, view: Shown, seen: FloatArray, topology: Topology) -> tuple[_Side, _Side]:
    """The view as it is, and mirrored."""
    turned = facing(view.mesh, topology)
    usable = smoothstep(*_DONOR_SIDE, turned) * view.skin

    def side(points: NDArray[np.intp], mirrored: bool) -> _Side:
        there = turned[points]
        quality = usable[points] * smoothstep(*_STRETCH, there / np.maximum(seen, 0.3))
        misfit = float((seen * (seen - there) ** 2).sum() / max(float(seen.sum()), 1e-6))
        return _Side(number, view.mesh[points, :2], quality, mirrored, misfit)

    return side(np.arange(len(view.mesh)), False), side(topology.mirror, True)


def _mirrored(layers: Sequence[Layer], mirrored: Sequence[_Side], shown: FloatArray) -> float:
    """Which share of what is shown is of mirrored sides."""
    left = np.zeros(len(shown))
    for layer in layers:
        is_mirrored = any(layer.places is side.places for side in mirrored)
        left += layer.share * (float(is_mirrored) - left)
    return float((left * shown).sum() / max(float(shown.sum()), 1e-6))
