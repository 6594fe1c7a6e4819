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
        ("target,output\nx.png,.multifaceswap/y.png\n", "`output` must not be in .multifaceswap"),
        ("target,output\nx.png,.\\.MultiFaceSwap\\a\\y.png\n", "`output` must not be in .multifaceswap"),
        ("target,output\nx.png,s3://y.png\n", "must be inside the output folder"),
        ("target,output\nx.png,a.png\ny.png,A.png\n", "would both become A.png"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_an_error(tmp_path, text, message):
    with pytest.raises(SettingsError, match=message):
        _items(_manifest(tmp_path, text))


def _lines(tmp_path, *lines):
    path = tmp_path / "list.jsonl"
    path.write_bytes(b"\n".join(lines))
    return path


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"target": "y.p', "can't be read as a manifest: Unterminated string"),
        (b"{", "can't be read as a manifest"),
        (b"[" * 100_000, "can't be read as a manifest: maximum recursion depth"),
        (b'{"a":' * 100_000, "can't be read as a manifest: maximum recursion depth"),
        (b'{"target": ' + b"1" * 5000 + b"}", "can't be read as a manifest"),
        (b"\x00\x00\x00", "can't be read as a manifest"),
        (b"null", "expected a `target` and named values, got None"),
        (b"[]", "expected a `target` and named values"),
        (b'"x.png"', "expected a `target` and named values"),
        (b"7", "expected a `target` and named values, got 7"),
        (b"{}", "expected a `target`"),
        (b'{"target": ""}', "expected a `target`"),
        (b'{"target": 7}', "expected a path in `target`, got 7"),
        (b'{"target": ["y.png"]}', "expected a path in `target`"),
        (b'{"target": {"y": 1}}', "expected a path in `target`"),
        (b'{"target": "y\\u0000.png"}', "expected a path in `target`"),
        (b'{"target": "\\ud800.png"}', "expected a path in `target`"),
        (b'{"target": "y.png", "source": 7}', "expected a path in `source`, got 7"),
        (b'{"target": "y.png", "source": ["a", {}, 7]}', "expected a path in `source`, got 7"),
        (b'{"target": "y.png", "source": {"a": "b"}}', "expected a path in `source`"),
        (b'{"target": "y.png", "output": ["a"]}', "expected a path in `output`"),
        (b'{"target": "y.png", "output": true}', "expected a path in `output`, got True"),
        (b'{"target": "y.png", "output": "..\\\\x.jpg"}', "`output` must be inside the output folder"),
        (b'{"target": "y.png", "output": "C:x.jpg"}', "`output` must be inside the output folder"),
        (b'{"target": "y.png", "output": "nul.png"}', "names a device on Windows"),
        (b'{"target": "y.png", "strength": [1]}', "expected a text or number for `strength`"),
        (b'{"target": "y.png", "strength": {}}', "expected a text or number for `strength`"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_with_its_number(tmp_path, line, message):
    with pytest.raises(SettingsError) as caught:
        _items(_lines(tmp_path, b'{"target": "x.png"}', b"", line))
    text = str(caught.value)
    assert text.startswith(f"{tmp_path / 'list.jsonl'}, line 3: ") and message in text
    assert "\n" not in text and len(text) < 300 + len(str(tmp_path))


@pytest.mark.parametrize("row", [b"[" * 400 + b"1" + b"]" * 400, b'["' + b"x" * 100_000 + b'"]'])
def test_what_a_line_holds_is_quoted_in_part(tmp_path, row):
    with pytest.raises(SettingsError) as caught:
        _items(_lines(tmp_path, row))
    assert "line 1: expected a `target`" in str(caught.value) and len(str(caught.value)) < 300 + len(str(tmp_path))


def test_an_empty_manifest_names_nothing(tmp_path):
    for name in ("list.jsonl", "list.csv"):
        with pytest.raises(ImageError, match="there is no picture or clip here"):
            _items(_manifest(tmp_path, "", name))


def test_a_table_that_is_cut_short_says_where(tmp_path):
    with pytest.raises(SettingsError, match=r"line 2: can't be read as a manifest: unexpected end of data"):
        _items(_manifest(tmp_path, 'target\n"x.p'))


def test_lines_end_where_lines_of_json_end(tmp_path):
    """Texts may hold other line ends as they are."""
    line = json.dumps({"target": "a\u2028b\x85c.png"}, ensure_ascii=False)
    (first, second) = _items(_manifest(tmp_path, f"{line}\r\n{line}", "list.jsonl"))
    assert first.target == second.target == str(tmp_path / "a\u2028b\x85c.png")


def test_backslashes_in_outputs_lead_into_folders(tmp_path):
    (item,) = _items(_manifest(tmp_path, "target,output\nx.png,a\\b\\y.png\n"))
    assert item.name == "a/b/y.png"


def test_targets_may_have_names_that_nobody_asked_for(tmp_path):
    (item,) = _items(_lines(tmp_path, b'{"target": "10:30.png"}'))
    assert item.target == str(tmp_path / "10:30.png")


@pytest.mark.parametrize("pair", ["a.png,A.PNG", "a/b.png,A/B.png", "a/b.png,a\\B.png", "stra\u00dfe.png,STRASSE.png"])
def test_outputs_that_are_one_file_on_some_systems_are_refused(tmp_path, pair):
    one, other = pair.split(",")
    with pytest.raises(SettingsError, match="would both become"):
        _items(_manifest(tmp_path, f"target,output\nx.png,{one}\ny.png,{other}\n"))


def test_an_item_survives_being_sent():
    item = Item("a.png", "b.png", ("c.png", "d.png"), {"strength": "1"})
    assert Item.of_json(item.json()) == item
