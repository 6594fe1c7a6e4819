from __future__ import annotations

import gc
import logging
import sys
import threading
import weakref
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pytest
import standins
from multifaceswap.models.runtime import onnx as runtime
from multifaceswap.models.runtime.devices import CPU, CUDA
from multifaceswap.models.runtime.onnx import Session
from multifaceswap.models.runtime.registry import SessionRegistry
from multifaceswap.pipeline.errors import DamagedModelError, EngineError


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return standins.swapper(
        tmp_path_factory.mktemp("models") / "free.onnx", size=32, map_name="", rows="batch", mask=True
    )


@pytest.fixture(scope="module")
def fixed(tmp_path_factory):
    return standins.swapper(tmp_path_factory.mktemp("models") / "one.onnx", size=32, map_name="", mask=True)


def _feeds(rows):
    random = np.random.default_rng(rows)
    return {"target": random.random((rows, 3, 32, 32), np.float32), "source": random.random((rows, 512), np.float32)}


@pytest.mark.parametrize("given", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize(("declared", "exact"), [("FLOAT16", 1e-3), ("FLOAT", 1e-6), ("DOUBLE", 1e-6)])
def test_floats_are_fed_in_the_precision_that_the_graph_declares(tmp_path, declared, exact, given):
    from onnx import TensorProto

    path = standins.restorer(tmp_path / "r.onnx", size=32, element=TensorProto.DataType.Value(declared))
    values = (np.arange(3 * 32 * 32).reshape(1, 3, 32, 32) / 4096).astype(given)
    (found,) = Session(path).run({"input": values}, [(1, 3, 32, 32)])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, values.astype(np.float64) * 0.9 + 0.05, atol=exact)


WANTED = [(3, 32, 32), (1, 32, 32)]
"""What the network gives a row."""


def _wanted(rows):
    return [(rows, *shape) for shape in WANTED]


def _opened(path, device="cpu"):
    opened = Session(path, device)
    opened.open()
    return opened


def test_nothing_is_opened_before_it_is_used(path):
    waiting = Session(path)
    assert not waiting.is_open and waiting.state.provider == "" and runtime.report([_Uses(waiting)]) == []
    waiting.run(_feeds(1), _wanted(1))
    assert waiting.is_open and waiting.size_bytes == path.stat().st_size


def test_a_closed_session_opens_again_and_says_what_ran_it(path):
    closed = _opened(path)
    first = closed.run(_feeds(2), _wanted(2))
    closed.close()
    assert not closed.is_open and closed.state.provider == CPU
    assert all((a == b).all() for a, b in zip(first, closed.run(_feeds(2), _wanted(2)), strict=True))


