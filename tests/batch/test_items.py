from __future__ import annotations

import json
from pathlib import Path

import pytest
from multifaceswap.batch import Item, items_of
from multifaceswap.pipeline.errors import ImageError, SettingsError


def _found(*given):
    return items_of([str(one) for one in given], lambda name: name.endswith(".png"), lambda name, _: name)


def _items(*given):
    return _found(*given).items


def _files(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def _manifest(tmp_path, text, name="list.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_nothing_to_do_is_an_error(tmp_path):
    with pytest.raises(ImageError, match="there is no picture or clip here"):
        _items(tmp_path)


def test_a_folder_gives_all_its_files_by_name_with_those_of_its_folders(tmp_path):
    _files(tmp_path, "b.png", "a/c.png", "a/note.txt", ".hidden/d.png", "a/.e.png")
    assert [(item.name, item.target) for item in _items(tmp_path)] == [
        ("a/c.png", str(tmp_path / "a" / "c.png")),
        ("b.png", str(tmp_path / "b.png")),
    ]
    assert _found(tmp_path).passed_over == ["a/note.txt"]


def test_results_of_one_name_are_numbered_and_names_that_were_asked_for_stay(tmp_path):
    _files(tmp_path, "one/x.png", "two/X.png")
    names = [item.name for item in _items(tmp_path / "one", tmp_path / "two")]
    assert names == ["x.png", "X-2.png"]
    rows = "target,output\nx.png,\na/X.png,\ny.png,x-2.png\n"
    assert [item.name for item in _items(_manifest(tmp_path, rows))] == ["x.png", "X-3.png", "x-2.png"]


def test_a_table_names_targets_sources_outputs_and_options(tmp_path):
    text = "target,source,output,input_faces_index\nx.png,one.png; two.png,y/z.png,1\n/other/w.png,,,\n"
    first, second = _items(_manifest(tmp_path, text))
    sources = (str(tmp_path / "one.png"), str(tmp_path / "two.png"))
    assert first == Item("y/z.png", str(tmp_path / "x.png"), sources, {"input-faces-index": "1"})
    assert second == Item("w.png", str(Path("/other/w.png")))


def test_lines_of_json_say_the_same(tmp_path):
    rows = [{"target": "x.png", "source": ["one.png", "two;2.png"], "strength": 0.5}, {"target": "s3://b/k.png"}]
    text = "\n".join(json.dumps(row) for row in rows) + "\n\n"
    first, second = _items(_manifest(tmp_path, text, "list.jsonl"))
    assert first.sources == (str(tmp_path / "one.png"), str(tmp_path / "two;2.png"))
    assert first.options == {"strength": "0.5"}
    assert (second.name, second.target) == ("k.png", "s3://b/k.png")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("picture\nx.png\n", "row 1: expected a `target`"),
        ("target\nx.png,more\n", "row 1: expected a `target` and named values"),
        ("target,output\nx.png,../y.png\n", "must be inside the output folder"),
        ("target,output\nx.png,/y.png\n", "must be inside the output folder"),
        ("target,output\nx.png,s3://y.png\n", "must be inside the output folder"),
        ("target,output\nx.png,a.png\ny.png,A.png\n", "would both become A.png"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_an_error(tmp_path, text, message):
    with pytest.raises(SettingsError, match=message):
        _items(_manifest(tmp_path, text))


def test_a_line_that_is_not_json_is_an_error(tmp_path):
    with pytest.raises(SettingsError, match="can't be read as a manifest"):
        _items(_manifest(tmp_path, "{", "list.ndjson"))


def test_an_item_survives_being_sent():
    item = Item("a.png", "b.png", ("c.png", "d.png"), {"strength": "1"})
    assert Item.of_json(item.json()) == item
