"""MultiFaceSwap: swaps several faces at once, from several donors onto several people.

ComfyUI finds `comfy_entrypoint` here; Python users find the names of `__all__`. Nothing heavier is imported until one
of them is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app.functions import (
        detect_faces,
        map_indexes,
        match_faces,
        open_model,
        order_faces,
        restore_faces,
        swap_faces,
    )
    from .app.video import swap_clip
    from .pipeline.types import Face, FaceSet, IndexMap

__version__ = "0.1.0"
WEB_DIRECTORY = "web"
_HOMES = {
    "detect_faces": ".app.functions",
    "order_faces": ".app.functions",
    "map_indexes": ".app.functions",
    "match_faces": ".app.functions",
    "swap_faces": ".app.functions",
    "restore_faces": ".app.functions",
    "swap_clip": ".app.video",
    "open_model": ".app.functions",
    "Face": ".pipeline.types",
    "FaceSet": ".pipeline.types",
    "IndexMap": ".pipeline.types",
}
__all__ = [
    "Face",
    "FaceSet",
    "IndexMap",
    "detect_faces",
    "map_indexes",
    "match_faces",
    "open_model",
    "order_faces",
    "restore_faces",
    "swap_clip",
    "swap_faces",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})


async def comfy_entrypoint() -> Any:
    """What ComfyUI calls once at start-up: the extension that lists the nodes."""
    from .nodes import MultiFaceSwapExtension

    return MultiFaceSwapExtension()
