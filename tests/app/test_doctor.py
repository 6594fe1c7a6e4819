from __future__ import annotations

import shutil
import sys
from importlib import metadata
from types import SimpleNamespace

import pytest
from multifaceswap.app import doctor, programs, set_up
from multifaceswap.app.doctor import Finding
from multifaceswap.marking import places
from multifaceswap.models import store
from multifaceswap.models.catalog import DLIB_GENDER
from multifaceswap.models.runtime import onnx as runtime
from multifaceswap.models.store import Folders
from multifaceswap.pipeline.errors import EngineError, SettingsError

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


def _pip(words: str) -> str:
    return f"{sys.executable} -m pip {words}"


def test_examine_tells_of_every_topic_and_this_python(tmp_path):
    findings = list(doctor.examine("cpu", Folders({}, [tmp_path])))
    topics = {finding.topic for finding in findings}
    assert topics == {
        "Python", "System", "Package", "onnxruntime", "torch", "Providers", "In use", "Models", "Weights", "Faces",
        set_up.KEY, "Signing",
    }  # fmt: skip
    assert any(sys.executable in finding.text for finding in findings)
    assert Finding("In use", CPU) in findings
    assert Finding("Models", str(tmp_path)) in findings


def test_an_unknown_device_is_refused():
    with pytest.raises(SettingsError, match="device: expected one of auto, cuda"):
        list(doctor.examine("toaster"))


def test_installed_gives_versions_of_what_is_there():
    assert doctor.installed(["numpy", "no-such-distribution"]) == {"numpy": metadata.version("numpy")}
    assert doctor.installed([]) == {}


def test_a_needed_package_that_is_missing_has_a_cure_and_an_optional_one_has_none():
    findings = {finding.text: finding.cure for finding in doctor.packages({"numpy": "2.0"})}
    assert findings["numpy 2.0"] == ""
    assert findings["requests is not installed"] == _pip("install requests")
    models, video = (_pip(f'install "multifaceswap[{extra}]"') for extra in ("models", "video"))
    assert findings[f"spandrel is not installed: some models need it. {models}"] == ""
    assert findings[f"av is not installed: clips need it. {video}"] == ""


def test_any_variant_of_opencv_will_do():
    texts = [finding.text for finding in doctor.packages({"opencv-python-headless": "4.9"})]
    assert "opencv-python-headless 4.9" in texts and "opencv-python is not installed" not in texts


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_no_onnxruntime_has_a_cure(monkeypatch, platform):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(doctor.platform, "machine", lambda: "AMD64")
    assert doctor.wheels([]) == Finding("onnxruntime", "is not installed", _pip("install onnxruntime-gpu"))


def test_on_a_mac_the_wheel_is_the_plain_one(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert doctor.wheels([]).cure == _pip("install onnxruntime")


def test_one_wheel_is_well_however_often_it_is_listed():
    finding = doctor.wheels(["onnxruntime-directml", "onnxruntime-directml"])
    assert finding.text == "onnxruntime-directml" and finding.cure == ""


@pytest.mark.parametrize("gpu", ["onnxruntime-gpu", "onnxruntime-directml"])
def test_two_wheels_clash_and_the_cure_removes_both_before_it_installs_one(gpu):
    finding = doctor.wheels([gpu, "onnxruntime"])
    names = " ".join(sorted([gpu, "onnxruntime"]))
    assert "clash" in finding.text
    assert finding.cure.splitlines() == [_pip(f"uninstall -y {names}"), _pip(f"install {gpu}")]


def _torch(cuda: bool, mps: bool = False) -> SimpleNamespace:
    devices = SimpleNamespace(
        is_available=lambda: cuda, device_count=lambda: 2, get_device_name=lambda number: f"card {number}"
    )
    backends = SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps))
    return SimpleNamespace(__version__="2.9", cuda=devices, version=SimpleNamespace(cuda="13.0"), backends=backends)


@pytest.mark.parametrize(
    ("torch", "text"),
    [
        (_torch(cuda=False), "2.9, no CUDA device"),
        (_torch(cuda=False, mps=True), "2.9, MPS"),
        (_torch(cuda=True), "2.9, CUDA 13.0: card 0, card 1"),
    ],
)
def test_torch_and_its_devices_are_told(monkeypatch, torch, text):
    monkeypatch.setattr(doctor, "find_spec", lambda name: name)
    monkeypatch.setattr(doctor, "import_module", lambda name: torch)
    assert doctor.torch_state() == (Finding("torch", text), "CUDA 13" in text)


def test_without_torch_all_is_well(monkeypatch):
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    finding, sees_cuda = doctor.torch_state()
    assert not finding.cure and not sees_cuda
    assert finding.text.endswith(_pip('install "multifaceswap[models]"'))


def test_a_torch_that_cannot_be_loaded_has_a_cure(monkeypatch):
    def broken(name):
        raise OSError("libcudart is missing")

    monkeypatch.setattr(doctor, "find_spec", lambda name: name)
    monkeypatch.setattr(doctor, "import_module", broken)
    finding, _ = doctor.torch_state()
    assert finding.text == "can't be loaded: libcudart is missing" and finding.cure


