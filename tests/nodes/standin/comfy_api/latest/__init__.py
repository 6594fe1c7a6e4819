"""As much of ComfyUI's node API as this pack's nodes use, with the same behaviour where tests look."""

from __future__ import annotations

from . import io, ui


class ComfyExtension:
    """What a pack's entry gives to ComfyUI."""

    async def on_load(self) -> None:
        """Nothing by default."""


class InputImpl:
    """Values that ComfyUI makes itself."""

    class VideoFromFile:
        """A clip in a file, of which no frame is read here."""

        def __init__(self, file, *, start_time=0, duration=0):
            self._file, self._window = file, (start_time, duration)

        def get_stream_source(self):
            return self._file

        def get_active_trim_window(self):
            return self._window


__all__ = ["ComfyExtension", "InputImpl", "io", "ui"]
