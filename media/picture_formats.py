"""Which kinds of picture files are read and written; light to import, for menus."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType
from typing import Final

READ: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "jpeg": (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"),
        "png": (".png", ".apng"),
        "webp": (".webp",),
        "avif": (".avif", ".avifs"),
        "tiff": (".tif", ".tiff"),
        "bmp": (".bmp",),
        "gif": (".gif",),
        "jpeg2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx"),
        "tga": (".tga",),
        "heif": (".heic", ".heif", ".hif"),
    }
)
"""What is read, by Pillow's names, and under which extensions folders list it."""
FORMATS: Final = {"jpeg": ".jpg", "png": ".png", "webp": ".webp", "avif": ".avif"}
"""What is written, each with its usual extension."""
MPO: Final = ".mpo"
"""A JPEG of several pictures; a result is one."""


def format_of(name: str) -> str | None:
    """What a picture of that name is read as; None for other files."""
    extension = PurePath(name).suffix.lower()
    return next((known for known, extensions in READ.items() if extension in extensions), None)


def result_extension(name: str) -> str:
    """Of the result of a picture of that name: its own where that is written, else that of png, which loses nothing."""
    extension = PurePath(name).suffix
    if extension.lower() == MPO:
        return FORMATS["jpeg"]
    return extension if format_of(name) in FORMATS else FORMATS["png"]
