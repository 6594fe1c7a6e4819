from __future__ import annotations

import sys

import pytest
from multifaceswap.models.runtime import probe


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_the_driver_is_there_where_its_library_can_be_loaded(monkeypatch, platform):
    asked = []

    def load(name):
        asked.append(name)
        if platform == "win32":
            raise OSError(name)

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(probe.ctypes, "CDLL", load)
    probe.has_nvidia_driver.cache_clear()
    assert probe.has_nvidia_driver() is probe.has_nvidia_driver() is (platform == "linux")
    probe.has_nvidia_driver.cache_clear()
    assert asked == ["libcuda.so.1" if platform == "linux" else "nvcuda.dll"]
