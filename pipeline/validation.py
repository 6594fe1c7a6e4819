"""Whether what the Python API was given is what it takes: arrays of pictures and masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Sized
from typing import Final, Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .errors import MismatchError, SettingsError
from .quotes import quoted
from .types import Picture, Size

_CHANNELS: Final = (1, 3, 4)
_SAMPLES: Final = 64
"""A side: a picture's brightness is taken from that many rows and columns."""
_BRIGHTEST: Final = 2.0
"""Mean of a float picture: highlights may go far beyond 1, but only numbers up to 255 are on average so high."""
_PICTURES: Final = "expected a list of arrays (height, width, channels), or one array of four axes"
_PICTURE: Final = "expected an array (height, width, channels) of 1, 3 or 4 channels, uint8, uint16 or float in [0, 1]"


@runtime_checkable
class _Several(Protocol):
    """What can be gone through and counted, such as a list or an array."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[object]: ...


def require_pictures(pictures: object, setting: str) -> None:
    """Raise SettingsError unless these are pictures as `pipeline.types` describes them; `setting` names them.

    Reads a few thousand pixels of a float picture and none of others.
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
    if picture.dtype.kind != "f" and picture.dtype not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        return f"{picture.dtype}: for numbers of 0 to 255 use picture.astype(np.uint8)"
    return f"{_range(picture)}: divide it by 255" if _too_bright(picture) else ""


def _wrong_weights(mask: Picture) -> str:
    """What the numbers of a mask are that can't be used; nothing for those that can."""
    if mask.dtype.kind not in "fb" or _too_bright(mask):
        return _range(mask)
    return "" if np.isfinite((mask.min(), mask.max())).all() else f"{mask.dtype} with NaN or infinity"


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
