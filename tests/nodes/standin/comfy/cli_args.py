"""What ComfyUI was started with."""

from __future__ import annotations

from types import SimpleNamespace

args = SimpleNamespace(preview_size=512, disable_metadata=False)
