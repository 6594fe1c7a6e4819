"""The example workflows: written by the script, complete, and they run on the built-in engine."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness import ROOT
from PIL import Image

FOLDER = ROOT / "example_workflows"
FILES = sorted(FOLDER.glob("*.json"))
NAMES = [file.stem for file in FILES]
RESULTS = {"MFS_SwapFaces": (0, 2, 3, 0.02), "MFS_PasteFaces": (0, 1, 2, 0.005)}
"""The node that changes faces; its outputs image, mask, report; how much pixels in the mask change on average."""


def read(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def prompt_of(workflow):
    """What the page would send: links and settings by name."""
    links = {link[0]: [str(link[1]), link[2]] for link in workflow["links"]}
    prompt = {}
    for node in workflow["nodes"]:
        if node["type"] == "MarkdownNote":
            continue
        widgets = [given["name"] for given in node["inputs"] if "widget" in given]
        inputs = dict(zip(widgets, node["widgets_values"], strict=True))
        inputs |= {given["name"]: links[given["link"]] for given in node["inputs"] if given["link"] is not None}
        prompt[str(node["id"])] = {"class_type": node["type"], "inputs": inputs}
    return prompt


@pytest.fixture(scope="session")
def written():
    """What the script would write now."""
    code = "import json, make_workflows; print(json.dumps(make_workflows.workflows()))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "scripts", capture_output=True, text=True, check=True)
    return json.loads(run.stdout)


def test_the_files_are_what_the_script_writes(written):
    assert {name: read(name) for name in NAMES} == written
    assert {"Swap two people", "Several donors group", "Swap and restore", "Swap clip", "Crop and upscale"} <= set(
        NAMES
    )


def test_the_page_shows_every_file_as_a_template_with_a_picture():
    """The server lists every JSON file, an index too, by its name; the page takes the name for the title."""
    assert all(re.fullmatch(r"[A-Z][a-z]+( [a-z]+)*", name) for name in NAMES), NAMES
    assert [file.stem for file in sorted(FOLDER.glob("*.jpg"))] == NAMES
    assert {file.suffix for file in FOLDER.iterdir()} == {".json", ".jpg"}


@pytest.mark.parametrize("name", NAMES)
def test_notes_can_be_read_in_every_page(name):
    """Code is the colour of its ground where nodes are drawn by Vue."""
    (note,) = (node["widgets_values"][0] for node in read(name)["nodes"] if node["type"] == "MarkdownNote")
    assert note.startswith("## ")
    assert "`" not in note


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_from_an_output_to_an_input_of_that_type(name):
    workflow = read(name)
    nodes = {node["id"]: node for node in workflow["nodes"]}
    for number, source, slot, target, place, kind in workflow["links"]:
        output, given = nodes[source]["outputs"][slot], nodes[target]["inputs"][place]
        assert number in output["links"]
        assert given["link"] == number
        assert output["type"] == kind
        assert given["type"] in (kind, "*")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_overlaps(name):
    boxes = [(*node["pos"], *node["size"]) for node in read(name)["nodes"]]
    for at, (left, top, width, height) in enumerate(boxes):
        for other_left, other_top, other_width, other_height in boxes[at + 1 :]:
            apart = left + width <= other_left or other_left + other_width <= left
            assert apart or top + height <= other_top or other_top + other_height <= top


@pytest.mark.parametrize("name", NAMES)
def test_it_needs_no_file_that_is_not_shipped(name):
    workflow = read(name)
    kinds = {node["type"] for node in workflow["nodes"]}
    assert "MFS_ExampleImage" in kinds
    assert not kinds & {"LoadImage", "LoadVideo"}
    text = json.dumps(workflow)
    assert not re.search(r"not installed|/home|[A-Z]:\\\\", text)
    with Image.open(FOLDER / f"{name}.jpg") as thumbnail:
        assert thumbnail.width == 640
    assert Path(FOLDER / f"{name}.jpg").stat().st_size < 150_000


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_and_changes_the_faces(comfy, graph, name):
    graph.prompt = prompt_of(read(name))
    (done,) = [node_id for node_id, node in graph.prompt.items() if node["class_type"] in RESULTS]
    image, mask, report, least = RESULTS[graph.prompt[done]["class_type"]]
    given = graph.prompt[done]["inputs"]
    targets = given.get("target_image", given.get("image"))
    run = comfy.run(graph, image=[done, image], mask=[done, mask], report=[done, report], targets=targets)
    assert run.error is None
    assert "not " not in run["report"]
    assert run["image"].shape == run["targets"].shape
    changed = run["mask"] > 0
    assert changed.flatten(1).any(1).all()
    assert (run["image"][changed] - run["targets"][changed]).abs().mean() > least
    assert (run["image"][~changed] == run["targets"][~changed]).all()
