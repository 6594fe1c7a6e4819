from __future__ import annotations

import numpy as np
import pytest
import standins
from multifaceswap.models.runtime.onnx_file import read_initializer, read_ports
from multifaceswap.pipeline.errors import DamagedModelError
from onnx import TensorProto, helper, load, numpy_helper, save

SHAPE = (512, 512)
NAMES = ("buff2fs", "emap")


def _stored(path, name):
    return next(numpy_helper.to_array(t) for t in load(str(path)).graph.initializer if t.name == name)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_is_found_by_its_name_wherever_it_stands(tmp_path, name):
    path = standins.swapper(tmp_path / "a.onnx", map_name=name, extra_tables=2)
    table = read_initializer(path, SHAPE, NAMES)
    assert table.dtype == np.float32 and np.array_equal(table, _stored(path, name))


def test_without_a_known_name_it_is_the_last_of_its_shape(tmp_path):
    path = standins.swapper(tmp_path / "a.onnx", map_name="table", extra_tables=2)
    assert np.array_equal(read_initializer(path, SHAPE, NAMES), _stored(path, "other1"))


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE])
@pytest.mark.parametrize("raw", [True, False])
def test_tables_of_several_kinds_and_forms_are_read(tmp_path, kind, raw):
    values = np.arange(6, dtype=np.float32).reshape(2, 3) / 4
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    data = values.astype(dtype).tobytes() if raw else values.ravel()
    model = load(str(standins.swapper(tmp_path / "a.onnx", map_name="")))
    if kind != TensorProto.FLOAT and not raw:
        raw, data = True, values.astype(dtype).tobytes()
    model.graph.initializer.append(helper.make_tensor("emap", kind, values.shape, data, raw=raw))
    save(model, str(tmp_path / "b.onnx"))
    table = read_initializer(tmp_path / "b.onnx", (2, 3), NAMES)
    assert table.dtype == np.float32 and np.array_equal(table, values)


def test_a_file_without_such_a_table_is_another_model(tmp_path):
    path = standins.swapper(tmp_path / "a.onnx", map_name="")
    with pytest.raises(DamagedModelError, match=r"a\.onnx holds no table of \(512, 512\)"):
        read_initializer(path, SHAPE, NAMES)


@pytest.mark.parametrize("share", [0.3, 0.99, 0.99999])
def test_a_file_cut_short_is_said_to_be(tmp_path, share):
    whole = standins.swapper(tmp_path / "a.onnx").read_bytes()
    (tmp_path / "b.onnx").write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(DamagedModelError, match=r"b\.onnx is cut short"):
        read_initializer(tmp_path / "b.onnx", SHAPE, NAMES)


def test_a_number_has_at_most_ten_bytes(tmp_path):
    (tmp_path / "a.onnx").write_bytes(b"\x08" + b"\xff" * 9 + b"\x01")
    with pytest.raises(DamagedModelError, match="it gives nothing"):
        read_ports(tmp_path / "a.onnx")
    (tmp_path / "a.onnx").write_bytes(b"\x08" + b"\xff" * 1000)
    with pytest.raises(DamagedModelError, match="a number without an end at byte 1"):
        read_ports(tmp_path / "a.onnx")


@pytest.mark.parametrize("content", [b"<!DOCTYPE html><html>404</html>", b"", bytes(range(256))])
def test_what_is_no_onnx_file_is_damaged(tmp_path, content):
    (tmp_path / "a.onnx").write_bytes(content)
    with pytest.raises(DamagedModelError, match=r"a\.onnx"):
        read_initializer(tmp_path / "a.onnx", SHAPE, NAMES)
