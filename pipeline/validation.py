"""Whether what any door was given is what the pipeline takes: pictures, masks, boxes, faces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Sized
from typing import Final, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .errors import MismatchError, SettingsError
from .quotes import quoted
from .types import FARTHEST, FaceSet, IndexMap, Picture, Size

_CHANNELS: Final = (1, 3, 4)
_SAMPLES: Final = 64
"""A side: a picture's brightness is taken from that many rows and columns."""
_BRIGHTEST: Final = 2.0
"""Mean of a float picture: highlights may go far beyond 1, but only numbers up to 255 are on average so high."""
_DARKEST: Final = -0.5
"""What lies a little below black comes of sharpening and resampling; numbers from -1 on are on another scale."""
MOST_BOXES: Final = 1000
"""A picture; measuring one takes about 15 ms."""
_BOX: Final = f"expected left < right and top < bottom in pixels within ±{FARTHEST:,.0f}"
_PICTURES: Final = "expected a list of arrays (height, width, channels), or one array of four axes"
_PICTURE: Final = "expected an array (height, width, channels) of 1, 3 or 4 channels, uint8, uint16 or float in [0, 1]"


@runtime_checkable
class _Several(Protocol):
    """What can be gone through and counted, such as a list or an array."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[object]: ...


def require_pictures(pictures: object, setting: str) -> None:
    """Raise SettingsError unless these are pictures as `pipeline.types` describes them, without NaN and infinity.

    `setting` names them. Reads float pictures and no others; takes no memory for it.
    """
    if isinstance(pictures, np.ndarray) and pictures.ndim in (2, 3):
        raise SettingsError(f"{setting}: {_PICTURES}, got one array of shape {pictures.shape}: put it into a list")
    if not _are_several(pictures):
        raise SettingsError(f"{setting}: {_PICTURES}, got {_named(pictures)}")
    for number, picture in enumerate(pictures):
        wrong = _wrong(picture)
        if wrong:
            raise SettingsError(f"{setting}, picture {number}: {_PICTURE}, got {wrong}")


def require_masks(masks: object, pictures: Sequence[Picture], setting: str) -> None:
    """Raise MismatchError unless there is a mask (H, W) for each picture, SettingsError unless it holds weights.

    Weights are truth values or finite floats of up to 1; what lies a little beyond is let through.
    """
    if not isinstance(masks, _Several) or len(masks) != len(pictures) or getattr(masks, "ndim", 3) != 3:
        found = f"an array of shape {masks.shape}" if isinstance(masks, np.ndarray) else _number(masks)
        raise MismatchError(f"{setting}: expected a list of {len(pictures)} mask(s), one a picture, got {found}")
    for number, (mask, picture) in enumerate(zip(masks, pictures, strict=True)):
        if not _is_array(mask) or mask.shape != picture.shape[:2]:
            found = f"shape {mask.shape}" if _is_array(mask) else _named(mask)
            size = f"{picture.shape[:2]}, the size of its picture ({Size.of(picture)})"
            raise MismatchError(f"{setting}, mask {number}: expected an array of shape {size}, got {found}")
        if wrong := _wrong_weights(mask):
            raise SettingsError(f"{setting}, mask {number}: expected float in [0, 1], got {wrong}")


def require_boxes(boxes: object, pictures: int, setting: str) -> None:
    """Raise MismatchError unless there is a list of boxes for each picture, SettingsError unless each is four finite
    numbers (left, top, right, bottom) in pixels that lie in this order, and there are at most `MOST_BOXES` a picture.

    Boxes may reach beyond their picture.
    """
    if not _are_several(boxes) or len(boxes) != pictures:
        found = len(boxes) if isinstance(boxes, Sized) else _named(boxes)
        raise MismatchError(f"{setting}: expected a list of boxes for each of {pictures} picture(s), got {found}")
    for number, own in enumerate(boxes):
        if not _are_several(own):
            raise SettingsError(f"{setting}, picture {number}: expected a list of boxes, got {_named(own)}")
        if len(own) > MOST_BOXES:
            raise SettingsError(f"{setting}, picture {number}: expected at most {MOST_BOXES} boxes, got {len(own)}")
        for place, box in enumerate(own):
            if not _is_box(box):
                raise SettingsError(f"{setting}, picture {number}, box {place}: {_BOX}, got {_shown_box(box)}")


def require_faces(faces: object, setting: str) -> None:
    """Raise SettingsError unless these are faces as detection gives them."""
    if not isinstance(faces, FaceSet):
        raise SettingsError(f"{setting}: expected a FaceSet, as detection gives it, got {_named(faces)}")


def require_map(index_map: object, setting: str) -> None:
    """Raise SettingsError unless these are pairs as mapping and matching give them."""
    if not isinstance(index_map, IndexMap):
        raise SettingsError(f"{setting}: expected an IndexMap, as mapping gives it, got {_named(index_map)}")


def _is_box(box: object) -> bool:
    try:
        left, top, right, bottom = (float(edge) for edge in np.ravel(np.asarray(box, np.float64)))
    except (TypeError, ValueError, OverflowError):
        return False
    return -FARTHEST <= left < right <= FARTHEST and -FARTHEST <= top < bottom <= FARTHEST


def _shown_box(box: object) -> str:
    return quoted(box.tolist() if _is_array(box) else box)


def _are_several(pictures: object) -> TypeGuard[_Several]:
    return isinstance(pictures, _Several) and not isinstance(pictures, (str, bytes, Mapping))


def _is_array(value: object) -> TypeGuard[Picture]:
    return isinstance(value, np.ndarray)


def _wrong(picture: object) -> str:
    """What a picture is that can't be used, with what to do; nothing for one that can."""
    if not isinstance(picture, np.ndarray):
        return _named(picture)
    if picture.ndim == 2:
        return f"shape {picture.shape}: give a grey picture its axis of channels with picture[..., None]"
    if picture.ndim != 3 or picture.shape[2] not in _CHANNELS or not picture.size:
        return f"shape {picture.shape}"
    if picture.dtype.kind == "u" and not picture.dtype.isnative:
        return f"{picture.dtype} in another byte order: give picture.astype(np.uint16)"
    if picture.dtype.kind != "f" and picture.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        return f"{picture.dtype}: for numbers of 0 to 255 use picture.astype(np.uint8)"
    if picture.dtype.kind != "f":
        return ""
    low, high = picture.min(), picture.max()
    if not np.isfinite((low, high)).all():
        pixels = int((~np.isfinite(picture)).any(2).sum())
        return f"{picture.dtype} with NaN or infinity in {pixels} of {picture[..., 0].size} pixels"
    if low < _DARKEST:
        return f"{picture.dtype} with numbers such as {float(low):g}: of -1 to 1, give picture / 2 + 0.5"
    return f"{_range(picture)}: divide it by 255" if _too_bright(picture) else ""


