"""Which files are clips, and PyAV itself."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from ...pipeline.errors import ImageError, SettingsError

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


def pyav() -> Any:
    """The module `av`. Raises ImageError where it isn't installed."""
    try:
        return import_module("av")
    except ImportError as error:
        raise ImageError(
            f"clips need PyAV, which can't be imported ({error}): pip install 'multifaceswap[video]', or pip install av"
        ) from error
