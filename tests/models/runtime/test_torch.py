from __future__ import annotations

import gc
import logging
import sys
import weakref

import numpy as np
import pytest
from multifaceswap.models.runtime.registry import SessionRegistry
from multifaceswap.models.runtime.torch import TorchNetwork, torch_device
from multifaceswap.pipeline.errors import DamagedModelError, EngineError, MissingPackageError

torch = pytest.importorskip("torch")


@pytest.fixture
def file(tmp_path):
    torch.manual_seed(1)
    path = tmp_path / "a.pth"
    torch.save(torch.nn.Conv2d(3, 2, 1).state_dict(), path)
    return path


def network(file, build=lambda: torch.nn.Conv2d(3, 2, 1)):
    return TorchNetwork(file, build, "cpu", what="a test")


def test_opened_at_first_use_closed_and_opened_again(file):
    it = network(file)
    assert not it.is_open and it.state.provider == ""
    images = np.random.RandomState(0).rand(4, 3, 5, 6)
    (first,) = it.run(images, [(4, 2, 5, 6)])
    assert it.is_open and it.state == ("a.pth", "cpu", "")
    weights = torch.load(file, weights_only=True)
    wanted = np.einsum("oi,nihw->nohw", weights["weight"][..., 0, 0], images) + weights["bias"].numpy()[:, None, None]
    np.testing.assert_allclose(first, wanted, atol=1e-6)
    gone = weakref.ref(it.open())
    it.close()
    gc.collect()
    assert gone() is None and not it.is_open
    np.testing.assert_array_equal(it.run(images, [(4, 2, 5, 6)])[0], first)
    assert it.size_bytes == file.stat().st_size


def test_networks_are_evaluated_not_trained(tmp_path):
    def build():
        return torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.Dropout(0.9))

    torch.save(build().state_dict(), tmp_path / "a.pth")
    images = np.random.RandomState(0).rand(2, 3, 4, 4).astype(np.float32)
    (found,) = network(tmp_path / "a.pth", build).run(images, [images.shape])
    np.testing.assert_allclose(found, images, rtol=1e-4)


def test_a_missing_package_and_a_failing_run_are_told(file):
    def build():
        raise ModuleNotFoundError("No module named 'facexlib'", name="facexlib")

    with pytest.raises(
        MissingPackageError, match=r"a test needs the package facexlib: pip install 'multifaceswap\[models\]'"
    ):
        network(file, build).open()
    with pytest.raises(EngineError, match=r"a test failed on cpu: .*channels"):
        network(file).run(np.zeros((1, 5, 4, 4)), [(1, 2, 4, 4)])


def test_without_torch_what_is_to_be_installed_is_told(file, monkeypatch):
    it = network(file)
    monkeypatch.setitem(sys.modules, "torch", None)
    needed = r"a test needs the package torch: pip install 'multifaceswap\[models\]'"
    with pytest.raises(MissingPackageError, match=needed):
        torch_device("cpu", it.what)
    with pytest.raises(MissingPackageError, match=needed):
        it.run(np.zeros((1, 3, 4, 4)), [(1, 2, 4, 4)])


def test_another_network_is_told(file):
    with pytest.raises(DamagedModelError, match="another network than a test"):
        network(file, lambda: torch.nn.Conv2d(3, 7, 1)).open()


def test_the_host_is_told_before_every_run(file):
    told = []
    it = SessionRegistry("cpu", told.append).torch(file, lambda: torch.nn.Conv2d(3, 2, 1), "a test")
    it.run(np.zeros((1, 3, 2, 2)), [(1, 2, 2, 2)])
    it.run(np.zeros((1, 3, 2, 2)), [(1, 2, 2, 2)])
    assert told == [it, it]


def test_one_network_a_file(tmp_path):
    networks = SessionRegistry("cpu")
    first, again, other = (networks.shared(tmp_path / name, set) for name in "aab")
    assert first is again is not other


@pytest.mark.parametrize(
    ("name", "cuda", "mps", "wanted"),
    [
        ("cpu", True, True, "cpu"),
        ("auto", False, False, "cpu"),
        ("auto", True, False, "cuda"),
        ("auto", False, True, "mps"),
        ("cuda:1", True, False, "cuda:1"),
        ("tensorrt", True, False, "cuda"),
        ("rocm", True, False, "cuda"),
        ("coreml", False, True, "mps"),
        ("cuda", False, True, "cpu"),
        ("directml", True, True, "cpu"),
    ],
)
def test_devices_by_name(monkeypatch, caplog, name, cuda, mps, wanted):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    with caplog.at_level(logging.WARNING):
        assert torch_device(name) == torch.device(wanted)
    assert len(caplog.records) == (name in ("cuda", "directml"))
