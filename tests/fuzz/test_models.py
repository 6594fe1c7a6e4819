"""A model file, whatever became of it, is opened or one of the project's own errors, and nothing in it is ever run."""

from __future__ import annotations

import io
import os
import pickle
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import standins
from hypothesis import given
from hypothesis import strategies as st
from multifaceswap.models.restorers import contents
from multifaceswap.models.runtime.checkpoints import load_state
from multifaceswap.models.runtime.onnx import Session
from multifaceswap.models.runtime.onnx_file import read_initializer, read_ports
from multifaceswap.models.swappers.network import SwapNetwork
from multifaceswap.pipeline.errors import DamagedModelError, EngineError, ModelError
from mutations import mutated, tries

pytestmark = pytest.mark.filterwarnings("ignore:Detected pickle protocol")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("models")


def _graphs() -> dict[str, bytes]:
    """Small ones: no table of 512 × 512."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.onnx"
        made = {
            "restorer": partial(standins.restorer, size=128, weight="double"),
            "swapper": partial(standins.swapper, map_name=""),
            "pooled": partial(standins.pooled, numbers=4),
            "scrfd": standins.scrfd,
        }
        return {name: make(path).read_bytes() for name, make in made.items()}


@pytest.fixture(scope="module")
def checkpoints():
    torch = pytest.importorskip("torch")
    weights = {"conv.weight": torch.arange(6.0).reshape(2, 3), "conv.bias": torch.zeros(2, dtype=torch.float16)}
    made = {}
    for name, content in {"bare": weights, "container": {"params_ema": weights, "epoch": 3}}.items():
        for zipped in (True, False):
            buffer = io.BytesIO()
            torch.save(content, buffer, _use_new_zipfile_serialization=zipped)
            made[f"{name} {zipped}"] = buffer.getvalue()
    save = pytest.importorskip("safetensors.torch").save
    return {**made, "safetensors": save(weights)}


def _reading(path: Path):
    """Ways of reading a graph without opening it."""
    yield lambda: read_ports(path)
    yield lambda: read_initializer(path, (2, 3), ("W",))
    yield lambda: SwapNetwork.of(Session(path), 128)


@tries(400)
@given(mutated(_graphs()))
def test_damaged_graphs_are_read_or_said_to_be_damaged(folder, data):
    path = folder / "a.onnx"
    path.write_bytes(data)
    contents.look(path)
    for read in _reading(path):
        try:
            read()
        except DamagedModelError as error:
            assert str(path) in str(error)


@tries(150)
@given(mutated(_graphs()))
def test_damaged_graphs_run_or_end_in_the_projects_errors(folder, data):
    path = folder / "b.onnx"
    path.write_bytes(data)
    session = Session(path, threads=1)
    try:
        shapes = session.input_shapes()
        if all(isinstance(side, int) and side < 600 for shape in shapes.values() for side in shape[1:]):
            feeds = {name: np.zeros([1, *shape[1:]], np.float32) for name, shape in shapes.items()}
            for made in session.run(feeds, [(None,) * 4] * len(session.output_names())):
                assert made.dtype == np.float32 and np.isfinite(made).all()
    except (ModelError, EngineError) as error:
        assert len(str(error)) < 2000


@tries(200)
@given(data=st.data())
def test_damaged_checkpoints_are_weights_or_said_to_be_damaged(folder, checkpoints, data):
    path = folder / "a.pth"
    path.write_bytes(data.draw(mutated(checkpoints)))
    contents.look(path)
    try:
        state = load_state(path)
    except DamagedModelError as error:
        assert str(path) in str(error)
    else:
        assert all(isinstance(name, str) for name in state)


class Asked:
    """Pickled, it asks for a function of its choice to be called when the file is opened."""

    def __init__(self, function, arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


_CALLS = st.sampled_from([Path.mkdir, Path.touch, exec, eval, open, getattr, os.system])


@tries(60)
@given(_CALLS, st.integers(0, 4), st.integers(0, 3), st.booleans())
def test_nothing_that_a_checkpoint_asks_for_is_run(folder, function, protocol, depth, zipped):
    torch = pytest.importorskip("torch")
    path, trap = folder / "c.pth", folder / "trap"
    code = f"open({str(trap)!r}, 'w')"
    arguments = {
        open: (str(trap), "w"),
        exec: (code,),
        eval: (code,),
        Path.mkdir: (trap,),
        Path.touch: (trap,),
        os.system: (f"touch '{trap}'",),
    }
    content: object = Asked(function, arguments.get(function, ("os",)))
    for _ in range(depth):
        content = {"params": content, "weight": torch.zeros(1)}
    if zipped:
        torch.save(content, path, pickle_protocol=max(protocol, 2))
    else:
        path.write_bytes(pickle.dumps(content, protocol))
    contents.look(path)
    with pytest.raises(DamagedModelError):
        load_state(path)
    assert not trap.exists()
