"""What a clip's numbers mean as colours, and the way to RGB and back by exactly that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from ...pipeline.types import Picture
from .formats import pyav

if TYPE_CHECKING:
    from av import VideoCodecContext, VideoFormat, VideoFrame

_FULL: Final = 2
_MATRICES: Final = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
"""FFmpeg's AVColorSpace to its scaler's names of the same matrices."""
_RGB_MATRIX, _BT709, _BT601 = 0, 1, 5
_UNSPECIFIED = 2


class Colours(NamedTuple):
    """FFmpeg's numbers for how colours are coded, as the file says: 2 is "not said"."""

    space: int
    range: int
    primaries: int
    transfer: int
    height: int
    is_rgb: bool = False
    is_grey: bool = False
    is_narrowed: bool = False
    """Video levels are written, whatever the file has: ProRes knows no others."""

    @classmethod
    def of(cls, context: VideoCodecContext, format: VideoFormat, is_grey: bool) -> Colours:
        """As a decoder's codec context and the pixel format of its frames say; grey is of full range if not said."""
        full = (
            format.name.startswith("yuvj")
            or format.is_rgb
            or format.has_palette
            or (is_grey and context.color_range != 1)
        )
        return cls(
            context.colorspace,
            _FULL if full else context.color_range,
            context.color_primaries,
            context.color_trc,
            context.height,
            format.is_rgb or format.has_palette,
            is_grey,
        )

    @property
    def matrix(self) -> int:
        """The scaler's matrix; where the file doesn't say, BT.709 from 720 lines on and BT.601 below, as players do."""
        return _MATRICES.get(self.space, _BT709 if self.height >= 720 else _BT601)

    @property
    def span(self) -> int:
        """1 for video levels, 2 for full ones."""
        return _FULL if self.range == _FULL else 1

    def to_rgb(self, frame: VideoFrame, rgb: str) -> Picture:
        """The frame as an array (H, W, 3) of `rgb24` or `rgb48le`."""
        return frame.to_ndarray(
            format=rgb,
            src_colorspace=self.matrix,
            dst_colorspace=self._of_rgb,
            src_color_range=self.span,
            dst_color_range=_FULL,
        )

    def convert(self, frame: VideoFrame, pixel_format: str) -> VideoFrame:
        """The frame in another pixel format."""
        return frame.reformat(
            format=pixel_format,
            src_colorspace=self.matrix,
            dst_colorspace=self.matrix,
            src_color_range=self.span,
            dst_color_range=self._written,
        )

    def from_rgb(self, picture: Picture, pixel_format: str) -> VideoFrame:
        """An array (H, W, 3) of uint8 or uint16 as a frame."""
        wide = picture.dtype.itemsize > 1
        pixels = picture.astype(np.uint16, copy=False) if wide else picture.astype(np.uint8, copy=False)
        return (
            pyav()
            .VideoFrame.from_ndarray(pixels, format="rgb48le" if wide else "rgb24")
            .reformat(
                format=pixel_format,
                src_colorspace=self._of_rgb,
                dst_colorspace=self.matrix,
                src_color_range=_FULL,
                dst_color_range=self._written,
            )
        )

    @property
    def _of_rgb(self) -> int:
        """A matrix for RGB, which has none. PyAV before 17 tells the scaler nothing where both sides seem the same: not
        even that grey is of full range."""
        return _BT601 if self.matrix == _BT709 else _BT709

    @property
    def _written(self) -> int:
        """The range that is written."""
        return 1 if self.is_rgb or self.is_narrowed else self.span

    @property
    def keeps_levels(self) -> bool:
        """Whether a frame's own numbers can be written."""
        return self._written == self.span

    def tag(self, context: VideoCodecContext) -> None:
        """Say in an encoder's context what the numbers mean, as the file said it."""
        self.tag_frame(context)
        context.color_primaries = self.primaries
        context.color_trc = self.transfer

    def tag_frame(self, target: VideoFrame | VideoCodecContext) -> None:
        """Say in a frame, or a context, how its colours are coded."""
        coded_as = (_BT709 if self.matrix == _BT709 else 6) if self.space == _RGB_MATRIX or self.is_rgb else self.space
        target.colorspace = coded_as
        target.color_range = 1 if self.is_rgb or self.is_narrowed else self.range
