from __future__ import annotations

import os

import pytest
from multifaceswap.models.runtime import devices
from multifaceswap.models.runtime.devices import CPU, CUDA, TENSORRT, Running, provider_options, summary, why_not
from multifaceswap.pipeline.errors import SettingsError

ROCM, MIGRAPHX = "ROCMExecutionProvider", "MIGraphXExecutionProvider"
COREML, DIRECTML = "CoreMLExecutionProvider", "DmlExecutionProvider"
GPU_WHEEL = [TENSORRT, CUDA, CPU]


@pytest.mark.parametrize(
    ("device", "available", "wanted"),
    [
        ("auto", [CPU], [CPU]),
        ("auto", ["AzureExecutionProvider", CPU], [CPU]),
        ("auto", GPU_WHEEL, [CUDA, CPU]),
        ("auto", [MIGRAPHX, ROCM, CPU], [ROCM, MIGRAPHX, CPU]),
        ("auto", [COREML, CPU], [COREML, CPU]),
        ("auto", [DIRECTML, CPU], [DIRECTML, CPU]),
        ("cpu", GPU_WHEEL, [CPU]),
        ("cuda", GPU_WHEEL, [CUDA, CPU]),
        ("cuda:1", GPU_WHEEL, [CUDA, CPU]),
        ("cuda", [CPU], [CPU]),
        ("tensorrt", GPU_WHEEL, [TENSORRT, CUDA, CPU]),
        ("tensorrt", [CUDA, CPU], [CUDA, CPU]),
        ("rocm", [MIGRAPHX, CPU], [MIGRAPHX, CPU]),
        ("directml", [DIRECTML, CPU], [DIRECTML, CPU]),
    ],
)
def test_what_is_asked_for_ends_in_the_cpu(device, available, wanted):
    assert devices.wanted_providers(device, available) == wanted


@pytest.mark.parametrize("device", ["toaster", "", "cuda:x", "cuda:-1", "CUDA"])
def test_other_devices_are_refused(device):
    with pytest.raises(SettingsError, match="device: expected one of auto, cuda, tensorrt, rocm, migraphx"):
        devices.wanted_providers(device, [CPU])


def test_only_providers_that_know_several_devices_are_given_a_number():
    assert provider_options(CPU, "cuda:1") == {}
    assert provider_options(COREML, "coreml:1") == {}
    assert provider_options(DIRECTML, "directml:1") == {"device_id": "1"}
    assert provider_options(CUDA, "cuda:1") == {"device_id": "1", "arena_extend_strategy": "kSameAsRequested"}
    assert "device_id" not in provider_options(CUDA, "cuda")


def test_tensorrt_keeps_the_engines_it_built():
    options = provider_options(TENSORRT, "tensorrt")
    assert options == {"trt_engine_cache_enable": "1", "trt_engine_cache_path": str(devices.engine_cache())}


@pytest.mark.parametrize(
    ("device", "available", "running", "failures", "why"),
    [
        ("cpu", GPU_WHEEL, CPU, [], ""),
        ("auto", [CPU], CPU, [], ""),
        ("auto", GPU_WHEEL, CUDA, [], ""),
        ("auto", [DIRECTML, CPU], DIRECTML, [], ""),
        ("cuda", GPU_WHEEL, CUDA, [], ""),
        ("rocm", [MIGRAPHX, CPU], MIGRAPHX, [], "the installed onnxruntime has no ROCMExecutionProvider"),
        ("cuda", [CPU], CPU, [], "cuda was asked for, but the installed onnxruntime has no CUDAExecutionProvider"),
        ("tensorrt", [CUDA, CPU], CUDA, [], "the installed onnxruntime has no TensorrtExecutionProvider"),
        (
            "tensorrt", GPU_WHEEL, CUDA, ["its libraries are missing"],
            "TensorrtExecutionProvider didn't start: its libraries are missing; "
            "`multifaceswap doctor --device tensorrt` says what to do",
        ),
        (
            "auto", GPU_WHEEL, CPU, [],
            "CUDAExecutionProvider didn't start; `multifaceswap doctor --device auto` says what to do",
        ),
    ],
)  # fmt: skip
def test_why_another_provider_runs(device, available, running, failures, why):
    assert why_not(device, available, running, failures) == why


def test_threads_are_those_the_process_may_use_and_never_many(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {1, 4, 7}, raising=False)
    assert devices.threads() == 3
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(128)))
    assert devices.threads() == 16


def test_threads_without_affinity_are_the_processors(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert devices.threads() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert devices.threads() == 1


@pytest.mark.parametrize(("asked", "threads"), [("2", 2), ("1", 1), ("99", 8), ("0", 8), ("many", 8), ("", 8)])
def test_omp_num_threads_bounds_them(monkeypatch, asked, threads):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(8)), raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert devices.threads() == threads


def test_the_summary_is_a_line_a_provider_and_reason():
    states = [Running("a", CUDA), Running("b", CUDA), Running("c", CPU, "too large"), Running("a", CUDA)]
    assert summary(states) == ["a, b run on CUDA", "c runs on CPU (too large)"]
    assert summary([]) == []
