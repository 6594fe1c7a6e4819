"""Everything an artist reads is there: names, tooltips, languages, help pages."""

from __future__ import annotations

import json
import re
import sys

import pytest
from harness import ROOT
from PIL import Image

LANGUAGES = sorted(folder.name for folder in (ROOT / "locales").iterdir())
SCOPES = {
    "MFS_FaceDetect": "detect",
    "MFS_FaceOrder": "order",
    "MFS_IndexMap": "map",
    "MFS_SwapFaces": "swap",
    "MFS_FaceRestore": "restore",
    "MFS_CropFaces": "crop",
    "MFS_PasteFaces": "paste",
    "MFS_SwapFacesVideo": "clip",
}


def texts(language):
    return json.loads((ROOT / "locales" / language / "nodeDefs.json").read_text(encoding="utf-8"))


def shape(node):
    """Which texts there are, by their places."""
    return {part: {key: sorted(text) for key, text in node[part].items()} for part in ("inputs", "outputs")}


def texts_of_settings(comfy, language):
    """(row of the table, its name and tooltip at a node) for every setting of every node that has one."""
    settings, written = comfy.module("app.settings").SETTINGS, texts(language)
    for node_id, scope in SCOPES.items():
        for row in settings[scope].values():
            if row.in_nodes:
                text = written[node_id]["inputs"][row.node_id or row.name]
                yield row, text["name"], text["tooltip"]


def test_every_node_says_what_it_is(comfy):
    for node_id, schema in comfy.schemas().items():
        assert node_id.startswith("MFS_")
        assert schema.category == "image/face"
        assert re.fullmatch(r"[A-Z].*[^.]", schema.display_name)
        assert schema.description.endswith(".")


def test_every_input_and_output_has_a_tooltip(comfy):
    for node_id, schema in comfy.schemas().items():
        for socket in (*schema.inputs, *schema.outputs):
            assert socket.tooltip and socket.tooltip.endswith("."), (node_id, socket.id)


def test_search_aliases_are_given_where_the_host_knows_them(comfy):
    for node_id, schema in comfy.schemas().items():
        assert len(getattr(schema, "search_aliases", "abc")) >= 3, node_id


def test_english_texts_are_the_schemas_own(comfy):
    english = texts("en")
    assert set(english) == set(comfy.schemas())
    for node_id, schema in comfy.schemas().items():
        node = english[node_id]
        assert (node["display_name"], node["description"]) == (schema.display_name, schema.description)
        assert {key: text["tooltip"] for key, text in node["inputs"].items()} == {
            given.id: given.tooltip for given in schema.inputs
        }
        assert [node["outputs"][str(slot)]["tooltip"] for slot in range(len(schema.outputs))] == [
            given.tooltip for given in schema.outputs
        ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_all_texts(comfy, language):
    assert {*LANGUAGES} == {"en", "fr", "es", "zh", "ja", "ko"}
    english, other = texts("en"), texts(language)
    assert set(other) == set(english)
    for node_id, node in other.items():
        assert shape(node) == shape(english[node_id])
        assert node["display_name"].strip() and node["description"].strip()
        for text in (*node["inputs"].values(), *node["outputs"].values()):
            assert text["name"].strip() and text["tooltip"].strip()


def test_english_settings_are_the_tables_own(comfy):
    found = list(texts_of_settings(comfy, "en"))
    assert {row.name for row, _, _ in found} >= {"confidence", "identity_threshold", "face_restore", "max_gap"}
    for row, name, tooltip in found:
        assert (name, tooltip) == (row.name, row.text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_setting_has_one_text_at_all_nodes(comfy, language):
    found = {}
    for row, name, tooltip in texts_of_settings(comfy, language):
        found.setdefault((row.name, row.text), set()).add((name, tooltip))
    assert {setting: said for setting, said in found.items() if len(said) > 1} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_keep_the_numbers_and_choices_of_the_table(comfy, language):
    for row, _, tooltip in texts_of_settings(comfy, language):
        assert numbers(tooltip) == numbers(row.text), (row.name, tooltip)
        named = [choice for choice in row.choices if f"{choice}:" in row.text]
        assert [choice for choice in named if choice not in tooltip] == [], (row.name, tooltip)


def numbers(text):
    return sorted(re.findall(r"-?\d+", text))


def test_every_node_has_a_help_page_with_a_small_picture(comfy):
    assert comfy.pack.WEB_DIRECTORY == "web"
    for node_id, schema in comfy.schemas().items():
        page = (ROOT / "web" / "docs" / node_id / "en.md").read_text(encoding="utf-8")
        assert page.startswith(f"# {schema.display_name}\n")
        pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page)
        assert pictures, node_id
        for name in pictures:
            path = ROOT / "web" / "docs" / name  # ComfyUI's page resolves them from there
            assert path.stat().st_size < 150_000
            with Image.open(path) as picture:
                assert picture.width <= 800


def test_help_pages_name_every_setting(comfy):
    for node_id, schema in comfy.schemas().items():
        page = (ROOT / "web" / "docs" / node_id / "en.md").read_text(encoding="utf-8")
        settings = [given.display_name or given.id for given in schema.inputs if hasattr(given, "default")]
        assert [name for name in settings if f"**{name}**" not in page and f"## {name}" not in page] == [], node_id


def test_the_script_writes_the_english_texts(comfy):
    sys.path.insert(0, str(ROOT / "scripts"))
    import make_texts

    assert make_texts.FILE == ROOT / "locales" / "en" / "nodeDefs.json"
    for schema in comfy.schemas().values():
        assert make_texts.of(schema) == texts("en")[schema.node_id]
