"""What Map Faces hands to its page, and what the page's script makes of the lists."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multifaceswap.pipeline.errors import MultiFaceSwapError
from multifaceswap.pipeline.faces.index_list import parse_indexes
from multifaceswap.pipeline.faces.pairing import source_of
from PIL import Image
from wiring import detect, pairs

torch = pytest.importorskip("torch")
SCRIPT = Path(__file__).resolve().parents[2] / "web" / "js" / "pairs.js"
SIDE = 96
needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="runs the page's script in Node.js")


@pytest.fixture
def image(pair):
    return torch.from_numpy(pair.copy())


def chosen(comfy, graph, node):
    """What the page gets of a run."""
    run = comfy.run(graph, count=[node, 3])
    assert run.error is None
    (faces,) = run.ui[node]["mfs_faces"]
    return json.loads(json.dumps(faces))


def sheet_of(faces):
    import folder_paths

    path = Path(folder_paths.get_temp_directory()) / faces["sheet"]["subfolder"] / faces["sheet"]["filename"]
    return np.asarray(Image.open(path).convert("RGB"), np.float32) / 255


def test_the_page_gets_all_faces_and_the_pairs(comfy, graph, image):
    given = graph.give(image)
    found = detect(graph, given)
    node = pairs(graph, [found, 0], [found, 0], "0,1", "1,0", target_image=given, source_image=given)
    faces = chosen(comfy, graph, node)
    assert (faces["targets"], faces["sources"], faces["pairs"]) == (2, 2, [[0, 1], [1, 0]])
    assert (faces["across"], faces["down"]) == (4, 1)
    sheet = sheet_of(faces)
    assert sheet.shape == (SIDE, 4 * SIDE, 3)
    targets, sources = sheet[:, : 2 * SIDE], sheet[:, 2 * SIDE :]
    np.testing.assert_allclose(targets, sources, atol=1 / 255)
    assert np.abs(targets[:, :SIDE] - targets[:, SIDE:]).mean() > 0.05
    for box, thumbnail in zip(comfy.value(graph, [found, 3])[0], (targets[:, :SIDE], targets[:, SIDE:]), strict=True):
        left, top = round(box["x"]), round(box["y"])
        face = image[0, top : top + round(box["height"]), left : left + round(box["width"])].numpy()
        middle = thumbnail[SIDE // 3 : -SIDE // 3, SIDE // 3 : -SIDE // 3]
        assert np.abs(middle.mean((0, 1)) - face.mean((0, 1))).max() < 0.12


def test_without_pictures_the_thumbnails_are_blank(comfy, graph, image):
    found = detect(graph, graph.give(image))
    faces = chosen(comfy, graph, pairs(graph, [found, 0], [found, 0], "0", "1"))
    assert faces["pairs"] == [[0, 1]]
    sheet = sheet_of(faces)
    assert np.ptp(sheet) == 0


def test_without_faces_there_is_no_sheet(comfy, graph):
    found = detect(graph, graph.give(torch.zeros(1, 300, 300, 3)))
    faces = chosen(comfy, graph, pairs(graph, [found, 0], [found, 0], "*", "*"))
    assert faces == {"targets": 0, "sources": 0, "pairs": [], "sheet": None, "across": 0, "down": 0}


def test_people_to_recognise_stand_for_the_targets(comfy, graph, image):
    given, half = graph.give(image), graph.give(image[:, :, : image.shape[2] // 2])
    found, person = detect(graph, given), detect(graph, half)
    wired = {"reference_faces": [person, 0], "reference_image": half, "target_image": given}
    faces = chosen(comfy, graph, pairs(graph, [found, 0], [found, 0], "0", "1", **wired))
    assert (faces["targets"], faces["sources"], faces["pairs"]) == (1, 2, [])


def test_many_faces_go_on_in_rows(comfy, graph, image):
    clip = graph.give(torch.cat([image] * 5))
    found = detect(graph, clip)
    faces = chosen(comfy, graph, pairs(graph, [found, 0], [found, 0], "0", "3", source_image=clip))
    assert (faces["targets"], faces["sources"], faces["across"], faces["down"]) == (2, 10, 8, 2)
    assert faces["pairs"] == [[0, 3]]


def test_the_scripts_hold_nothing_that_scanners_take_for_a_connection():
    for script in SCRIPT.parent.glob("*.js"):
        text = script.read_text(encoding="utf-8")
        assert not [word for word in (".bind(", ".connect(", ".send(", ".eval(", "http") if word in text], script


def run_script(expression, values):
    program = f'import * as m from "{SCRIPT.as_uri()}"; const f = {expression};'
    program += f"console.log(JSON.stringify({json.dumps(values)}.map((given) => f(...given))));"
    command = ["node", "--input-type=module", "-e", program]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def numbers(text, count):
    """What Python reads: faces that aren't there, too, up to a thousand entries; None where it can't be read."""
    try:
        spans = parse_indexes(text).spans
    except MultiFaceSwapError:
        return None
    if spans is None:
        return [*range(count)]
    listed = [number + count if number < 0 else number for span in spans for number in range(span.first, span.last + 1)]
    return listed


entries = st.one_of(
    st.integers(-12, 12).map(str),
    st.tuples(st.integers(0, 9), st.integers(0, 9)).map("{0[0]} -{0[1]}".format),
    st.sampled_from(["*", "", " ", "x", "0-", "1 2", "١", "1.5", "-0", "00", "1234567890", "0--1"]),
)
lists = st.lists(entries, min_size=1, max_size=4).map(" ,".join)


@needs_node
@settings(max_examples=5, deadline=None)
@given(st.lists(st.tuples(lists, st.integers(0, 7)), min_size=40, max_size=40))
def test_the_script_reads_lists_as_python_does(many):
    assert run_script("m.parseIndexes", many) == [numbers(*one) for one in many]


@needs_node
@settings(max_examples=5, deadline=None)
@given(
    st.lists(
        st.tuples(lists, lists, st.sampled_from(["pairwise", "round-robin"]), st.integers(1, 6), st.integers(1, 6)),
        min_size=40,
        max_size=40,
    )
)
def test_the_script_pairs_as_python_does(many):
    shown = run_script("(...given) => { const p = m.pairsOf(...given); return p && [...p]; }", many)
    for (targets, sources, pairing, target_count, source_count), found in zip(many, shown, strict=True):
        if found is None:
            continue
        there = {target: source for target, source in found if target < target_count and 0 <= source < source_count}
        wanted = {}
        for target in range(target_count):
            try:
                source = source_of(target, target_count, source_count, targets, sources, pairing)
            except MultiFaceSwapError:
                break
            if source is not None:
                wanted[target] = source
        else:
            assert there == wanted


@needs_node
def test_clicks_pair_replace_and_part():
    steps = "([pairs, target, donor]) => m.textsOf(m.clicked(new Map(pairs), target, donor))"
    given = [
        [[[[0, 1]], 2, 0]],
        [[[[2, 0], [0, 1]], 0, 0]],
        [[[[0, 1], [1, 0]], 0, 1]],
        [[[[0, 1], [1, 0]], 1, None]],
        [[[[10, 1], [9, 0]], 2, 5]],
    ]  # fmt: skip
    assert run_script(steps, given) == [["0,2", "1,0"], ["0,2", "0,0"], ["1", "0"], ["0", "1"], ["2,9,10", "5,0,1"]]


@pytest.fixture
def page(tmp_path):
    """Runs lines of JavaScript with the nodes' scripts, on a page that is just large enough for them."""
    shutil.copy(Path(__file__).with_name("page.mjs"), tmp_path)
    for script in SCRIPT.parent.glob("*.js"):
        text = re.sub(r'"/scripts/(app|api)\.js"', '"./page.mjs"', script.read_text(encoding="utf-8"))
        (tmp_path / script.name).write_text(text, encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")

    def run(lines, scripts=("picker", "report")):
        program = "import { again, mapFaces } from './page.mjs';" + "".join(
            f"await import('./{s}.js');" for s in scripts
        )
        program += "const shown = (node, name) => node.widgets.find((widget) => widget.name === name).element;"
        program += "const lists = (node) => node.widgets.slice(0, 2).map((widget) => widget.value);"
        program += f"const out = (() => {{ {lines} }})(); console.log(JSON.stringify(out));"
        command = ["node", "--input-type=module", "-e", program]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
        return json.loads(done.stdout)

    return run


def faces_of(targets, sources, pairs):
    return {"targets": targets, "sources": sources, "pairs": pairs, "sheet": None, "across": 0, "down": 0}


@needs_node
@pytest.mark.parametrize("scripts", [("picker", "report"), ("report", "picker")])
def test_thumbnails_stand_above_the_report_whatever_script_comes_first(page, scripts):
    names = page("return mapFaces().widgets.map((widget) => widget.name);", scripts)
    assert names == ["input_faces_index", "source_faces_index", "faces", "mfs_report"]


@needs_node
def test_the_report_is_there_after_an_undo_but_not_in_another_page(page):
    first, copied, other = page(
        "const node = mapFaces(); node.onExecuted({mfs_report: ['2 faces']}); const copy = again(node);"
        "copy.properties.mfs_report.page = 'yesterday';"
        "return [node, again(node), again(copy)].map((one) => shown(one, 'mfs_report').lines.at(-1));"
    )
    assert (first, copied, other) == ("2 faces", "2 faces", "Run to see the report here.")


@needs_node
def test_a_lone_donor_needs_no_click(page):
    faces = json.dumps(faces_of(2, 1, [[0, 0], [1, 0]]))
    parted, copied, paired = page(
        f"const node = mapFaces(); node.onExecuted({{mfs_faces: [{faces}]}});"
        "const press = (one) => { shown(one, 'faces').querySelectorAll('button').at(-1).press(); return lists(one); };"
        "const parted = press(node); return [parted, press(again(node)), press(node)];"
    )
    assert (parted, copied, paired) == (["0", "0"], ["0,1", "0,0"], ["0,1", "0,0"])


@needs_node
def test_a_target_without_a_donor_asks_for_one(page):
    faces = json.dumps(faces_of(2, 2, [[0, 0]]))
    before, said, after, paired = page(
        f"const node = mapFaces(['0', '1']); node.onExecuted({{mfs_faces: [{faces}]}});"
        "const button = (place) => shown(node, 'faces').querySelectorAll('button').at(place);"
        "const before = lists(node); button(3).press(); const said = shown(node, 'faces').lines.at(-1);"
        "const after = lists(node); button(0).press(); button(3).press(); return [before, said, after, lists(node)];"
    )
    assert (before, said, after, paired) == (["0", "1"], "Click a donor first.", ["0", "1"], ["0,1", "1,0"])


@needs_node
def test_a_side_without_faces_points_to_the_report(page):
    faces = json.dumps(faces_of(2, 0, []))
    said = page(
        f"const node = mapFaces(); node.onExecuted({{mfs_faces: [{faces}]}}); return shown(node, 'faces').lines.at(-1);"
    )
    assert said == "One side has no face: the report says why."
