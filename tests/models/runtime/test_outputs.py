"""What networks give is checked behind every run, whoever runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import spoiling
import standins
from multifaceswap.models.runtime.onnx import Session
from multifaceswap.models.runtime.outputs import Origin, require_outputs, require_possible
from multifaceswap.pipeline.errors import DamagedModelError, EngineError, NotFiniteError

ORIGIN = Origin(Path("a.onnx"), "CPU")
FEEDS = {"target": np.full((1, 3, 32, 32), 0.5, np.float32), "source": np.ones((1, 512), np.float32)}
WANTED = [(1, 3, 32, 32), (1, 1, 32, 32)]


@pytest.fixture
def path(tmp_path):
    return standins.swapper(tmp_path / "a.onnx", size=32, map_name="", mask=True)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_of_the_wanted_shapes_pass_as_float32(dtype):
    given = [np.ones((2, 3), dtype), np.zeros((0, 5), dtype)]
    one, other = require_outputs(given, [(2, None), (None, 5)], ORIGIN)
    assert one.dtype == other.dtype == np.float32 and one.tolist() == [[1] * 3] * 2 and other.shape == (0, 5)


def test_outputs_in_any_order_are_sorted_by_their_shapes_with_or_without_a_batch_axis():
    a, b, c = (np.full((length, width), length, np.float32) for length, width in ((4, 1), (2, 1), (4, 3)))
    wanted = [(4, 3), (4, 1), (2, 1)]
    for given in ([a, b, c], [c, b, a], [b[None], c[None], a[None]]):
        found = require_outputs(given, wanted, ORIGIN, any_order=True)
        assert all(np.array_equal(*pair) for pair in zip(found, (c, a, b), strict=True))
    with pytest.raises(DamagedModelError, match=r"expected it to give 4×3, 4×1, 2×1, got 4×1, 2×1\."):
        require_outputs([a, b], wanted, ORIGIN, any_order=True)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "got nothing"),
        ([np.float32(1)], "expected it to give floats, got float32"),
        ([np.array(1, np.float32)], "expected it to give 1×2, got one number"),
        ([np.zeros((2, 1), np.float32)], "expected it to give 1×2, got 2×1"),
        ([np.zeros((1, 2), np.int64)], "expected it to give floats, got int64"),
        ([np.array([["a", "b"]], object)], "expected it to give floats, got texts"),
        ([[1.0, 2.0]], "expected it to give floats, got list"),
        ([None], "expected it to give floats, got NoneType"),
    ],
)
def test_anything_else_is_another_network(given, told):
    with pytest.raises(DamagedModelError, match=rf"^a\.onnx holds another network .*{told}\b"):
        require_outputs(given, [(1, 2)], ORIGIN)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 1e300])
def test_what_is_no_number_is_said_with_what_helps_there(odd):
    given = np.zeros((1, 9))
    given[0, 4] = odd
    with pytest.raises(NotFiniteError, match=r"^a\.onnx gave NaN or infinity on CPU: its file is damaged or"):
        require_outputs([given], [(1, 9)], ORIGIN)
    with pytest.raises(NotFiniteError, match=r"on cuda:0, often an overflow of half precision: choose --device cpu"):
        require_outputs([given], [(1, 9)], Origin(Path("a.onnx"), "cuda:0"))


@pytest.mark.parametrize("how", spoiling.NUMBERS)
@pytest.mark.parametrize("output", [0, 1])
def test_sessions_tell_numbers_that_are_none(path, how, output):
    spoiling.spoil(path, how, output=output)
    with pytest.raises(NotFiniteError):
        Session(path).run(FEEDS, WANTED)


@pytest.mark.parametrize("how", [*spoiling.SHAPES, *spoiling.TYPES])
@pytest.mark.parametrize("declared", [False, True])
def test_sessions_tell_other_shapes_and_types(path, how, declared):
    spoiling.spoil(path, how, declared=declared)
    # onnxruntime itself refuses a graph that says one type and gives another.
    with pytest.raises(EngineError if declared and how in spoiling.TYPES else DamagedModelError, match=r"a\.onnx"):
        Session(path).run(FEEDS, WANTED)


def test_outputs_too_many_are_not_asked_for_and_too_few_are_told(path):
    spoiling.add_output(path)
    assert [array.shape for array in Session(path).run(FEEDS, WANTED)] == WANTED
    (mask,) = Session(path).run(FEEDS, WANTED[1:], names=["mask"])
    assert mask.shape == WANTED[1]
    spoiling.drop_output(spoiling.drop_output(path, 2), 1)
    with pytest.raises(DamagedModelError, match=r"expected it to give 1×3×32×32, 1×1×32×32, got 1×3×32×32\."):
        Session(path).run(FEEDS, WANTED)


def test_what_is_known_before_a_run_is_refused_before_it(path, monkeypatch):
    spoiling.spoil(path, "huge")
    session = Session(path)
    monkeypatch.setattr(Session, "_guarded", lambda *_: pytest.fail("it was run"))
    with pytest.raises(DamagedModelError, match="expected it to give 1×3×32×32, got 1×3×5024×5024"):
        session.run(FEEDS, WANTED)


def test_axes_that_are_free_or_of_batches_may_be_said_as_they_like():
    require_possible([["n", 3, None, 8], [1, 512], []], [(4, 3, 8, 8), (4, 512), (7,)], ORIGIN)
    with pytest.raises(DamagedModelError, match="expected it to give 4×512, got 4×128"):
        require_possible([[4, 128]], [(4, 512)], ORIGIN)


def test_an_input_that_is_not_fed_is_the_projects_error(path):
    with pytest.raises(EngineError, match=r"a\.onnx failed on CPUExecutionProvider"):
        Session(path).run({"target": FEEDS["target"]}, WANTED)


def test_torch_networks_are_checked_alike(tmp_path):
    torch = pytest.importorskip("torch")
    from multifaceswap.models.runtime.torch import TorchNetwork

    layer = torch.nn.Conv2d(3, 2, 1)
    for name, odd in (("good", 0.5), ("nan", float("nan"))):
        torch.nn.init.constant_(layer.bias, odd)
        torch.save(layer.state_dict(), tmp_path / f"{name}.pth")
    good, spoilt = (
        TorchNetwork(tmp_path / f"{name}.pth", lambda: torch.nn.Conv2d(3, 2, 1), what="it") for name in ("good", "nan")
    )
    images = np.zeros((1, 3, 4, 5), np.float32)
    assert good.run(images, [(1, 2, 4, 5)])[0].shape == (1, 2, 4, 5)
    with pytest.raises(DamagedModelError, match=r"good\.pth .*expected it to give 1×3×4×5, got 1×2×4×5"):
        good.run(images, [images.shape])
    with pytest.raises(NotFiniteError, match=r"nan\.pth gave NaN or infinity on cpu: its file is damaged"):
        spoilt.run(images, [(1, 2, 4, 5)])
