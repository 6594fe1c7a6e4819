"""How people are followed in a clip: apart from the work, so that settings are read without it."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import require_range
from .lookahead import delay, reach


@dataclass(frozen=True, slots=True)
class ClipSettings:
    """How people are followed and smoothed in a clip."""

    track: bool = True
    """Follow people through each scene. Without it every frame is a scene of its own, and nothing is smoothed."""
    smooth: bool = True
    """Smooth landmarks and meshes over neighbouring frames."""
    max_gap: int = 5
    """Fill in a face that is missing for up to that many frames."""

    def __post_init__(self) -> None:
        require_range("max_gap", self.max_gap, 0, 50)

    @property
    def reach(self) -> int:
        """How many frames before it a frame's result may depend on, beyond the watcher's state."""
        return reach(self.max_gap, self.smooth) if self.track else 1

    @property
    def ahead(self) -> int:
        """How many frames after it a frame's result may depend on."""
        return delay(self.max_gap, self.smooth) if self.track else 0
