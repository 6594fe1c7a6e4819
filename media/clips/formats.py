"""Which files are clips, and PyAV itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...pipeline.errors import ImageError, SettingsError

if TYPE_CHECKING:
    from av.error import FFmpegError

OUTPUT_EXTENSIONS: Final = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
"""What is written, with FFmpeg's name of it."""
CLIP_EXTENSIONS: Final = frozenset(
    {*OUTPUT_EXTENSIONS, ".3gp", ".avi", ".flv", ".m2ts", ".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".wmv"}
)


def is_clip(path: str | os.PathLike[str]) -> bool:
    """Whether a file's name is that of a clip."""
    return Path(path).suffix.lower() in CLIP_EXTENSIONS


def output_format(path: str | os.PathLike[str]) -> str:
    """FFmpeg's name of the format to write. Raises SettingsError for another extension."""
    extension = Path(path).suffix.lower()
    if extension not in OUTPUT_EXTENSIONS:
        raise SettingsError(f"{path}: can't tell the format: end a clip's name in {', '.join(OUTPUT_EXTENSIONS)}")
    return OUTPUT_EXTENSIONS[extension]


def pyav():  # noqa: ANN201 - a module can't be named as a type; type checkers infer this one
    """The module `av`. Raises ImageError where it isn't installed."""
    try:
        import av
    except ImportError as error:
        raise ImageError(
            f"clips need PyAV, which can't be imported ({error}): pip install 'multifaceswap[video]', or pip install av"
        ) from error
    return av


def ffmpeg_error() -> type[FFmpegError]:
    """What PyAV raises where FFmpeg can't read or write. Raises ImageError where PyAV isn't installed."""
    pyav()
    from av.error import FFmpegError

    return FFmpegError
