"""The progress bar."""

from __future__ import annotations

_hooks = []


def set_progress_bar_global_hook(hook):
    _hooks[:] = [hook] if hook else []


class ProgressBar:
    def __init__(self, total):
        self.total = total

    def update_absolute(self, value, total=None, preview=None):
        self.total = total or self.total
        for hook in _hooks:
            hook(value, self.total, preview)
