"""Saved workflows hold node ids, setting names, their order, defaults and ranges: this snapshot guards them.

A difference is a decision: new optional settings at the end are fine, anything else breaks workflows. Once decided, run
this test with MULTIFACESWAP_SNAPSHOT=1 to write the snapshot anew.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

SNAPSHOT = Path(__file__).parent / "interface.json"
MARK = " (not installed)"


def describe(given):
    facts = {"type": given.get_io_type(), "optional": bool(given.optional)}
    for name in ("default", "min", "max", "step"):
        if getattr(given, name, None) is not None:
            facts[name] = getattr(given, name)
    if isinstance(facts.get("default"), str):
        facts["default"] = facts["default"].removesuffix(MARK)
    if getattr(given, "options", None) is not None:
        facts["options"] = [option.removesuffix(MARK) for option in given.options]
    return facts


def interface(schema):
    return {
        "inputs": {given.id: describe(given) for given in schema.inputs},
        "outputs": {given.id: given.get_io_type() for given in schema.outputs},
    }


def test_the_public_interface_is_the_snapshot(comfy):
    found = {node_id: interface(schema) for node_id, schema in comfy.schemas().items()}
    if os.environ.get("MULTIFACESWAP_SNAPSHOT"):
        SNAPSHOT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    held = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    assert {name: list(node["inputs"]) for name, node in found.items()} == {
        name: list(node["inputs"]) for name, node in held.items()
    }
    assert found == held


def test_what_the_design_promises_holds(comfy):
    schemas = comfy.schemas()
    outputs = {
        "MFS_FaceDetect": ["faces", "preview", "mask", "bboxes", "count", "report"],
        "MFS_FaceOrder": ["faces", "rest", "preview", "count"],
        "MFS_IndexMap": ["index_map", "preview", "report", "count"],
        "MFS_SwapFaces": ["image", "faces", "mask", "report"],
        "MFS_FaceRestore": ["image", "mask", "report"],
        "MFS_CropFaces": ["crops", "mask", "crop_data", "report"],
        "MFS_PasteFaces": ["image", "mask", "report"],
    }
    for node_id, names in outputs.items():
        assert [given.id for given in schemas[node_id].outputs] == names


def test_folded_settings_are_optional(comfy):
    for schema in comfy.schemas().values():
        for given in schema.inputs:
            assert given.optional or not getattr(given, "advanced", False)


def test_what_a_node_shows_comes_again_from_the_cache(comfy):
    """ComfyUI sends what a cached node showed to a page that was loaded anew only where the schema asks for it."""
    schemas = comfy.schemas().values()
    if not any(hasattr(schema, "has_intermediate_output") for schema in schemas):
        pytest.skip("this ComfyUI sends nothing again")
    assert all(schema.has_intermediate_output for schema in schemas)
