"""Clips in and out through PyAV: frames as a stream, sound and timing kept, a file that appears complete or not at all.

PyAV is the extra `video`; it is imported when a clip is opened.
"""

from .checkpoint import checkpoint_folder, require_unowned_output
from .formats import CLIP_EXTENSIONS, OUTPUT_EXTENSIONS, is_clip, output_format
from .previews import PREVIEW_EXTENSIONS, FrameDone, OnFrame, Paced, PreviewFile
from .reading import Clip
from .transcode import ClipResult, swap_file
from .trial import fitting_extension
from .trimming import part_of

__all__ = [
    "CLIP_EXTENSIONS",
    "OUTPUT_EXTENSIONS",
    "PREVIEW_EXTENSIONS",
    "Clip",
    "ClipResult",
    "FrameDone",
    "OnFrame",
    "Paced",
    "PreviewFile",
    "checkpoint_folder",
    "fitting_extension",
    "is_clip",
    "output_format",
    "part_of",
    "require_unowned_output",
    "swap_file",
]
