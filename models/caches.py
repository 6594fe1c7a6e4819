"""Where the package keeps what it can make again."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from platformdirs import user_cache_path

from ..media.environment import variables

ENVIRONMENT: Final = "MULTIFACESWAP_CACHE"


def cache_folder() -> Path:
    """The folder that `MULTIFACESWAP_CACHE` names, else the user's cache folder. It may not exist yet."""
    return Path(variables().get(ENVIRONMENT) or user_cache_path("multifaceswap", appauthor=False))
