"""Schemas that say what the running ComfyUI understands: newer keywords are left out where it is older."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from comfy_api.latest import io

T = TypeVar("T")
CATEGORY: Final = "image/face"
_NEWER: Final = ("advanced", "search_aliases", "has_intermediate_output")
"""Since ComfyUI 0.10, 0.11 and later."""


def schema(**texts: object) -> io.Schema:
    """The schema of a node of this pack. What it shows in itself is sent again where its work came from the cache."""
    return made(io.Schema, {"category": CATEGORY, "has_intermediate_output": True, **texts})


def advanced(kind: Callable[..., T], name: str, **texts: object) -> T:
    """A setting that is folded away until asked for; always optional, so that it may be missing in a workflow."""
    return made(kind, {"id": name, "optional": True, "advanced": True, **texts})


def made(kind: Callable[..., T], texts: Mapping[str, object]) -> T:
    """An input, or a schema, with the keywords that the host knows."""
    known = inspect.signature(kind).parameters
    return kind(**{name: value for name, value in texts.items() if name in known or name not in _NEWER})
