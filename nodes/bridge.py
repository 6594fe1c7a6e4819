"""IMAGE, MASK and BOUNDING_BOX to arrays and back: once on the way in, once on the way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, cast

import numpy as np

from ..pipeline.errors import MismatchError, SettingsError
from ..pipeline.quotes import quoted
from ..pipeline.types import Face, FaceSet, FloatArray, Picture, Size

if TYPE_CHECKING:
    import torch

Boxes = Sequence[object] | Mapping[str, object]
"""Core's BOUNDING_BOX: a list of boxes a picture, one list or one box."""


def frames_of(image: torch.Tensor, name: str = "image") -> list[FloatArray]:
    """The pictures (H, W, C) as float32 in host memory, read-only; views where the tensor is just that.

    SettingsError for what is no IMAGE, which `name` names; what its pictures hold is looked at where they are used.
    """
    _require_tensor(image, (4,), f"{name}: expected an IMAGE, a tensor (pictures, height, width, channels)")
    if not image.is_floating_point():
        raise SettingsError(
            f"{name}: expected an IMAGE of floats, got {image.dtype}: make it float and divide it by 255"
        )
    return list(_values(image))


def image_like(images: Sequence[Picture] | FloatArray, image: torch.Tensor) -> torch.Tensor:
    """Pictures as a tensor of the dtype that came in, where ComfyUI keeps its pictures."""
    import comfy.model_management as management
    import torch

    if not len(images):
        return image
    return torch.as_tensor(_batch(images)).to(management.intermediate_device(), image.dtype)


def image_of(images: Sequence[Picture]) -> torch.Tensor:
    """New pictures, uint8 or float (H, W, C), as a tensor: smaller ones are centred on dark grey."""
    return image_from(images, [Size.of(image) for image in images])


def image_from(images: Iterable[Picture], sizes: Sequence[Size]) -> torch.Tensor:
    """As `image_of`, of pictures that are made one after the other: their `sizes` are known before."""
    import torch

    width, height = (max((size[axis] for size in sizes), default=0) for axis in (0, 1))
    batch = np.full((len(sizes), height, width, 3), 40 / 255, np.float32)
    for frame, size, image in zip(batch, sizes, images, strict=True):
        top, left = (height - size.height) // 2, (width - size.width) // 2
        whole = np.float32(255 if image.dtype.kind == "u" else 1)
        place = frame[top : top + size.height, left : left + size.width]
        np.divide(image[..., :3], whole, out=place, casting="same_kind")
    return _new(torch.as_tensor(batch))


def mask_of(masks: Sequence[FloatArray] | FloatArray, image: torch.Tensor) -> torch.Tensor:
    """Masks (H, W) of the pictures of a tensor as a tensor (B, H, W)."""
    import torch

    return _new(torch.as_tensor(_batch(masks) if len(masks) else np.zeros((0, *image.shape[1:3]), np.float32)))


def _batch(pictures: Sequence[Picture] | FloatArray) -> Picture:
    """As one array, itself where it is one already."""
    return pictures if isinstance(pictures, np.ndarray) else np.stack(pictures)


def _new(tensor: torch.Tensor) -> torch.Tensor:
    """Where and as ComfyUI keeps pictures and masks; the dtype came with 0.18."""
    import comfy.model_management as management

    dtype = getattr(management, "intermediate_dtype", lambda: tensor.dtype)()
    return tensor.to(management.intermediate_device(), dtype)


