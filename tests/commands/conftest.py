from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from multifaceswap.commands import detect, swap
from multifaceswap.media.pictures import write_picture
from multifaceswap.models.pool import ModelPool


@pytest.fixture(autouse=True)
def _models_opened_once(monkeypatch):
    monkeypatch.setattr(swap, "ModelPool", _pool)
    monkeypatch.setattr(detect, "ModelPool", _pool)


@cache
def _pool(device: str) -> ModelPool:
    return ModelPool(device=device)


@pytest.fixture
def blank(tmp_path) -> Path:
    """A picture without a face."""
    path = tmp_path / "blank.png"
    write_picture(path, np.full((64, 80, 3), 90, np.uint8))
    return path


@pytest.fixture
def text(tmp_path) -> Path:
    path = tmp_path / "text.png"
    path.write_text("I am a picture, honestly.")
    return path