class _Session:
    """Runs on `running`, whatever is asked for."""

    running = CPU

    def __init__(self, path, device):
        assert path.is_file()
        self.provider = self.running


@pytest.fixture
def cuda_wheel(monkeypatch):
    monkeypatch.setattr(runtime, "available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(runtime, "has_nvidia_driver", lambda: True)
    monkeypatch.setattr(runtime, "Session", _Session)


_MISSING = (
    "Failed to load library libonnxruntime_providers_cuda.so with error: libcudnn.so.9: cannot open shared object file"
)


@pytest.mark.usefixtures("cuda_wheel")
@pytest.mark.parametrize(
    ("said", "reason", "cure"),
    [
        (
            f"[E:onnxruntime] {_MISSING}\n[W] Failed to create CUDAExecutionProvider",
            "the CUDA library libcudnn.so.9 is missing",
            "onnxruntime-gpu[cuda,cudnn]",
        ),
        (
            "RuntimeError: CUDA failure 35: CUDA driver version is insufficient",
            "there is no NVIDIA driver, or it is too old for this CUDA",
            "nvidia.com/drivers",
        ),
        ("\n  something new\n", "something new", "update the driver"),
        ("", "it doesn't say why", "update the driver"),
    ],
)
def test_a_provider_that_does_not_start_is_told_with_the_reason_that_it_gives(monkeypatch, said, reason, cure):
    monkeypatch.setattr(
        programs, "opening_messages", lambda model, providers: said if providers == [CUDA, CPU] else "?"
    )
    asked, running = doctor.providers("auto", False)
    assert asked.text == f"available: {CUDA}, {CPU}; asked for by 'auto': {CUDA}, {CPU}" and not asked.cure
    assert running.text == f"{CPU}: {CUDA} didn't start: {reason}" and cure in running.cure


@pytest.mark.parametrize(
    ("device", "wheel"),
    [("cuda:1", "onnxruntime-gpu"), ("directml", "onnxruntime-directml"), ("coreml", "onnxruntime")],
)
def test_a_device_that_the_installed_onnxruntime_lacks_is_told(monkeypatch, device, wheel):
    monkeypatch.setattr(runtime, "available_providers", lambda: [CPU])
    monkeypatch.setattr(runtime, "has_nvidia_driver", lambda: True)
    finding = list(doctor.providers(device, False))[1]
    assert f"{device} was asked for, but the installed onnxruntime has no" in finding.text
    assert finding.cure == _pip(f"install {wheel}")


@pytest.mark.usefixtures("cuda_wheel")
def test_without_a_driver_the_cpu_is_well_unless_there_is_a_gpu(monkeypatch):
    monkeypatch.setattr(runtime, "has_nvidia_driver", lambda: False)
    monkeypatch.setattr(
        programs, "opening_messages", lambda model, providers: "libcuda.so.1: cannot open shared object file"
    )
    assert list(doctor.providers("auto", False))[1] == Finding("In use", CPU)
    for device, gpu in (("auto", True), ("cuda", True)):
        finding = list(doctor.providers(device, gpu))[1]
        assert finding.text == f"{CPU}: {CUDA} didn't start: there is no NVIDIA driver" and "driver" in finding.cure


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "tensorrt"])
@pytest.mark.parametrize("available", [[CUDA, CPU], [CPU]])
def test_without_an_nvidia_gpu_nothing_is_to_be_installed_for_it(monkeypatch, device, available):
    monkeypatch.setattr(runtime, "available_providers", lambda: available)
    monkeypatch.setattr(runtime, "has_nvidia_driver", lambda: False)
    monkeypatch.setattr(runtime, "Session", _Session)
    monkeypatch.setattr(programs, "opening_messages", lambda model, providers: _MISSING)
    finding = list(doctor.providers(device, False))[1]
    assert finding.text == f"{CPU}: no NVIDIA GPU or driver was found on this machine"
    assert "--device cpu" in finding.cure and "pip install" not in finding.cure


def test_gpus_and_their_driver_are_told(monkeypatch):
    monkeypatch.setattr(programs, "nvidia_gpus", lambda: ["NVIDIA RTX 4090, driver 555.85"])
    assert list(doctor.gpus()) == [Finding("GPU", "NVIDIA RTX 4090, driver 555.85")]


@pytest.mark.usefixtures("cuda_wheel")
def test_a_provider_that_starts_is_well(monkeypatch):
    monkeypatch.setattr(_Session, "running", CUDA)
    assert list(doctor.providers("cuda:1", True))[1] == Finding("In use", CUDA)


@pytest.mark.parametrize(("device", "cure"), [("auto", _pip("install onnxruntime-gpu")), ("cpu", "")])
def test_a_gpu_that_goes_unused_is_told_unless_the_cpu_was_asked_for(monkeypatch, device, cure):
    monkeypatch.setattr(runtime, "available_providers", lambda: [CPU])
    assert list(doctor.providers(device, True))[1].cure == cure
    assert list(doctor.providers(device, False))[1].cure == ""


