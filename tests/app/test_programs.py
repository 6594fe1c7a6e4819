from __future__ import annotations

import sys

import pytest
from multifaceswap.app import programs
from multifaceswap.models.catalog import DLIB_GENDER
from multifaceswap.models.store import BUILTIN_PATH


def test_a_model_that_opens_says_nothing():
    assert programs.opening_messages(BUILTIN_PATH / DLIB_GENDER.name, ["CPUExecutionProvider"]).strip() == ""


@pytest.mark.parametrize(("provider", "said"), [("CPU", ""), ("CUDA", "preloaded"), ("Tensorrt", "preloaded")])
def test_the_libraries_of_cuda_are_loaded_for_gpus_alone(tmp_path, monkeypatch, provider, said):
    """Where they aren't installed, onnxruntime says so, whoever asks."""
    stub = "preload_dlls = lambda: print('preloaded')\nInferenceSession = lambda *_, **__: None\n"
    (tmp_path / "onnxruntime.py").write_text(stub)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert programs.opening_messages(tmp_path / "a.onnx", [f"{provider}ExecutionProvider"]).strip() == said


def test_what_the_library_says_is_heard(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"no model")
    said = programs.opening_messages(tmp_path / "a.onnx", ["MIGraphXExecutionProvider", "CPUExecutionProvider"])
    assert "is not in available provider names" in said and "Error" in said and "a.onnx" in said


@pytest.fixture
def driver_tool(monkeypatch):
    """Stands a Python program in for the driver's own tool."""

    def stand_in(program):
        said = programs._said
        monkeypatch.setattr(programs.shutil, "which", lambda name: "tool" if name == "nvidia-smi" else None)
        monkeypatch.setattr(programs, "_said", lambda command: said([sys.executable, "-c", program, *command[1:]]))

    return stand_in


def test_gpus_are_listed_with_their_driver(driver_tool):
    driver_tool("print('NVIDIA H100, 570.1\\nNVIDIA RTX 4090, 570.1')")
    assert programs.nvidia_gpus() == ["NVIDIA H100, driver 570.1", "NVIDIA RTX 4090, driver 570.1"]


def test_a_driver_that_answers_otherwise_lists_none(driver_tool):
    driver_tool("print('NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver.')")
    assert programs.nvidia_gpus() == []


def test_without_a_driver_there_are_none(monkeypatch):
    monkeypatch.setattr(programs.shutil, "which", lambda name: None)
    assert programs.nvidia_gpus() == []


def test_a_program_that_cannot_be_run_or_hangs_is_said_to(monkeypatch):
    assert "No such file" in programs._said(["/nowhere/at/all"])
    monkeypatch.setattr(programs, "_SECONDS", 0.2)
    assert "timed out" in programs._said([sys.executable, "-c", "import time; time.sleep(60)"])