def _wrong_weights(mask: Picture) -> str:
    """What the numbers of a mask are that can't be used; nothing for those that can."""
    if mask.dtype.kind not in "fb":
        return _range(mask)
    if not np.isfinite((mask.min(), mask.max())).all():
        return f"{mask.dtype} with NaN or infinity"
    return _range(mask) if _too_bright(mask) else ""


def _too_bright(array: Picture) -> bool:
    return array.dtype.kind == "f" and float(_sample(array).mean()) > _BRIGHTEST


def _range(array: Picture) -> str:
    if array.dtype.kind != "f":
        return str(array.dtype)
    return f"{array.dtype} with numbers such as {float(_sample(array).max()):g}"


def _sample(array: Picture) -> NDArray[np.float32]:
    rows, columns = (max(side // _SAMPLES, 1) for side in array.shape[:2])
    return array[::rows, ::columns].astype(np.float32)


def _number(masks: object) -> str:
    return f"{len(masks)}" if isinstance(masks, Sized) else _named(masks)


def _named(value: object) -> str:
    """What is no array, and how it becomes one."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    if isinstance(value, (str, bytes)) or hasattr(value, "__fspath__"):
        return f"{kind} {quoted(value)}: open it with np.array(PIL.Image.open(path))"
    if kind.startswith("PIL."):
        return f"{kind}: make an array of it with np.array(picture)"
    return kind
