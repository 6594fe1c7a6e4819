"""The process's environment, read in this one place: what depends on it names the variables that it looks at."""

from __future__ import annotations

import os
from collections.abc import Mapping


def variables() -> Mapping[str, str]:
    """All variables as they are now; read only."""
    return os.environ
