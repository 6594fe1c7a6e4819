"""What runtimes say when a device can't be used, and what to do about it.

The texts are onnxruntime's own (`provider_bridge_ort.cc`, `cuda_call.cc`, `bfc_arena.cc`), CUDA's and the
dynamic linker's; each row names what is the same in all versions and on all systems.
"""

from __future__ import annotations

import re
import sys
from typing import NamedTuple

from ...pipeline.quotes import excerpt


class Symptom(NamedTuple):
    """One thing that can be wrong, known by what is said."""

    pattern: re.Pattern[str]
    meaning: str
    """What is wrong; `{0}` is the pattern's first group."""
    cure: str


def _symptom(pattern: str, meaning: str, cure: str) -> Symptom:
    return Symptom(re.compile(pattern, re.IGNORECASE | re.DOTALL), meaning, cure)


_DRIVER = "install the newest driver of the GPU: https://www.nvidia.com/drivers"
_REQUIREMENTS = "https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html#requirements"
_CUDA_LIBRARIES = (
    f'{sys.executable} -m pip install "onnxruntime-gpu[cuda,cudnn]", or install torch and onnxruntime-gpu for the same '
    f"CUDA: {_REQUIREMENTS}"
)

_MEMORY = re.compile(
    r"Failed to allocate memory for requested buffer of size (\d+)|out of memory|CUDNN_STATUS_ALLOC_FAILED"
    r"|CUBLAS_STATUS_ALLOC_FAILED|DefaultCPUAllocator: (?:can't allocate|not enough) memory|bad_alloc",
    re.IGNORECASE,
)

SYMPTOMS: tuple[Symptom, ...] = (
    _symptom(
        r"CUDA driver version is insufficient|cudaErrorInsufficientDriver|CUDA failure 35\b",
        "there is no NVIDIA driver, or it is too old for this CUDA",
        _DRIVER,
    ),
    _symptom(
        r"libcuda\.so\.1: cannot open shared object file",
        "there is no NVIDIA driver",
        f"{_DRIVER} (a container must be given the GPU); without one choose --device cpu",
    ),
    _symptom(
        r"forward compatibility was attempted on non supported HW|CUDA failure 804\b",
        "the driver doesn't go with the CUDA libraries (often after an update without a restart)",
        f"restart the machine; if that doesn't help, {_DRIVER}",
    ),
    _symptom(
        r"no CUDA-capable device is detected|cudaErrorNoDevice|CUDA failure 100\b",
        "no CUDA device is visible",
        "check that nvidia-smi lists a GPU, that CUDA_VISIBLE_DEVICES isn't empty, and that a container got the GPU",
    ),
    _symptom(
        r"invalid device ordinal|CUDA failure 101\b",
        "there is no CUDA device of this number",
        "choose one that nvidia-smi lists, e.g. --device cuda:0",
    ),
    _symptom(
        r"no kernel image is available|cudaErrorNoKernelImageForDevice|CUDA failure 209\b",
        "this onnxruntime wasn't built for this GPU",
        f"install another version of onnxruntime-gpu, newer for a new GPU and older for an old one: {_REQUIREMENTS}",
    ),
    _symptom(
        r"(lib(?:cudnn|cublas|cublasLt|cudart|cufft|curand|nvrtc|nvJitLink|cusparse|cusolver)[\w.-]*?\.so[.\d]*)"
        r": cannot open shared object file",
        "the CUDA library {0} is missing",
        _CUDA_LIBRARIES,
    ),
    _symptom(
        r"(libnvinfer[\w.-]*|libnvonnxparser[\w.-]*|nvinfer[\w]*\.dll)[^\n]*(?:cannot open|not found|No such file)"
        r"|(?:error 126)[^\n]*providers_tensorrt\.dll|Please install TensorRT libraries",
        "TensorRT's libraries are missing",
        "install the TensorRT that goes with this onnxruntime, or choose --device cuda",
    ),
    _symptom(
        r"LoadLibrary failed with error 126[^\n]*providers_cuda\.dll",
        "a library that CUDA needs is missing (CUDA, cuDNN or the MSVC runtime)",
        f"{_CUDA_LIBRARIES}; the MSVC runtime: https://aka.ms/vs/17/release/vc_redist.x64.exe",
    ),
    _symptom(
        r"Failed to create CUDAExecutionProvider",
        "CUDA didn't start: its libraries are missing or of another version",
        _CUDA_LIBRARIES,
    ),
    Symptom(
        _MEMORY,
        "the device's memory is full",
        "free it (other models, other programs), or choose --device cpu",
    ),
    _symptom(
        r"version `(GLIBC\w*_[\d.]+)' not found",
        "the system's C library is older than this onnxruntime needs ({0})",
        "install an older onnxruntime, or a newer system",
    ),
    _symptom(
        r"DLL load failed while importing onnxruntime_pybind11_state",
        "onnxruntime's own library can't be loaded",
        "install the MSVC runtime: https://aka.ms/vs/17/release/vc_redist.x64.exe",
    ),
    _symptom(
        r"is not in available provider names",
        "the installed onnxruntime wasn't built for this device",
        "install the wheel for it (onnxruntime-gpu, onnxruntime-directml …), and only that one",
    ),
)


def lacks_memory(text: str) -> bool:
    """Whether a runtime's message says that memory is full: onnxruntime's, CUDA's, torch's on any device."""
    return _MEMORY.search(text) is not None


def recognise(text: str) -> tuple[str, str] | None:
    """What is wrong and the cure, by the first symptom in a runtime's message; None where it says nothing known."""
    for symptom in SYMPTOMS:
        found = symptom.pattern.search(text)
        if found:
            return symptom.meaning.format(*(found.groups("") or ("",))), symptom.cure
    return None


def first_line(text: str) -> str:
    """A runtime's message in one line: what it means where that is known, else the message without its paths."""
    known = recognise(text)
    if known:
        return known[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return excerpt(lines[0]) if lines else "it gives no reason"
