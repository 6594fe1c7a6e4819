"""The host's memory manager is asked for the device that really runs a network, and for no other."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import standins

torch = pytest.importorskip("torch")

ONNX_CPU, ONNX_CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"
GPU, CPU = torch.device("cuda:0"), torch.device("cpu")


@pytest.fixture
def host(comfy, monkeypatch):
    """A host with a GPU: `asked` are the devices on which it was to make room, `listed` those of its loaded models."""
    import comfy.model_management as management

    asked = []

    def load_models_gpu(models, memory_required=0):
        for model in models:
            asked.append(model.load_device)
            management.current_loaded_models.insert(0, management.LoadedModel(model))

    monkeypatch.setattr(management, "load_models_gpu", load_models_gpu)
    monkeypatch.setattr(management, "free_memory", lambda amount, device, keep_loaded=(): asked.append(device))
    monkeypatch.setattr(management, "current_loaded_models", [])
    hook = comfy.module("nodes.memory").ComfyMemoryHook(GPU)
    return SimpleNamespace(
        hook=hook, asked=asked, listed=lambda: [loaded.device for loaded in management.current_loaded_models]
    )


@pytest.fixture
def machine(comfy, monkeypatch):
    """Says which providers onnxruntime has, which of them start, and whether there is a driver."""
    runtime, create = comfy.module("models.runtime.onnx"), onnxruntime.InferenceSession

    def set_up(providers, *, starts=(), driver=True):
        def start(path, options, *, providers, enable_fallback):
            first = providers[0][0]
            if first not in (ONNX_CPU, *starts):
                raise RuntimeError("CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version")
            session = create(path, options, providers=[ONNX_CPU], enable_fallback=enable_fallback)
            ports = {"get_inputs": session.get_inputs, "get_outputs": session.get_outputs}
            return SimpleNamespace(run=session.run, get_providers=lambda: [first], **ports)

        monkeypatch.setattr(runtime, "available_providers", lambda: [*providers])
        monkeypatch.setattr(runtime, "has_nvidia_driver", lambda: driver)
        monkeypatch.setattr(runtime, "_prepare", lambda _providers: None)
        monkeypatch.setattr(onnxruntime, "InferenceSession", start)

    return set_up


@pytest.fixture
def network(comfy, host, tmp_path):
    """Runs a session of the device once."""
    path = standins.swapper(tmp_path / "a.onnx", size=32, map_name="")
    feeds = {"target": np.zeros((1, 3, 32, 32), np.float32), "source": np.zeros((1, 512), np.float32)}

    def made(device="cuda:0", working_bytes=0):
        session = comfy.module("models.runtime.onnx").Session(path, device, memory_hook=host.hook)
        session.working_bytes = working_bytes
        return session, lambda: session.run(feeds, [(1, 3, 32, 32)])

    return made


def test_room_is_made_on_the_gpu_that_runs_a_network(host, machine, network):
    machine([ONNX_CUDA, ONNX_CPU], starts=[ONNX_CUDA])
    session, run = network(working_bytes=1000)
    run()
    run()
    assert session.runs_on == "cuda:0" and host.asked == [GPU, GPU] and host.listed() == [GPU]
    session.close()
    run()
    assert host.asked == [GPU, GPU, GPU]


@pytest.mark.parametrize(
    ("device", "providers", "driver"),
    [
        ("cuda:0", [ONNX_CPU], True),
        ("cuda:0", [ONNX_CUDA, ONNX_CPU], False),
        ("tensorrt", ["TensorrtExecutionProvider", ONNX_CUDA, ONNX_CPU], False),
        ("auto", [ONNX_CUDA, ONNX_CPU], False),
        ("directml", [ONNX_CUDA, ONNX_CPU], True),
        ("cpu", [ONNX_CUDA, ONNX_CPU], True),
    ],
)
def test_where_the_gpu_cannot_run_it_no_room_is_made_there(host, machine, network, device, providers, driver):
    machine(providers, driver=driver, starts=[ONNX_CUDA] if driver else [])
    session, run = network(device, working_bytes=1000)
    run()
    run()
    assert session.runs_on == "cpu" and host.asked == [CPU, CPU] and host.listed() == [CPU]


@pytest.mark.parametrize("working_bytes", [0, 1000])
def test_what_fell_back_to_the_cpu_never_asks_for_the_gpu_again(host, machine, network, working_bytes):
    machine([ONNX_CUDA, ONNX_CPU])
    session, run = network(working_bytes=working_bytes)
    assert session.runs_on == "cuda:0"
    run()
    # Whether CUDA starts shows when it is tried: before that, room has to be there.
    assert session.runs_on == "cpu" and host.asked == [GPU]
    run()
    opened = session.is_open
    run()
    session.close()
    run()
    assert opened and GPU not in host.asked[1:] and host.listed()[0] == CPU
    assert GPU not in host.listed(), "its place on the GPU is given back"


def test_a_gpu_that_starts_after_all_is_asked_for_room_again(host, machine, network):
    machine([ONNX_CUDA, ONNX_CPU])
    session, run = network()
    run()
    session.close()
    machine([ONNX_CUDA, ONNX_CPU], starts=[ONNX_CUDA])
    run()
    assert session.runs_on == "cuda:0" and host.asked == [GPU, CPU]
    session.close()
    run()
    assert host.asked[2:] == [GPU] and host.listed()[0] == GPU


def test_torch_networks_ask_for_the_device_torch_has(comfy, host, monkeypatch, tmp_path):
    path = tmp_path / "a.pth"
    torch.save(torch.nn.Conv2d(3, 2, 1).state_dict(), path)
    network = comfy.module("models.runtime.torch").TorchNetwork
    for name, gpu, wanted in (("directml", True, CPU), ("cuda:0", False, CPU), ("cuda:0", True, GPU)):
        monkeypatch.setattr(torch.cuda, "is_available", lambda gpu=gpu: gpu)
        host.hook(network(path, lambda: torch.nn.Conv2d(3, 2, 1), name, what="a test"))
        assert host.asked.pop() == wanted
