"""The blueprints: written by the script, whole, and what is inside runs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from harness import ROOT

torch = pytest.importorskip("torch")
FOLDER = ROOT / "subgraphs"
NAMES = [file.stem for file in sorted(FOLDER.glob("*.json"))]
OUTSIDE = {-10, -20}


def read(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def parts(name):
    """The node on the canvas and the graph inside."""
    content = read(name)
    (outer,), (inner,) = content["nodes"], content["definitions"]["subgraphs"]
    assert outer["type"] == inner["id"]
    return outer, inner


def test_the_files_are_what_the_script_writes():
    code = "import json, make_subgraphs; print(json.dumps(make_subgraphs.blueprints()))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "scripts", capture_output=True, text=True, check=True)
    assert {name: read(name) for name in NAMES} == json.loads(run.stdout)
    assert set(NAMES) == {"Swap Faces (local)", "Swap Faces (Segmind)", "Swap Faces in Video"}


@pytest.mark.parametrize("name", NAMES)
def test_links_join_what_they_name(name):
    _, inner = parts(name)
    nodes = {node["id"]: node for node in inner["nodes"]}
    for link in inner["links"]:
        origin = inner["inputs"] if link["origin_id"] == -10 else nodes[link["origin_id"]]["outputs"]
        target = inner["outputs"] if link["target_id"] == -20 else nodes[link["target_id"]]["inputs"]
        start, end = origin[link["origin_slot"]], target[link["target_slot"]]
        assert link["id"] in (start.get("linkIds") or start.get("links"))
        assert link["id"] in (end.get("linkIds") or [end.get("link")])
        assert start["type"] == link["type"] == end["type"]
    ends = {link["id"] for link in inner["links"]}
    named = {number for side in ("inputs", "outputs") for one in inner[side] for number in one["linkIds"]}
    assert named <= ends and all(one["linkIds"] for side in ("inputs", "outputs") for one in inner[side])


@pytest.mark.parametrize("name", NAMES)
def test_the_node_on_the_canvas_shows_what_the_graph_is_given(name):
    outer, inner = parts(name)
    assert [one["name"] for one in outer["inputs"]] == [one["name"] for one in inner["inputs"]]
    assert [one["name"] for one in outer["outputs"]] == [one["name"] for one in inner["outputs"]]
    settings = [one["name"] for one in outer["inputs"] if "widget" in one]
    assert outer["properties"]["proxyWidgets"] == [["-1", setting] for setting in settings]
    assert len(outer["widgets_values"]) == len(settings) <= 5


@pytest.mark.slow
def test_the_local_blueprint_swaps(comfy, graph, pair):
    outer, inner = parts("Swap Faces (local)")
    given = graph.give(torch.from_numpy(pair.copy()))
    values = dict(zip([i["name"] for i in outer["inputs"] if "widget" in i], outer["widgets_values"], strict=True))
    values |= {"target_image": given, "source_image": given, "source_faces_index": "1"}
    links = {link["id"]: link for link in inner["links"]}
    for node in inner["nodes"]:
        widgets = [one["name"] for one in node["inputs"] if "widget" in one]
        inputs = dict(zip(widgets, node["widgets_values"], strict=True))
        for one in node["inputs"]:
            if one["link"] is not None:
                link = links[one["link"]]
                outside = link["origin_id"] == -10
                name = inner["inputs"][link["origin_slot"]]["name"] if outside else ""
                inputs[one["name"]] = values[name] if outside else [f"in{link['origin_id']}", link["origin_slot"]]
        graph.prompt[f"in{node['id']}"] = {"class_type": node["type"], "inputs": inputs}
    results = {
        inner["outputs"][link["target_slot"]]["name"]: [f"in{link['origin_id']}", link["origin_slot"]]
        for link in inner["links"]
        if link["target_id"] == -20
    }
    run = comfy.run(graph, **results)
    assert run.error is None
    assert "2 of 2 faces swapped" in run["report"]
    assert (run["mask"] > 0).any()
