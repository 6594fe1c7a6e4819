"""What results are called: one rule for all commands and batches, on every system."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import PurePosixPath, PureWindowsPath
from typing import Final

from ..media.clips import OUTPUT_EXTENSIONS, is_clip
from ..media.picture_formats import FORMATS, result_extension

_RESERVED: Final = '<>:"|?*'
"""Characters that Windows takes in no name; a colon would name a second stream within a file."""
_DIGITS: Final = "0123456789\N{SUPERSCRIPT ONE}\N{SUPERSCRIPT TWO}\N{SUPERSCRIPT THREE}"
_DEVICES: Final = frozenset(
    (
        "CON",
        "PRN",
        "AUX",
        "NUL",
        "CONIN$",
        "CONOUT$",
        *(f"{port}{digit}" for port in ("COM", "LPT") for digit in _DIGITS),
    )
)
"""Names that stand for devices on Windows, whatever extension they have."""
_LONGEST: Final = 255
"""Characters in a name."""


def result_name(target: str, image_format: str | None, *, windows: bool = os.name == "nt") -> str:
    """A target's name, with forward slashes where folders lead to it, with the extension of what its result is.

    That is its own where it can be written and `image_format` is None, else that of the format asked for. On Windows,
    where targets may come from elsewhere, what no name can have there becomes `_`.
    """
    path = PurePosixPath(_for_windows(target) if windows else target)
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


def inner_name(text: str) -> str:
    """The name of a file within a folder, with forward slashes, of one that was written by hand, on whatever system.

    Backslashes lead into folders as slashes do. Raises ValueError, which says why, for a name that leads out of the
    folder, and for one that no file can have on Windows: what is asked for is the same everywhere.
    """
    path = PureWindowsPath(text)
    if path.drive or path.root or ".." in path.parts or not path.parts:
        raise ValueError("must be inside the output folder")
    for part in path.parts:
        if reason := _unfit(part):
            raise ValueError(f"must be inside the output folder under a name that every system takes: {reason}")
    return path.as_posix()


def _unfit(part: str) -> str:
    """Why a file or folder can't have a name on Windows; nothing where it can."""
    if _device(part):
        return "it names a device on Windows"
    if part[-1] in ". ":
        return "Windows drops a dot or space at the end"
    if any(_is_reserved(character) for character in part):
        return f"characters that no name can have are among it ({_RESERVED} and unprintable ones)"
    return f"it has more than {_LONGEST} characters" if len(part) > _LONGEST else ""


def _device(part: str) -> bool:
    return part.partition(".")[0].rstrip(" ").upper() in _DEVICES


def _is_reserved(character: str) -> bool:
    return character in _RESERVED or ord(character) < 32 or 0xD800 <= ord(character) < 0xE000


def _for_windows(name: str) -> str:
    """A name with forward slashes as Windows can have it."""
    return "/".join(part if part in (".", "..") else _fitted(part) for part in name.split("/"))


def _fitted(part: str) -> str:
    fit = "".join("_" if _is_reserved(character) or character == "\\" else character for character in part)
    fit = fit if fit == fit.rstrip(". ") else f"{fit.rstrip('. ')}_"
    return f"_{fit}" if _device(fit) else fit
