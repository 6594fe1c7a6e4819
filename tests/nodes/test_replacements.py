"""What is offered in place of other packs' nodes fits this pack's own."""

from __future__ import annotations

import asyncio
import sys
import types

import pytest

torch = pytest.importorskip("torch")


@pytest.fixture
def offered(comfy, monkeypatch):
    """The replacements that ComfyUI is told of."""
    module = comfy.module("nodes.replacements")
    taken = []

    class Replace:
        def __init__(self, **texts):
            taken.append(texts)

    class Api:
        class node_replacement:
            @staticmethod
            async def register(replace):
                assert isinstance(replace, Replace)

    monkeypatch.setattr(module.io, "NodeReplace", Replace, raising=False)
    served = types.SimpleNamespace(PromptServer=types.SimpleNamespace(instance=object()))
    monkeypatch.setitem(sys.modules, "server", served)
    import comfy_api.latest

    monkeypatch.setattr(comfy_api.latest, "ComfyAPI", Api, raising=False)
    asyncio.run(module.register())
    return taken


def test_inputs_and_outputs_are_there(comfy, offered):
    (one,) = offered
    schema = comfy.module("nodes.face_restore").FaceRestore.define_schema()
    assert one["new_node_id"] == schema.node_id
    inputs = {given.id for given in schema.inputs}
    assert {mapped["new_id"] for mapped in one["input_mapping"]} <= inputs
    old = {"image", *one["old_widget_ids"]}
    assert {mapped["old_id"] for mapped in one["input_mapping"]} == old
    for mapped in one["output_mapping"]:
        assert schema.outputs[mapped["new_idx"]].get_io_type() == "IMAGE"


def test_where_the_host_knows_none_nothing_is_done(comfy, monkeypatch):
    module = comfy.module("nodes.replacements")
    monkeypatch.delattr(module.io, "NodeReplace", raising=False)
    asyncio.run(module.register())
