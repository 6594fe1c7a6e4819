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
    return _made(io.Schema, {"category": CATEGORY, **texts})


def advanced(made: type, name: str, **texts: Any) -> Any:
    """A setting that is folded away until asked for; always optional, so that it may be missing in a workflow."""
    return _made(made, {"id": name, "optional": True, "advanced": True, **texts})


def _made(made: type, texts: dict[str, Any]) -> Any:
    known = inspect.signature(made).parameters
    return made(**{name: value for name, value in texts.items() if name in known or name not in _NEWER})
