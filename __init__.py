"""MultiFaceSwap: swaps several faces at once, from several donors onto several people.

ComfyUI finds `comfy_entrypoint` here; Python users find the names of `__all__`. Nothing heavier is imported until one
of them is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .app.functions import (
        crop_faces,
        detect_faces,
        load_face,
        map_indexes,
        match_faces,
        merge_faces,
        open_model,
        order_faces,
        paste_faces,
        restore_faces,
        save_face,
        swap_clip,
        swap_faces,
    )
    from .app.session import Session
    from .nodes import MultiFaceSwapExtension
    from .pipeline.errors import (
        BusyError,
        CancelledError,
        DamagedModelError,
        EngineError,
        FaceNotFoundError,
        ImageError,
        IndexListError,
        MismatchError,
        MissingModelError,
        MissingPackageError,
        ModelError,
        MultiFaceSwapError,
        OutOfMemoryError,
        RemoteError,
        SettingsError,
    )
    from .pipeline.types import Face, FaceSet, IndexMap

__version__ = "0.1.0"
WEB_DIRECTORY = "web"
__all__ = [
    "BusyError",
    "CancelledError",
    "DamagedModelError",
    "EngineError",
    "Face",
    "FaceNotFoundError",
    "FaceSet",
    "ImageError",
    "IndexListError",
    "IndexMap",
    "MismatchError",
    "MissingModelError",
    "MissingPackageError",
    "ModelError",
    "MultiFaceSwapError",
    "OutOfMemoryError",
    "RemoteError",
    "Session",
    "SettingsError",
    "crop_faces",
    "detect_faces",
    "load_face",
    "map_indexes",
    "match_faces",
    "merge_faces",
    "open_model",
    "order_faces",
    "paste_faces",
    "restore_faces",
    "save_face",
    "swap_clip",
    "swap_faces",
]
_HOMES = {
    ".pipeline.types": ("Face", "FaceSet", "IndexMap"),
    ".app.session": ("Session",),
    ".app.functions": tuple(name for name in __all__ if name[0].islower()),
    ".pipeline.errors": tuple(name for name in __all__ if name.endswith("Error")),
}
"""Where each public name is defined."""


def __getattr__(name: str) -> object:
    home = next((module for module, names in _HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home, __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


async def comfy_entrypoint() -> MultiFaceSwapExtension:
    """What ComfyUI calls once at start-up: the extension that lists the nodes."""
    from .nodes import MultiFaceSwapExtension

    return MultiFaceSwapExtension()
