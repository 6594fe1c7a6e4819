from __future__ import annotations

import threading

import numpy as np
import pytest
from multifaceswap.models.runtime.precision import exact_convolutions
from multifaceswap.models.runtime.torch import TorchNetwork

torch = pytest.importorskip("torch")

CUDA = torch.device("cuda:0")


class Cudnn:
    """torch's process-wide flags; `seen` are all values that TF32 was given."""

    def __init__(self, allowed=True):
        self._allowed, self.seen = allowed, []

    @property
    def allow_tf32(self):
        return self._allowed

    @allow_tf32.setter
    def allow_tf32(self, value):
        self.seen.append(value)
        self._allowed = value


class Untouchable:
    def __getattr__(self, name):
        raise AssertionError(f"{name} was read")

    def __setattr__(self, name, value):
        raise AssertionError(f"{name} was set")


class Mixed:
    """Flags of which those of convolutions were set apart: torch then refuses to tell the sum."""

    def __init__(self):
        self.conv = type("Setting", (), {"fp32_precision": "tf32"})()

    @property
    def allow_tf32(self):
        raise RuntimeError("a mix of the legacy and new APIs")


def test_tf32_is_off_while_a_network_runs_and_on_again_afterwards(monkeypatch):
    monkeypatch.setattr(torch.backends, "cudnn", cudnn := Cudnn())
    with exact_convolutions(CUDA):
        assert not cudnn.allow_tf32
    assert cudnn.allow_tf32
    with pytest.raises(KeyError), exact_convolutions(CUDA):
        raise KeyError
    assert cudnn.allow_tf32 and cudnn.seen == [False, True] * 2


def test_who_has_it_off_keeps_it_off(monkeypatch):
    monkeypatch.setattr(torch.backends, "cudnn", cudnn := Cudnn(allowed=False))
    with exact_convolutions(CUDA):
        assert not cudnn.allow_tf32
    assert not cudnn.allow_tf32 and cudnn.seen == []


def test_threads_do_not_put_back_each_others_values(monkeypatch):
    """The second one comes while the first one runs, and still runs when the first one ends."""
    monkeypatch.setattr(torch.backends, "cudnn", cudnn := Cudnn())
    inside, first_is_done, seen = threading.Event(), threading.Event(), []

    def second():
        with exact_convolutions(CUDA):
            inside.set()
            first_is_done.wait(10)
            seen.append(cudnn.allow_tf32)

    worker = threading.Thread(target=second)
    with exact_convolutions(CUDA):
        worker.start()
        inside.wait(0.2)
        seen.append(cudnn.allow_tf32)
    first_is_done.set()
    worker.join()
    assert seen == [False, False] and cudnn.allow_tf32 and cudnn.seen == [False, True] * 2


def test_settings_of_single_operations_are_put_back_too(monkeypatch):
    monkeypatch.setattr(torch.backends, "cudnn", cudnn := Mixed())
    with exact_convolutions(CUDA):
        assert cudnn.conv.fp32_precision == "ieee"
    assert cudnn.conv.fp32_precision == "tf32"


def test_the_real_flags_come_back_as_they_were():
    cudnn = torch.backends.cudnn
    names = ("enabled", "benchmark", "deterministic", "allow_tf32")
    before = [getattr(cudnn, name) for name in names]
    cudnn.deterministic, cudnn.benchmark = True, True
    try:
        with exact_convolutions(CUDA):
            assert not cudnn.allow_tf32 and cudnn.deterministic and cudnn.benchmark
        assert [getattr(cudnn, name) for name in names] == [before[0], True, True, before[3]]
    finally:
        cudnn.deterministic, cudnn.benchmark = before[2], before[1]


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_other_devices_leave_all_flags_alone(monkeypatch, device):
    monkeypatch.setattr(torch.backends, "cudnn", Untouchable())
    with exact_convolutions(torch.device(device)):
        pass


def test_a_network_on_the_cpu_leaves_all_flags_alone(monkeypatch, tmp_path):
    path = tmp_path / "a.pth"
    torch.save(torch.nn.Conv2d(3, 2, 1).state_dict(), path)
    network = TorchNetwork(path, lambda: torch.nn.Conv2d(3, 2, 1), "cpu", what="a test")
    monkeypatch.setattr(torch.backends, "cudnn", Untouchable())
    assert network.run(np.ones((1, 3, 4, 5)), [(1, 2, 4, 5)])[0].shape == (1, 2, 4, 5)
