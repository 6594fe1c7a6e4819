"""The Impact Pack's SEGS as boxes: ((height, width), a list of SEG), a SEG's `bbox` being its corners in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Protocol, cast

from ..pipeline.errors import MismatchError
from ..pipeline.quotes import quoted
from ..pipeline.types import Size

if TYPE_CHECKING:
    from ..pipeline.types import Picture
    from .bridge import Boxes


class Seg(Protocol):
    """What is read of a SEG, a named tuple of that pack."""

    @property
    def bbox(self) -> Sequence[float]:
        """Left, top, right and bottom in pixels."""
        ...


Segs = tuple[tuple[int, int], list[Seg]]


def boxes_from(given: Boxes | Segs, pictures: Sequence[Picture]) -> Boxes:
    """Boxes as BOUNDING_BOX has them; what isn't SEGS comes back as it is, to be looked at there.

    The pictures (H, W, C) are of one size. MismatchError where the SEGS were found in a picture of another.
    """
    found = _as_segs(given)
    if found is None:
        return cast("Boxes", given)
    (height, width), segs = found
    own = Size.of(pictures[0]) if pictures else None
    if segs and own and (width, height) != own:
        sizes = f"{width}×{height} pixels, the image has {own.width}×{own.height}"
        raise MismatchError(f"bboxes: the SEGS were found in a picture of {sizes}")
    return [_as_box(seg) for seg in segs]


def _as_segs(given: object) -> Segs | None:
    parts = cast("tuple[object, ...]", given) if isinstance(given, tuple) else ()
    if len(parts) != 2 or not isinstance(parts[0], tuple) or not isinstance(parts[1], list):
        return None
    shape = cast("tuple[object, ...]", parts[0])
    sides = len(shape) == 2 and all(isinstance(side, Integral) for side in shape)
    return cast("Segs", given) if sides else None


def _as_box(seg: Seg) -> dict[str, float]:
    try:
        left, top, right, bottom = (float(edge) for edge in seg.bbox)
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise MismatchError(f"bboxes: expected SEGS with a bbox of four numbers, got {quoted(seg)}") from error
    return {"x": left, "y": top, "width": right - left, "height": bottom - top}
