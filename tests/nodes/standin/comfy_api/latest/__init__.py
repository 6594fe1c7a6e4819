"""As much of ComfyUI's node API as this pack's nodes use, with the same behaviour where tests look."""

from __future__ import annotations

from . import io, ui


class ComfyExtension:
    """What a pack's entry gives to ComfyUI."""

    async def on_load(self) -> None:
        """Nothing by default."""


__all__ = ["ComfyExtension", "io", "ui"]
