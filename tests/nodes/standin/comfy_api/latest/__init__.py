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

        def save_to(
            self, path: object, format: object = "auto", codec: object = "auto", metadata: object = None
        ) -> None:
            """The same packets in a new file, which takes over tags and nothing else."""
            import av

            with av.open(self._file) as source, av.open(path, "w") as made:
                made.metadata.update(source.metadata)
                copies = {stream: made.add_stream_from_template(stream) for stream in source.streams}
                for packet in source.demux():
                    if packet.dts is not None:
                        packet.stream = copies[packet.stream]
                        made.mux(packet)


__all__ = ["ComfyExtension", "InputImpl", "io", "ui"]
