from __future__ import annotations

import numpy as np
import pytest
import standins
from multifaceswap import open_model
from multifaceswap.models.runtime import onnx
from multifaceswap.models.runtime.devices import CPU, CUDA
from multifaceswap.pipeline.errors import DamagedModelError
from multifaceswap.pipeline.geometry import transform_points
from multifaceswap.pipeline.templates import ARCFACE_128, FFHQ_512
from multifaceswap.pipeline.types import Face
from onnx import TensorProto


def crops(count=1, side=512):
    random = np.random.RandomState(5)
    return [random.rand(side, side, 3).astype(np.float32) for _ in range(count)]


def restored(crop, weight=1.0):
    """What the stand-in gives, in [0, 1]: 0.9·x + 0.05·weight on x in [-1, 1]."""
    return np.clip(((crop * 2 - 1) * 0.9 + 0.05 * weight + 1) / 2, 0, 1)


@pytest.mark.parametrize("side", [512, 1024])
def test_gpen_restores_and_its_weight_is_the_share(tmp_path, side):
    name = f"GPEN-BFR-{side}.onnx"
    standins.restorer(tmp_path / name, size=side)
    restorer = open_model("restorer", name, folders=[tmp_path])
    assert (restorer.spec.size, restorer.fidelity, restorer.batch) == (side, False, 1)
    face = Face((0, 0, 9, 9), FFHQ_512 * 256 + 40, 1.0)
    matrix, size = restorer.place(face)
    assert size == (side, side)
    np.testing.assert_allclose(transform_points(matrix, face.landmarks + 0.5), FFHQ_512 * side + 0.5, atol=1e-3)
    (crop,) = crops(side=side)
    for weight in (0.0, 0.25, 1.0):
        (found,) = restorer.restore([crop], weight)
        np.testing.assert_allclose(found, crop + (restored(crop) - crop) * weight, atol=1e-6)


def test_gpens_small_network_has_an_alignment_of_its_own(tmp_path):
    standins.restorer(tmp_path / "gpen_bfr_256.onnx", size=256)
    restorer = open_model("restorer", "gpen_bfr_256.onnx", folders=[tmp_path])
    matrix, size = restorer.place(Face((0, 0, 9, 9), ARCFACE_128 * 256 + 40, 1.0))
    assert size == (256, 256)
    np.testing.assert_allclose(transform_points(matrix, ARCFACE_128 * 256 + 40.5), ARCFACE_128 * 256 + 0.5, atol=1e-3)
    (crop,) = crops(side=256)
    np.testing.assert_allclose(restorer.restore([crop], 1.0)[0], restored(crop), atol=1e-6)


@pytest.mark.parametrize("kind", ["double", "float"])
def test_an_exported_codeformer_takes_the_weight_itself(tmp_path, kind):
    standins.restorer(tmp_path / "codeformer.onnx", weight=kind)
    restorer = open_model("restorer", "codeformer.onnx", folders=[tmp_path])
    assert restorer.fidelity and restorer.batch == 1
    for weight in (0.0, 0.75, 1.0):
        for crop, found in zip(crops(2), restorer.restore(crops(2), weight), strict=True):
            np.testing.assert_allclose(found, restored(crop, weight), atol=1e-6)


@pytest.mark.parametrize("rows", [1, "n"])
def test_any_number_of_crops_in_order(tmp_path, rows):
    standins.restorer(tmp_path / "any.onnx", size=128, rows=rows)
    restorer = open_model("restorer", "any.onnx", folders=[tmp_path])
    given = crops(3, 128)
    for crop, found in zip(given, restorer.restore(given, 1.0), strict=True):
        np.testing.assert_allclose(found, restored(crop), atol=1e-6)


@pytest.mark.parametrize(("rows", "driver", "at_once"), [("n", True, 4), ("n", False, 1), (1, True, 1)])
def test_a_free_batch_axis_is_used_on_a_device_of_its_own(tmp_path, monkeypatch, rows, driver, at_once):
    monkeypatch.setattr(onnx, "available_providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnx, "has_nvidia_driver", lambda: driver)
    standins.restorer(tmp_path / "any.onnx", size=128, rows=rows)
    assert open_model("restorer", "any.onnx", folders=[tmp_path], device="cuda").batch == at_once


def test_half_precision_graphs_get_halves_and_give_single_precision(tmp_path):
    standins.restorer(tmp_path / "half.onnx", size=128, element=TensorProto.FLOAT16)
    (found,) = open_model("restorer", "half.onnx", folders=[tmp_path]).restore(crops(1, 128), 1.0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, restored(crops(1, 128)[0]), atol=2e-3)


def test_the_first_of_several_outputs_is_the_picture(tmp_path):
    shapes = ((1, 3, 128, 128), (1, 3, 128, 128))
    standins.restorer(tmp_path / "RestoreFormer_PP.onnx", size=128, outputs=shapes)
    (found,) = open_model("restorer", "RestoreFormer_PP.onnx", folders=[tmp_path]).restore(crops(1, 128), 1.0)
    np.testing.assert_allclose(found, restored(crops(1, 128)[0]), atol=1e-6)


def test_the_file_is_checked_before_and_opened_at_first_use(tmp_path):
    standins.restorer(tmp_path / "GPEN-BFR-512.onnx", size=128)
    restorer = open_model("restorer", "GPEN-BFR-512.onnx", folders=[tmp_path])
    assert not restorer.session.is_open and restorer.sessions == (restorer.session,)
    whole = (tmp_path / "GPEN-BFR-512.onnx").read_bytes()
    (tmp_path / "GPEN-BFR-512.onnx").write_bytes(whole[:-20])
    with pytest.raises(DamagedModelError, match=r"GPEN-BFR-512\.onnx"):
        open_model("restorer", "GPEN-BFR-512.onnx", folders=[tmp_path])