def test_threads_open_a_session_once(path, monkeypatch):
    made = []
    create = Session._create
    monkeypatch.setattr(Session, "_create", lambda self: made.append(1) or create(self))
    shared, got = Session(path), []
    workers = [threading.Thread(target=lambda: got.append(shared.open())) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(made) == 1 and len({id(opened) for opened in got}) == 1 and len(got) == 8


def test_closing_while_another_thread_runs_harms_nothing(path):
    shared, failed = Session(path), []

    def work():
        try:
            for _ in range(30):
                shared.run(_feeds(1), _wanted(1))
                shared.close()
        except EngineError as error:
            failed.append(error)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failed == []


def test_names_and_shapes_are_the_graphs(path):
    assert Session(path).input_shapes() == {"target": ["batch", 3, 32, 32], "source": ["batch", 512]}
    assert Session(path).output_names() == ["output", "mask"]


@pytest.mark.parametrize(("total", "rows", "runs"), [(1, 4, [1]), (4, 4, [4]), (9, 4, [4, 4, 1])])
def test_batches_are_run_in_parts_where_axes_are_free(path, monkeypatch, total, rows, runs):
    seen = []
    run = Session.run
    monkeypatch.setattr(
        Session,
        "run",
        lambda self, feeds, *wanted, **more: (seen.append(len(feeds["target"])), run(self, feeds, *wanted, **more))[1],
    )
    feeds = _feeds(total)
    image, mask = Session(path).run_batched(feeds, WANTED, rows=rows)
    assert seen == runs and image.shape == (total, 3, 32, 32) and mask.shape == (total, 1, 32, 32)
    whole = run(Session(path), feeds, _wanted(total))
    assert np.abs(image - whole[0]).max() < 1e-6 and np.array_equal(mask, whole[1])


def test_batches_are_run_one_by_one_where_the_graph_is_made_for_one(path, fixed):
    image = Session(fixed).run_batched(_feeds(3), WANTED)[0]
    assert np.abs(image - Session(path).run(_feeds(3), _wanted(3))[0]).max() < 1e-6


def test_wrong_shapes_are_an_engine_error_that_names_the_model(path):
    with pytest.raises(EngineError, match=r"free\.onnx failed on CPUExecutionProvider"):
        Session(path).run({**_feeds(1), "source": np.zeros((1, 3), np.float32)}, _wanted(1))


@pytest.mark.parametrize("content", [b"", b"<html></html>", b"\x08\x08\x12\x05"])
def test_what_is_no_model_is_damaged(tmp_path, content):
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(DamagedModelError, match=r"a\.onnx"):
        Session(tmp_path / "a.onnx").open()


class _Uses:
    def __init__(self, *sessions):
        self.sessions = sessions


def test_the_report_says_what_ran_where_once(path, fixed):
    a, b = _opened(path), _opened(fixed)
    assert runtime.report([_Uses(a, b), _Uses(a), object()]) == ["free.onnx, one.onnx run on CPU"]


def test_a_device_that_is_not_installed_is_told_and_the_cpu_runs(path, caplog):
    with caplog.at_level(logging.WARNING):
        missing = _opened(path, "migraphx")
    line = (
        "free.onnx runs on CPU (migraphx was asked for, but the installed onnxruntime has no MIGraphXExecutionProvider)"
    )
    assert runtime.report([_Uses(missing)]) == [line] and caplog.messages == [line]


@pytest.fixture
def no_gpu(monkeypatch):
    """An onnxruntime with CUDA, on a machine whose driver is too old."""
    create = onnxruntime.InferenceSession
    tried = []

    def start(path, options, *, providers, enable_fallback):
        tried.append([name for name, _ in providers])
        if providers[0][0] == CUDA:
            raise RuntimeError("CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version ; GPU=0")
        return create(path, options, providers=providers, enable_fallback=enable_fallback)

    monkeypatch.setattr(runtime, "available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(runtime, "has_nvidia_driver", lambda: True)
    monkeypatch.setattr(runtime, "_prepare", lambda providers: None)
    monkeypatch.setattr(onnxruntime, "InferenceSession", start)
    return tried


@pytest.mark.parametrize("device", ["auto", "cuda", "cuda:1"])
def test_a_provider_that_does_not_start_gives_way_and_says_why(path, no_gpu, device):
    opened = _opened(path, device)
    assert no_gpu == [[CUDA, CPU], [CPU]] and opened.provider == CPU
    assert opened.state.why == (
        "CUDAExecutionProvider didn't start: there is no NVIDIA driver, or it is too old for this CUDA; "
        f"`multifaceswap doctor --device {device}` says what to do"
    )
    assert opened.run(_feeds(1), _wanted(1))[0].shape == (1, 3, 32, 32)


def test_auto_does_not_try_cuda_without_a_driver_and_finds_nothing_wrong(path, no_gpu, monkeypatch):
    monkeypatch.setattr(runtime, "has_nvidia_driver", lambda: False)
    assert _opened(path, "auto").state.why == "" and no_gpu == [[CPU]]
    assert "didn't start" in _opened(path, "cuda").state.why and no_gpu[1:] == [[CUDA, CPU], [CPU]]


def test_cuda_libraries_of_other_wheels_are_made_known_once_and_quietly(monkeypatch, capsys):
    calls = []

    def preload():
        calls.append(1)
        sys.stdout.write("Failed to load libcublasLt.so.12")

    monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace(preload_dlls=preload))
    runtime._prepare.cache_clear()
    for providers in ((CPU,), (CUDA, CPU), (CUDA, CPU)):
        runtime._prepare(providers)
    runtime._prepare.cache_clear()
    assert calls == [1] and capsys.readouterr().out == ""


def test_a_file_has_one_session_a_device_while_it_is_in_use(path, fixed):
    networks = SessionRegistry("cpu")
    session = networks.session(path)
    assert networks.session(path) is session is not networks.session(fixed)
    assert SessionRegistry("auto").session(path).device == "auto"
    gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None


def test_what_fails_in_a_run_is_said_once(tmp_path, capfd):
    onnx = pytest.importorskip("onnx")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    shape = helper.make_tensor("s", onnx.TensorProto.INT64, [2], [7, 7])
    ports = [helper.make_tensor_value_info(name, kind, None) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Reshape", ["x", "s"], ["y"])], "g", ports[:1], ports[1:], [shape])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(tmp_path / "a.onnx"))
    with pytest.raises(EngineError, match=r"a\.onnx failed on CPUExecutionProvider"):
        Session(tmp_path / "a.onnx").run({"x": np.zeros(5, np.float32)}, [(7, 7)])
    assert capfd.readouterr() == ("", "")
