"""Clips in and out through PyAV: frames as a stream, sound and timing kept, a file that appears complete or not at all.

PyAV is the extra `video`; it is imported when a clip is opened, and what works on clips when it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .formats import CLIP_EXTENSIONS, HOLD_XMP, OUTPUT_EXTENSIONS, is_clip, output_format

if TYPE_CHECKING:
    from .checkpoint import checkpoint_folder, require_unowned_output
    from .marks import Marks
    from .previews import PREVIEW_EXTENSIONS, FrameDone, OnFrame, Paced, PreviewFile
    from .reading import Clip
    from .transcode import ClipResult, swap_file
    from .trial import fitting_extension
    from .trimming import part_of
    from .xmp import append_xmp, read_clip_xmp

__all__ = [
    "CLIP_EXTENSIONS",
    "HOLD_XMP",
    "OUTPUT_EXTENSIONS",
    "PREVIEW_EXTENSIONS",
    "Clip",
    "ClipResult",
    "FrameDone",
    "Marks",
    "OnFrame",
    "Paced",
    "PreviewFile",
    "append_xmp",
    "checkpoint_folder",
    "fitting_extension",
    "is_clip",
    "output_format",
    "part_of",
    "read_clip_xmp",
    "require_unowned_output",
    "swap_file",
]
_HOMES = {
    ".checkpoint": ("checkpoint_folder", "require_unowned_output"),
    ".previews": ("PREVIEW_EXTENSIONS", "FrameDone", "OnFrame", "Paced", "PreviewFile"),
    ".marks": ("Marks",),
    ".reading": ("Clip",),
    ".transcode": ("ClipResult", "swap_file"),
    ".trial": ("fitting_extension",),
    ".trimming": ("part_of",),
    ".xmp": ("append_xmp", "read_clip_xmp"),
}
"""Where what isn't light is defined."""


def __getattr__(name: str) -> object:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home, __name__), name)