def limits_of(mask: torch.Tensor | None, frames: Sequence[FloatArray]) -> list[FloatArray] | None:
    """A mask (H, W) for each picture, its weights as they come, or None where there is none.

    LoadImage gives 64×64 zeros for a picture without alpha: zeros of another size than the picture's count as none.
    One mask serves all pictures; another size of the same proportions is scaled. MismatchError for other masks.
    """
    from ..app.limits import fitted_limit

    if mask is None:
        return None
    expected = "mask: expected a MASK, a tensor (masks, height, width)"
    _require_tensor(mask, (2, 3, 4), expected)
    if not len(frames):
        return None
    if not mask.numel():
        raise SettingsError(f"{expected}, got an empty one of shape {tuple(mask.shape)}")
    size = Size.of(frames[0])
    masks = _values(mask).reshape(-1, *mask.shape[-2:])
    found = Size(masks.shape[2], masks.shape[1])
    if found != size and not masks.any():
        return None
    if len(masks) not in (1, len(frames)):
        raise MismatchError(f"mask: expected 1 or {len(frames)} mask(s), one per picture, got {len(masks)}")
    fitted = masks if found == size else [fitted_limit(one, size, "mask") for one in masks]
    return [fitted[0]] * len(frames) if len(fitted) == 1 else list(fitted)


def _require_tensor(value: object, axes: Sequence[int], expected: str) -> None:
    import torch

    if not isinstance(value, torch.Tensor):
        raise SettingsError(f"{expected}, got {type(value).__name__}")
    if odd := _odd(value):
        raise SettingsError(f"{expected}, got {odd}")
    if value.ndim not in axes:
        raise SettingsError(f"{expected}, got one of shape {tuple(value.shape)}")


def _odd(tensor: torch.Tensor) -> str:
    """What a tensor is that can't be read as an array of numbers; nothing for one that can."""
    import torch

    if tensor.is_nested:
        return "a nested one, whose pictures differ in size"
    if tensor.layout is not torch.strided:
        return f"one of layout {tensor.layout}: give tensor.to_dense()"
    if tensor.is_quantized:
        return f"one of {tensor.dtype}: give tensor.dequantize()"
    if tensor.is_complex():
        return f"one of {tensor.dtype}"
    return "one on the device meta, which holds no numbers" if tensor.is_meta else ""


def _values(tensor: torch.Tensor) -> FloatArray:
    """As float32 in host memory, read-only; a view where the tensor is just that."""
    values = tensor.detach().resolve_neg().float().cpu().numpy()
    values.flags.writeable = False
    return values


def boxes_of(faces: FaceSet) -> list[list[dict[str, float | str]]]:
    """Core's BOUNDING_BOX: for each picture a list of boxes in pixels."""
    return [[_as_dict(face) for face in frame] for frame in faces]


def _as_dict(face: Face) -> dict[str, float | str]:
    left, top, right, bottom = (float(edge) for edge in face.box)
    box = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    return {**box, "label": "face", "score": float(face.score)}


def boxes_in(bboxes: Boxes, pictures: int) -> list[list[FloatArray]]:
    """A list of boxes (4,) left, top, right, bottom for each picture, from BOUNDING_BOX.

    One box, or one picture's list of boxes, serves all pictures. MismatchError for other lengths and contents.
    """
    frames = [list(_corners(frame)) for frame in _frames(bboxes)]
    if len(frames) not in (1, pictures):
        raise MismatchError(f"bboxes: expected a list of boxes for each of {pictures} picture(s), got {len(frames)}")
    return frames * pictures if len(frames) == 1 else frames


def _frames(bboxes: Boxes) -> Sequence[object]:
    if isinstance(bboxes, dict):
        return [[bboxes]]
    if not isinstance(bboxes, (list, tuple)):
        raise MismatchError(f"bboxes: expected a list of boxes per picture, got {quoted(bboxes)}")
    if not bboxes or isinstance(bboxes[0], dict):
        return [bboxes]
    return bboxes


def _corners(boxes: object) -> Iterator[FloatArray]:
    if not isinstance(boxes, (list, tuple)):
        raise MismatchError(f"bboxes: expected a list of boxes per picture, got {quoted(boxes)} in place of one")
    for box in cast("Sequence[Mapping[str, float]]", boxes):
        try:
            left, top, width, height = (float(box[key]) for key in ("x", "y", "width", "height"))
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            expected = "bboxes: expected boxes with x, y, width and height in pixels"
            raise MismatchError(f"{expected}, got {quoted(box)}") from error
        yield np.array([left, top, left + width, top + height])