def test_an_onnxruntime_without_its_files_is_told(monkeypatch):
    def broken():
        raise AttributeError("module 'onnxruntime' has no attribute 'get_available_providers'")

    monkeypatch.setattr(runtime, "available_providers", broken)
    (finding,) = doctor.providers("auto", False)
    assert "get_available_providers" in finding.text and finding.cure == _pip(f"install {doctor._best_wheel()}")


def test_a_model_that_cannot_be_opened_is_told(monkeypatch):
    class Broken:
        def __init__(self, path, device): ...

        @property
        def provider(self):
            raise EngineError("out of memory")

    monkeypatch.setattr(runtime, "Session", Broken)
    running = list(doctor.providers("cpu", False))[1]
    assert running.text == "nothing: out of memory" and running.cure


def test_model_folders_are_listed_once_with_those_that_do_not_exist(tmp_path):
    missing = tmp_path / "missing"
    findings = doctor.searched(Folders({"insightface": [tmp_path], "reswapper": [tmp_path]}, [missing]))
    assert [finding.text for finding in findings] == [str(tmp_path), f"{missing} (no such folder)"]


def test_shipped_weights_are_intact_and_each_is_named_once():
    findings = doctor.weights(Folders({}))
    assert len(findings) == len({finding.text for finding in findings}) >= 5
    assert all(finding.text.endswith(" is intact") and not finding.cure for finding in findings)


def test_a_damaged_and_a_missing_weight_are_told(tmp_path, monkeypatch):
    shutil.copy(store.BUILTIN_PATH / DLIB_GENDER.name, tmp_path)
    with (tmp_path / DLIB_GENDER.name).open("r+b") as file:
        file.write(b"rubbish")
    monkeypatch.setattr(store, "BUILTIN_PATH", tmp_path)
    wrong = [finding for finding in doctor.weights(Folders({})) if finding.cure]
    assert len(wrong) == len(doctor.weights(Folders({})))
    assert sum("was changed or damaged" in finding.text for finding in wrong) == 1
    assert any(f"is missing from {tmp_path}" in finding.text for finding in wrong)


@pytest.mark.parametrize("value", ["", "  ", None])
def test_no_key(value):
    environment = {} if value is None else {set_up.KEY: value}
    assert set_up.key(environment, []).text.startswith("not found")


def test_the_file_of_a_key_is_named(tmp_path):
    (tmp_path / "segmind_api_key.txt").write_text("SG_secret")
    finding = set_up.key({}, [tmp_path])
    assert finding == Finding(set_up.KEY, f"found in the file {tmp_path / 'segmind_api_key.txt'}")


def test_what_is_no_key_is_told_with_its_cure():
    finding = set_up.key({set_up.KEY: "two words"}, [])
    assert "expected letters and digits" in finding.text and "two words" not in repr(finding)
    assert "https://cloud.segmind.com/console/api-keys" in finding.cure


def test_a_key_is_told_but_never_shown(monkeypatch):
    monkeypatch.setenv(set_up.KEY, "SG_secret")
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    findings = list(doctor.examine("cpu"))
    assert Finding(set_up.KEY, "found in the environment") in findings
    assert not any("SG_secret" in repr(finding) for finding in findings)


def test_signing_that_is_not_set_up_is_told_and_not_wrong(monkeypatch, tmp_path):
    monkeypatch.setattr("multifaceswap.marking.places.user_config_path", lambda *_, **__: tmp_path)
    monkeypatch.delenv("MULTIFACESWAP_SIGNING", raising=False)
    finding = set_up.signing()
    assert finding.text.startswith("not set up") and finding.cure == ""


def test_signing_is_tried_and_the_key_never_shown(monkeypatch, tmp_path):
    pytest.importorskip("c2pa")
    _, key = places.set_up(tmp_path, "Ada")
    monkeypatch.setenv("MULTIFACESWAP_SIGNING", str(tmp_path))
    finding = set_up.signing()
    assert (finding.text, finding.cure) == ("results are signed by Ada (es256)", "")
    assert not any(line in repr(finding) for line in key.read_text().splitlines())
    key.unlink()
    finding = set_up.signing()
    assert "private_key.pem" in finding.text and "can't be read" in finding.text and "mark init" in finding.cure


def test_signing_without_its_packages_names_the_extra(monkeypatch, tmp_path):
    for name in ("certificate.pem", "private_key.pem"):
        (tmp_path / name).write_text("PEM")
    monkeypatch.setitem(sys.modules, "c2pa", None)
    finding = set_up.signing(places.Signing(tmp_path / "certificate.pem", tmp_path / "private_key.pem"))
    assert "packages are missing" in finding.text and "multifaceswap[marking]" in finding.cure


def test_where_faces_are_saved_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("MULTIFACESWAP_FACES", str(tmp_path))
    (tmp_path / "Anna.safetensors").write_bytes(b"")
    found = set_up.saved_faces(Folders({}))
    assert (found.text, found.cure) == (f"1 saved face, new ones go into {tmp_path}", "")
