"""The progress bar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Hook = Callable[[int, int, Any], None]
_hooks: list[Hook] = []


def set_progress_bar_global_hook(hook: Hook | None) -> None:
    _hooks[:] = [hook] if hook else []


class ProgressBar:
    def __init__(self, total: int) -> None:
        self.total = total

    def update_absolute(self, value: int, total: int | None = None, preview: Any = None) -> None:
        self.total = total or self.total
        for hook in _hooks:
            hook(value, self.total, preview)
