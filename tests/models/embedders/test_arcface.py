from __future__ import annotations

import numpy as np
import pytest
import recipe
import standins
from multifaceswap import open_model
from multifaceswap.pipeline.errors import DamagedModelError
from multifaceswap.pipeline.types import Face


@pytest.fixture
def embedder(tmp_path):
    standins.pooled(tmp_path / "insightface/models/buffalo_l/w600k_r50.onnx")
    return open_model("embedder", "w600k_r50", folders=[tmp_path])


def test_no_faces_no_embeddings(embedder):
    assert embedder.embed(np.zeros((9, 9, 3), np.uint8), []) == []


def test_embeddings_are_those_of_face_analysis(embedder):
    vectors = recipe.vectors("standin_faces")
    faces = [Face(vectors[f"face{i}.bbox"], vectors[f"face{i}.kps"], 1.0) for i in range(3)]
    found = embedder.embed(vectors["image_bgr_u8"][..., ::-1], faces)
    for number, embedding in enumerate(found):
        wanted = vectors[f"face{number}.embedding"]
        vector = embedding.vector
        cosine = vector @ wanted / np.linalg.norm(vector) / np.linalg.norm(wanted)
        # It cuts crops in whole grey levels and doesn't average when it shrinks a face.
        assert cosine > 0.999 and embedding.model == "w600k_r50", number


def test_another_network_is_refused(tmp_path):
    standins.pooled(tmp_path / "w600k_r50.onnx", numbers=3)
    with pytest.raises(DamagedModelError, match=r"w600k_r50: expected one that gives \?×512, .* \?×3"):
        open_model("embedder", "w600k_r50", folders=[tmp_path])
