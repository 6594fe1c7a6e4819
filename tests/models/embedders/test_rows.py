"""What rows say of embedders is what embedders do."""

from __future__ import annotations

import pytest
import standins
from multifaceswap.models.catalog import find, names
from multifaceswap.models.pool import ModelPool
from multifaceswap.models.spec import EmbedderParams
from multifaceswap.models.store import Folders


@pytest.mark.parametrize("name", names("embedder"))
def test_saved_identities_are_compared_as_measured_ones(name, tmp_path, astronaut):
    standins.pooled(tmp_path / "w600k_r50.onnx", scale=40)
    pool, known = ModelPool(Folders({}, [tmp_path]), "cpu"), find("embedder", name).params_of(EmbedderParams)
    embedder = pool.embedder(name)
    assert (known.metric, known.same_person) == (embedder.metric, embedder.same_person)
    (measured,) = embedder.embed(astronaut, pool.detector("builtin").detect(astronaut))
    assert measured.vector.shape == (known.numbers,) and measured.model == name
    pool.close()
