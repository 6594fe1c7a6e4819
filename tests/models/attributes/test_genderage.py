from __future__ import annotations

import numpy as np
import pytest
import recipe
import standins
from multifaceswap import open_model
from multifaceswap.models.attributes.genderage import square
from multifaceswap.pipeline.errors import DamagedModelError
from multifaceswap.pipeline.types import Face


@pytest.fixture
def model(tmp_path):
    file = tmp_path / "insightface/models/buffalo_l/genderage.onnx"
    standins.pooled(
        file, size=96, numbers=3, name="data", output="fc1", seed=22, scale=0.2, bias=(0, 0, 0.3), normalise=True
    )
    return open_model("attributes", "genderage", folders=[tmp_path])


def faces(vectors):
    return [Face(vectors[f"face{i}.bbox"], vectors[f"face{i}.kps"], 1.0) for i in range(3)]


def test_no_faces_no_answers(model):
    assert model.genders(np.zeros((9, 9, 3), np.uint8), []) == []


def test_answers_are_those_of_face_analysis(model):
    vectors = recipe.vectors("standin_faces")
    picture = vectors["image_bgr_u8"][..., ::-1]
    wanted = ["male" if vectors[f"face{i}.gender"] else "female" for i in range(3)]
    assert model.genders(picture, faces(vectors)) == wanted


def test_squares_are_insightfaces():
    vectors = recipe.vectors("align")
    for box, matrix in zip(vectors["bbox"], vectors["transform_M_96"], strict=True):
        found, size = square(Face(box, np.zeros((5, 2)), 1.0))
        assert size == (96, 96)
        # The vectors' matrices count from pixel middles.
        centred = found[:, :2] @ [0.5, 0.5] + found[:, 2] - 0.5
        np.testing.assert_allclose(np.c_[found[:, :2], centred], matrix, atol=1e-5)


def test_another_network_is_refused(tmp_path):
    standins.pooled(tmp_path / "genderage.onnx", size=112)
    with pytest.raises(DamagedModelError, match=r"genderage: expected one that takes \?×3×96×96, .* \?×3×112×112"):
        open_model("attributes", "genderage", folders=[tmp_path])
