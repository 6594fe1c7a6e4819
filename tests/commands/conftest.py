from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from multifaceswap import Session
from multifaceswap.commands import batch, detect, faces, swap
from multifaceswap.marking.places import Signing
from multifaceswap.media.pictures import write_picture


@pytest.fixture(autouse=True)
def _models_opened_once(monkeypatch):
    for command in (swap, detect, batch, faces):
        monkeypatch.setattr(command, "Session", _session)


class _Lasting(Session):
    """Stays open from command to command."""

    def close(self) -> None:
        pass


@cache
def _shared(device: str, licence: str) -> Session:
    return _Lasting(device=device, licence=licence)


def _session(device: str, licence: str, signing: Signing | None = None) -> Session:
    session = _shared(device, licence)
    session._signing, session._credentials = signing, ()  # each command reads what signs anew
    return session


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
