"""The runtimes' own messages, as users of onnxruntime reported them."""

from __future__ import annotations

import pytest
from multifaceswap.models.runtime.symptoms import SYMPTOMS, first_line, recognise

_BRIDGE = "/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc"
_CUDA_CALL = (
    "/onnxruntime_src/onnxruntime/core/providers/cuda/cuda_call.cc:121 std::conditional_t<THRW, void, "
    "onnxruntime::common::Status> onnxruntime::CudaCall(ERRTYPE, const char*, const char*, ERRTYPE, const char*, const "
    "char*, int) [with ERRTYPE = cudaError; bool THRW = true] "
)
_AT = "; GPU=0 ; hostname=box ; file=cuda_execution_provider.cc ; line=245 ; expr=cudaSetDevice(info_.device_id);"
MESSAGES = {
    # microsoft/onnxruntime#22968 and #21684
    "the CUDA library libcublasLt.so.12 is missing": (
        f"2024-09-26 [E:onnxruntime:Default, provider_bridge_ort.cc:1992 TryGetProviderInfo_CUDA] {_BRIDGE}:1637 "
        "onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed "
        "to load library "
        "libonnxruntime_providers_cuda.so with error: libcublasLt.so.12: cannot open shared object file: No "
        "such file or "
        "directory\n2024-09-26 [W:onnxruntime:Default, onnxruntime_pybind_state.cc:965 "
        "CreateExecutionProviderInstance] "
        "Failed to create CUDAExecutionProvider. Require cuDNN 9.* and CUDA 12.*. Please install all dependencies"
    ),
    # Gourieff/sd-webui-reactor#503
    "the CUDA library libcudnn.so.9 is missing": (
        "FAIL : Failed to load library libonnxruntime_providers_cuda.so with error: libcudnn.so.9: cannot open shared "
        "object file: No such file or directory"
    ),
    # microsoft/onnxruntime#21825
    "a library that CUDA needs is missing (CUDA, cuDNN or the MSVC runtime)": (
        "2024-08-22 13:01:04 [E:onnxruntime:Default, provider_bridge_ort.cc:1992 onnxruntime::TryGetProviderInfo_CUDA] "
        "D:\\a\\_work\\1\\s\\onnxruntime\\core\\session\\provider_bridge_ort.cc:1637 onnxruntime::ProviderLibrary::Get "
        '[ONNXRuntimeError] : 1 : FAIL : LoadLibrary failed with error 126 "" when trying to load '
        '"c:\\env\\Lib\\site-packages\\onnxruntime\\capi\\onnxruntime_providers_cuda.dll"'
    ),
    # microsoft/onnxruntime#17537
    "CUDA didn't start: its libraries are missing or of another version": (
        "[W:onnxruntime:Default, onnxruntime_pybind_state.cc:640 CreateExecutionProviderInstance] Failed to create "
        "CUDAExecutionProvider. Please reference https://onnxruntime.ai/docs/execution-providers/"
        "CUDA-ExecutionProvider.html#requirements to ensure all dependencies are met."
    ),
    # C0untFloyd/roop-unleashed#465
    "there is no NVIDIA driver, or it is too old for this CUDA": (
        f"{_CUDA_CALL}CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version {_AT}"
    ),
    "there is no NVIDIA driver": (
        f"[E:onnxruntime:Default, provider_bridge_ort.cc:2458 operator()] {_BRIDGE}:2043 [ONNXRuntimeError] : 1 : FAIL "
        ": Failed to load library libonnxruntime_providers_cuda.so with error: libcuda.so.1: cannot open shared object "
        "file: No such file or directory\n[W:onnxruntime:Default] Failed to create CUDAExecutionProvider."
    ),
    # microsoft/onnxruntime#17864
    "the driver doesn't go with the CUDA libraries (often after an update without a restart)": (
        f"{_CUDA_CALL}CUDA failure 804: forward compatibility was attempted on non supported HW {_AT}"
    ),
    # deepinsight/insightface#2524
    "no CUDA device is visible": f"{_CUDA_CALL}CUDA failure 100: no CUDA-capable device is detected {_AT}",
    "there is no CUDA device of this number": f"{_CUDA_CALL}CUDA failure 101: invalid device ordinal {_AT}",
    # microsoft/onnxruntime#22441
    "this onnxruntime wasn't built for this GPU": (
        "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running Sigmoid node. "
        "Name:'/model.0/act/Sigmoid' Status Message: CUDA error cudaErrorNoKernelImageForDevice:no kernel image is "
        "available for execution on the device"
    ),
    # microsoft/onnxruntime#18597
    "TensorRT's libraries are missing": (
        f"{_BRIDGE}:1193 onnxruntime::Provider& onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : "
        "FAIL : Failed "
        "to load library libonnxruntime_providers_tensorrt.so with error: libnvinfer.so.8: cannot open shared object "
        "file: No such file or directory"
    ),
    # microsoft/onnxruntime#16307
    "the device's memory is full": (
        "Non-zero status code returned while running ReduceSum node. "
        "onnxruntime::BFCArena::AllocateRawInternal Failed to "
        "allocate memory for requested buffer of size 939524096"
    ),
    # microsoft/onnxruntime#26996
    "the installed onnxruntime wasn't built for this device": (
        "UserWarning: Specified provider 'CUDAExecutionProvider' is not in available provider names. "
        "Available providers: "
        "'AzureExecutionProvider, CPUExecutionProvider'"
    ),
    "onnxruntime's own library can't be loaded": (
        "ImportError: DLL load failed while importing onnxruntime_pybind11_state: A dynamic link library (DLL) "
        "initialization routine failed."
    ),
    "the system's C library is older than this onnxruntime needs (GLIBC_2.27)": (
        "ImportError: /lib64/libm.so.6: version `GLIBC_2.27' not found (required by onnxruntime_pybind11_state.so)"
    ),
}


@pytest.mark.parametrize("meaning", MESSAGES)
def test_messages_are_understood_and_have_a_cure(meaning):
    found = recognise(MESSAGES[meaning])
    assert found is not None and found[0] == meaning and len(found[1]) > 20
    assert first_line(MESSAGES[meaning]) == meaning


def test_what_is_missing_is_named_where_tensorrt_only_says_that_it_is_missing():
    text = (
        "FAIL : Failed to load library libonnxruntime_providers_tensorrt.so with error: libcublas.so.13: cannot open "
        "shared object file: No such file or directory\nRuntimeError: Please install "
        "TensorRT libraries as mentioned in the GPU requirements page"
    )
    assert recognise(text)[0] == "the CUDA library libcublas.so.13 is missing"


def test_every_symptom_has_a_message_here():
    known = {next(i for i, s in enumerate(SYMPTOMS) if s.pattern.search(text)) for text in MESSAGES.values()}
    assert known == set(range(len(SYMPTOMS)))


def test_tensorrt_that_is_asked_to_be_installed_on_windows():
    text = 'FAIL : LoadLibrary failed with error 126 "" when trying to load "capi\\onnxruntime_providers_tensorrt.dll"'
    assert recognise(text)[0] == "TensorRT's libraries are missing"


@pytest.mark.parametrize("text", ["", "\n\n", "Got: 3 Expected: 4"])
def test_other_messages_are_left_as_they_are(text):
    assert recognise(text) is None
    assert first_line(text) == (text.strip() or "it gives no reason")


def test_a_long_message_is_cut_to_its_first_line():
    assert first_line("\n  one " + "x" * 500 + "\ntwo").startswith("one xxx")
    assert len(first_line("x" * 500)) == 200
