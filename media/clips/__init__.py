"""Clips in and out through PyAV: frames as a stream, sound and timing kept, a file that appears complete or not at all.

PyAV is the extra `video`; it is imported when a clip is opened.
"""

from .checkpoint import checkpoint_folder, require_unowned_output
from .formats import CLIP_EXTENSIONS, OUTPUT_EXTENSIONS, is_clip, output_format
from .reading import Clip
from .transcode import ClipResult, swap_file
from .trial import fitting_extension

__all__ = [
    "CLIP_EXTENSIONS",
    "OUTPUT_EXTENSIONS",
    "Clip",
    "ClipResult",
    "checkpoint_folder",
    "fitting_extension",
    "is_clip",
    "output_format",
    "require_unowned_output",
    "swap_file",
]
