"""The host that all node tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from harness import ROOT, Comfy, Graph, open_host


@pytest.fixture(scope="session")
def comfy(tmp_path_factory) -> Comfy:
    pytest.importorskip("torch")
    return open_host(tmp_path_factory.mktemp("comfy"))


@pytest.fixture
def graph() -> Graph:
    return Graph()


@pytest.fixture(scope="session")
def pair() -> np.ndarray:
    """(1, 320, 603, 3) Hopper at the left, Collins at the right, float32."""
    from PIL import Image

    with Image.open(ROOT / "examples" / "pair.jpg") as picture:
        return np.asarray(picture.convert("RGB").resize((603, 320)), np.float32)[None] / 255
