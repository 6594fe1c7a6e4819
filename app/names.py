"""What results are called: one rule for all commands and batches."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePosixPath

from ..media.clips import OUTPUT_EXTENSIONS, is_clip
from ..media.picture_formats import FORMATS, result_extension


def result_name(target: str, image_format: str | None) -> str:
    """A target's name, with forward slashes where folders lead to it, with the extension of what its result is.

    That is its own where it can be written and `image_format` is None, else that of the format asked for.
    """
    path = PurePosixPath(target)
    if is_clip(target):
        extension = path.suffix if path.suffix.lower() in OUTPUT_EXTENSIONS else ".mp4"
    else:
        extension = FORMATS[image_format] if image_format else result_extension(target)
    return str(path.with_name(path.stem + extension))


def free_name(name: str, taken: Collection[str]) -> str:
    """The name, or with -2, -3 and so on behind it where it is among the `taken`, which are in lower case."""
    path, number, free = PurePosixPath(name), 1, name
    while free.casefold() in taken:
        number += 1
        free = str(path.with_name(f"{path.stem}-{number}{path.suffix}"))
    return free
