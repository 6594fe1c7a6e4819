"""Which kinds of picture files are written; light to import, for menus."""

from __future__ import annotations

from typing import Final

FORMATS: Final = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}
"""What is written, each with its usual extension."""
