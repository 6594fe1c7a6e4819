"""The target's expression on swapped faces, at the doors."""

from __future__ import annotations

import numpy as np
import pytest
import standins
from multifaceswap import Session
from multifaceswap.pipeline.errors import MissingModelError


@pytest.fixture
def session(tmp_path):
    standins.live_portrait(tmp_path)
    with Session(tmp_path) as session:
        yield session


def test_it_acts_within_the_swapped_face_alone_and_is_reported(session, astronaut, hopper):
    faces, donors = session.detect([astronaut]), session.detect([hopper])
    index_map = session.map(faces, donors)
    plain, moved = (session.swap([astronaut], [hopper], index_map, expression=weight) for weight in (0, 0.5))
    assert plain.report == () or not any("live_portrait" in line for line in plain.report)
    outside = moved.masks[0] == 0
    assert np.array_equal(moved.images[0][outside], astronaut[outside])
    inside = moved.masks[0] > 0.9
    # The stand-in gives one colour; the swapped face's own colours and low frequencies stay.
    away = np.abs(moved.images[0][inside].astype(float) - plain.images[0][inside]).mean(0)
    assert away.max() > 2
    drift = moved.images[0][inside].astype(float).mean(0) - plain.images[0][inside].mean(0)
    assert np.abs(drift).max() < 20


def test_restoration_comes_after_it(session, astronaut, hopper, monkeypatch):
    plan = session.plan("swap", {"expression": 0.3, "face_restore": "sharpen"})
    assert [type(stage).__name__ for stage in session.stages(plan)] == ["SwapExpression", "SwapRestore"]
    assert session.stages(plan)[0].weight == 0.3
    index_map = session.map(session.detect([astronaut]), session.detect([hopper]))
    both = session.swap([astronaut], [hopper], index_map, expression=0.3, face_restore="sharpen")
    assert both.faces.count == 1


def test_without_its_files_it_is_refused_before_any_work(tmp_path):
    with Session(tmp_path) as session, pytest.raises(MissingModelError) as error:
        session.plan("swap", {"expression": 0.1})
    for part in ("feature_extractor", "motion_extractor", "generator"):
        assert f"live_portrait_{part}.onnx" in str(error.value)
