"""Loads the checkout itself as the package `multifaceswap`, whatever is installed: for tests and benchmarks."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def load_checkout() -> None:
    """Make `import multifaceswap` mean this checkout, in this process."""
    spec = importlib.util.spec_from_file_location(
        "multifaceswap", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["multifaceswap"] = module
    spec.loader.exec_module(module)
