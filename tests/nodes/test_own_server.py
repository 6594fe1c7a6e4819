"""The hosted swap's node against a server of this machine: the same picture as the local nodes give."""

from __future__ import annotations

import pytest
from wiring import detect, order, pairs, swap

pytest.importorskip("torch")
pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
pytest.importorskip("sqlalchemy")
pytest.importorskip("prometheus_client")

import torch
from serverworld import serving

NODE = "MFS_RemoteSegmindSwap"


@pytest.fixture(scope="module")
def site(session, tmp_path_factory):
    """Its own detector stands in for those of the hosted API, one of which the node always names."""
    with serving(tmp_path_factory.mktemp("site"), session, substitute=True) as site:
        yield site


@pytest.fixture
def remote(comfy, graph, site, monkeypatch, tmp_path):
    monkeypatch.setenv("SEGMIND_API_KEY", "any-key-of-some-length")
    monkeypatch.setenv("SEGMIND_BASE_URL", f"{site.url}/v1")
    monkeypatch.setenv("MULTIFACESWAP_STATE", str(tmp_path / "state"))
    inputs = comfy.schemas()[NODE].inputs
    widgets = {each.id: each.default for each in inputs if each.get_io_type() != "IMAGE"}

    def add(target, source, **settings):
        quick = {"poll_interval": 0.1, "timeout": 60.0, "image_format": "png"}
        return graph.add(NODE, source_image=source, target_image=target, **{**widgets, **quick, **settings})

    return add


@pytest.mark.parametrize("mode", ["asynchronous", "synchronous"])
@pytest.mark.parametrize("transport", ["upload", "data-uri"])
@pytest.mark.parametrize(
    ("by", "target", "source", "interpolation"),
    [("large-small", "0", "0", "Bilinear"), ("left-right", "0,1", "1,0", "Lanczos")],
)
def test_picture_is_that_of_the_local_nodes(
    comfy, graph, pair, remote, mode, transport, by, target, source, interpolation
):
    eight_bits = torch.from_numpy(pair.copy()).mul(255).round().div(255)
    given = graph.give(eight_bits)
    faces = order(graph, [detect(graph, given, confidence=0.0), 0], by)
    mapped = pairs(graph, [faces, 0], [faces, 0], target, source)
    local = swap(graph, given, given, [mapped, 0], interpolation=interpolation)
    hosted = remote(
        given, given, mode=mode, transport=transport, interpolation=interpolation, detection_face_order=by,
        input_faces_index=target, source_faces_index=source,
    )  # fmt: skip
    run = comfy.run(graph, local=[local, 0], hosted=[hosted, 0], report=[hosted, 1])
    assert run.error is None
    assert run["hosted"].dtype == torch.float32
    assert torch.equal(run["hosted"].mul(255).round(), run["local"].mul(255).round())
    if (target, source) == ("0,1", "1,0"):
        assert (run["hosted"] - eight_bits).abs().mean() > 0.001
