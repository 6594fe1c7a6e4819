"""Finished frames on their way to the encoder: only what was swapped goes through RGB, the rest keeps its own numbers.

Coding colours as RGB and back costs a level or two everywhere; so swapped regions are written into the decoded frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...pipeline.geometry import Region
from ...pipeline.types import Picture, Size
from .colour import Colours
from .formats import pyav

if TYPE_CHECKING:
    from av import VideoFormat, VideoFrame
    from av.video.plane import VideoPlane


def frame_of(
    decoded: VideoFrame, picture: Picture, regions: Sequence[Region], target: str, turns: int, colours: Colours
) -> VideoFrame:
    """PyAV's frame of `picture` (H, W, 3) in the pixel format `target`.

    `decoded` is the frame that the picture was made from, `turns` the quarter turns that brought it upright, and
    `regions` hold all pixels that were changed since.
    """
    if not _same_layout(decoded.format, target, turns):
        return colours.from_rgb(picture, target)
    frame = _upright_copy(decoded, target, turns)
    for region in regions:
        _write(frame, picture, _on_grid(region, frame), target, colours)
    return frame


def _same_layout(format: VideoFormat, target: str, turns: int) -> bool:
    """Whether the decoded planes can be taken over as they are."""
    is_same = format.name.replace("yuvj", "yuv") == target
    is_planar = format.is_planar and not format.is_rgb and len({part.plane for part in format.components}) == 3
    is_square = format.components[1].width * format.height == format.components[1].height * format.width
    return is_same and is_planar and len(format.components) == 3 and (turns % 2 == 0 or is_square)


def _upright_copy(decoded: VideoFrame, target: str, turns: int) -> VideoFrame:
    width, height = (decoded.width, decoded.height) if turns % 2 == 0 else (decoded.height, decoded.width)
    frame = pyav().VideoFrame(width, height, target)
    for own, given in zip(_planes(frame), _planes(decoded), strict=True):
        own[:] = np.rot90(given, turns)
    return frame


def _write(frame: VideoFrame, picture: Picture, region: Region, target: str, colours: Colours) -> None:
    patch = colours.from_rgb(np.ascontiguousarray(picture[region.slices]), target)
    for own, new in zip(_planes(frame), _planes(patch), strict=True):
        across, down = round(frame.width / own.shape[1]), round(frame.height / own.shape[0])
        top, left = region.top // down, region.left // across
        own[top : top + new.shape[0], left : left + new.shape[1]] = new


def _on_grid(region: Region, frame: VideoFrame) -> Region:
    """The region, grown to whole samples of the coarsest plane."""
    step = 4
    left, top = region.left // step * step, region.top // step * step
    right, bottom = -(-region.right // step) * step, -(-region.bottom // step) * step
    return Region(left, top, right, bottom).within(Size(frame.width, frame.height))


def _planes(frame: VideoFrame) -> list[Picture]:
    """Views of the planes (h, w) of a planar frame."""
    deep = frame.format.components[0].bits > 8
    return [_plane(plane, np.uint16 if deep else np.uint8) for plane in frame.planes]


def _plane(plane: VideoPlane, kind: type[np.uint8] | type[np.uint16]) -> Picture:
    row = plane.line_size // np.dtype(kind).itemsize
    return np.frombuffer(memoryview(plane), kind)[: row * plane.height].reshape(plane.height, row)[:, : plane.width]
