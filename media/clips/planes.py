"""Finished frames on their way to the encoder: only what was swapped goes through RGB, the rest keeps its own numbers.

Coding colours as RGB and back costs a level or two everywhere; so swapped regions are written into a copy of the
decoded frame, which also keeps its transparency, fields and captions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...pipeline.geometry import Region
from ...pipeline.types import Picture, Size
from .colour import Colours
from .formats import pyav

if TYPE_CHECKING:
    from av import VideoFormat, VideoFrame
    from av.video.plane import VideoPlane

Copy = Callable[["VideoFrame"], "VideoFrame"]
"""Makes a copy of a frame that may be written to."""


def frame_of(
    decoded: VideoFrame, picture: Picture, regions: Sequence[Region], target: str, colours: Colours, copy: Copy
) -> VideoFrame:
    """PyAV's frame of `picture` (H, W, 3) in the pixel format `target`.

    `decoded` is the upright frame that the picture was made from, `regions` hold all pixels that were changed since.
    """
    if not _has_planes(pyav().VideoFormat(target, 16, 16)):
        return colours.from_rgb(picture, target)
    frame = _converted(decoded, target, colours, copy)
    for region in regions:
        _write(frame, picture, _on_grid(region, frame), colours)
    return frame


def _has_planes(format: VideoFormat) -> bool:
    """Whether brightness and colours are in planes of their own."""
    planes = [part.plane for part in format.components]
    return format.is_planar and not format.is_rgb and len(planes) >= 3 and len(set(planes)) == len(planes)


def _converted(decoded: VideoFrame, target: str, colours: Colours, copy: Copy) -> VideoFrame:
    if decoded.format.name == target and colours.keeps_levels:
        return copy(decoded)
    if decoded.format.name.replace("yuvj", "yuv") == target and colours.keeps_levels:
        frame = pyav().VideoFrame(decoded.width, decoded.height, target)
        for own, given in zip(planes_of(frame), planes_of(decoded), strict=True):
            own[:] = given
        return frame
    if colours.keeps_levels and _is_plain_grey(decoded.format) and _has_planes(pyav().VideoFormat(target, 16, 16)):
        return _of_grey(decoded, target)
    return colours.convert(decoded, target)


def _is_plain_grey(format: VideoFormat) -> bool:
    return len(format.components) == 1 and format.name.startswith("gray") and not format.is_big_endian


def _of_grey(decoded: VideoFrame, target: str) -> VideoFrame:
    """The grey as brightness beside colours of none: PyAV before 17 would make video levels of full ones."""
    frame = pyav().VideoFrame(decoded.width, decoded.height, target)
    bits = frame.format.components[0].bits
    own, (given,) = planes_of(frame), planes_of(decoded)
    more = decoded.format.components[0].bits - bits
    values = given.astype(np.int64)
    values = np.minimum((values + (1 << more >> 1)) >> more, (1 << bits) - 1) if more > 0 else values << -more
    own[0][:] = values
    for plane in own[1:3]:
        plane[:] = 1 << (bits - 1)
    return frame


def _write(frame: VideoFrame, picture: Picture, region: Region, colours: Colours) -> None:
    opaque = frame.format.name.replace("yuva", "yuv")
    patch = planes_of(colours.from_rgb(np.ascontiguousarray(picture[region.slices]), opaque))
    # What is grey stays grey: its colours are never written.
    written = patch[:1] if colours.is_grey else patch
    for own, new in zip(planes_of(frame), written, strict=False):
        across, down = round(frame.width / own.shape[1]), round(frame.height / own.shape[0])
        top, left = region.top // down, region.left // across
        own[top : top + new.shape[0], left : left + new.shape[1]] = new


def _on_grid(region: Region, frame: VideoFrame) -> Region:
    """The region, grown to whole samples of the coarsest plane."""
    step = 4
    left, top = region.left // step * step, region.top // step * step
    right, bottom = -(-region.right // step) * step, -(-region.bottom // step) * step
    return Region(left, top, right, bottom).within(Size(frame.width, frame.height))


def planes_of(frame: VideoFrame) -> list[Picture]:
    """Views of the planes (h, w) of a planar frame."""
    deep = frame.format.components[0].bits > 8
    return [_plane(plane, np.uint16 if deep else np.uint8) for plane in frame.planes]


def _plane(plane: VideoPlane, kind: type[np.uint8] | type[np.uint16]) -> Picture:
    row = plane.line_size // np.dtype(kind).itemsize
    return np.frombuffer(memoryview(plane), kind)[: row * plane.height].reshape(plane.height, row)[:, : plane.width]
