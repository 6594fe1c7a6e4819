"""Schemas that say what the running ComfyUI understands: newer keywords are left out where it is older."""

from __future__ import annotations

import inspect
from typing import Any, Final

from comfy_api.latest import io

CATEGORY: Final = "image/face"
_NEWER: Final = ("advanced", "search_aliases", "has_intermediate_output")
"""Since ComfyUI 0.10, 0.11 and later."""


def schema(**texts: Any) -> io.Schema:
    """The schema of a node of this pack."""
    return made(io.Schema, {"category": CATEGORY, **texts})


def advanced(kind: type, name: str, **texts: Any) -> Any:
    """A setting that is folded away until asked for; always optional, so that it may be missing in a workflow."""
    return made(kind, {"id": name, "optional": True, "advanced": True, **texts})


def made(kind: type, texts: dict[str, Any]) -> Any:
    """An input, or a schema, with the keywords that the host knows."""
    known = inspect.signature(kind).parameters
    return kind(**{name: value for name, value in texts.items() if name in known or name not in _NEWER})
