"""How restorers run their torch networks: arguments, precision, full memory."""

from __future__ import annotations

import numpy as np
import pytest
from multifaceswap.models.restorers.architectures import ARCHITECTURES
from multifaceswap.models.restorers.restorers import TorchRestorer
from multifaceswap.models.runtime import torch as torch_runtime
from multifaceswap.models.runtime.symptoms import lacks_memory
from multifaceswap.models.runtime.torch import TorchNetwork, half_type
from multifaceswap.pipeline.errors import EngineError, OutOfMemoryError

torch = pytest.importorskip("torch")

GFPGAN, CODEFORMER, RESTOREFORMER = ARCHITECTURES
CROP = np.random.RandomState(1).rand(512, 512, 3).astype(np.float32)


class Network(torch.nn.Module):
    """One layer that notes how it is called, and gives more than the picture."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 3, 1)
        self.calls = []

    def forward(self, x, **arguments):
        out = self.layer(x)
        self.calls.append((tuple(x.shape), out.dtype, arguments))
        return out, [out, None]


def restorer(tmp_path, architecture, module=None, **options):
    path = tmp_path / "a.pth"
    module = module or Network()
    torch.save(module.state_dict(), path)
    return TorchRestorer(TorchNetwork(path, lambda: module, "cpu", what="a.pth"), architecture, **options), module


@pytest.mark.parametrize(
    ("architecture", "arguments"),
    [
        (GFPGAN, {"randomize_noise": False, "return_rgb": False}),
        (CODEFORMER, {"weight": 0.25}),
        (RESTOREFORMER, {}),
    ],
)
def test_each_network_is_called_with_its_own_arguments(tmp_path, architecture, arguments):
    it, module = restorer(tmp_path, architecture)
    found = it.restore([CROP, CROP], 0.25)
    assert module.calls == [((2, 3, 512, 512), torch.float32, arguments)]
    assert len(found) == 2 and found[0].shape == CROP.shape
    assert it.fidelity == (architecture is CODEFORMER) and it.sessions == (it.network,)
    assert it.network.working_bytes > 1e9


@pytest.mark.parametrize(
    ("architecture", "half", "wanted"),
    [
        (GFPGAN, True, torch.bfloat16),
        (GFPGAN, False, torch.float32),
        (CODEFORMER, True, torch.float32),
        (RESTOREFORMER, True, torch.float32),
    ],
)
def test_half_precision_only_where_network_and_device_are_up_to_it(tmp_path, monkeypatch, architecture, half, wanted):
    it, module = restorer(tmp_path, architecture, half=half)
    exact = it.restore([CROP], 1.0)[0]
    assert module.calls[-1][1] is torch.float32  # the CPU isn't
    monkeypatch.setattr(torch_runtime, "half_type", lambda device: torch.bfloat16)
    found = it.restore([CROP], 1.0)[0]
    assert module.calls[-1][1] is wanted and found.dtype == np.float32
    assert (np.abs(found - exact).max() > 0) == (wanted is torch.bfloat16)
    np.testing.assert_allclose(found, exact, atol=0.01)


def test_the_cpu_and_others_compute_in_full(monkeypatch):
    assert half_type(torch.device("cpu")) is None and half_type(torch.device("mps")) is None
    monkeypatch.setattr(torch.version, "hip", None)
    for capability, wanted in (((7, 5), None), ((8, 0), torch.bfloat16), ((12, 0), torch.bfloat16)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _device, found=capability: found)
        assert half_type(torch.device("cuda")) is wanted


FULL = (
    "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 7.78 GiB of which 1.2 GiB is free.",
    "MPS backend out of memory (MPS allocated: 8.00 GB, other allocations: 1.00 GB)",
    "[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate",
    "bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 1073741824",
    "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
)


@pytest.mark.parametrize("text", FULL)
def test_full_memory_is_told_from_other_failures(tmp_path, text):
    class Full(Network):
        def forward(self, x, **arguments):
            raise RuntimeError(text)

    assert lacks_memory(text) and not lacks_memory("expected scalar type Float but found Half")
    it, _ = restorer(tmp_path, GFPGAN, Full())
    with pytest.raises(OutOfMemoryError, match=r"a\.pth failed on cpu: the device's memory is full"):
        it.restore([CROP], 1.0)


def test_another_failure_is_no_full_memory(tmp_path):
    class Broken(Network):
        def forward(self, x, **arguments):
            raise RuntimeError("expected scalar type Float but found Half")

    it, _ = restorer(tmp_path, GFPGAN, Broken())
    with pytest.raises(EngineError, match="expected scalar type") as caught:
        it.restore([CROP], 1.0)
    assert not isinstance(caught.value, OutOfMemoryError)
