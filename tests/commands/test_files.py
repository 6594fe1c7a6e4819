from __future__ import annotations

from pathlib import Path

import pytest
from multifaceswap import cli
from multifaceswap.commands.files import Targets, find_targets, require_free, results
from multifaceswap.pipeline.errors import SettingsError


def test_several_or_a_folder_go_into_a_folder(tmp_path, blank):
    assert find_targets([str(blank)], "a.png") == Targets([blank], False)
    assert find_targets([str(blank), str(blank)], "a").to_folder
    assert find_targets([str(tmp_path)], "a") == Targets([blank], True)
    assert find_targets([str(blank)], str(tmp_path)).to_folder
    assert find_targets([str(blank)], "new/").to_folder


def test_results_are_named_like_their_targets_each_once():
    files = [Path(name) for name in ("a/x.jpg", "b/X.JPG", "c/x.jpeg", "d/y.tif", "e/x-2.jpg")]
    names = [path.name for path in results(Targets(files, True), "out", None, "--output")]
    assert names == ["x.jpg", "X-2.JPG", "x.jpeg", "y.png", "x-2-2.jpg"]
    names = [path.name for path in results(Targets(files, True), "out", "webp", "--output")]
    assert names == ["x.webp", "X-2.webp", "x-3.webp", "y.webp", "x-2-2.webp"]


@pytest.mark.parametrize("output", ["a.png", "a.TIFF"])
def test_several_targets_need_a_folder(output):
    with pytest.raises(SettingsError, match="expected a folder, because there are several targets"):
        results(Targets([Path("x.png"), Path("y.png")], True), output, None, "--output")


def test_one_file_is_not_written_twice_by_any_name(tmp_path):
    with pytest.raises(SettingsError, match="would be written twice"):
        require_free([tmp_path / "a.png", tmp_path / "b" / ".." / "a.png"], [])


def test_an_input_is_known_by_any_name(tmp_path, blank):
    (tmp_path / "b").mkdir()
    with pytest.raises(SettingsError, match="is an input"):
        require_free([tmp_path / "b" / ".." / blank.name], [blank])
    require_free([tmp_path / "new.png"], [blank, tmp_path / "missing.png"])


@pytest.mark.parametrize("command", ["detect", "restore", "swap", "batch"])
def test_an_empty_name_is_an_error(tmp_path, monkeypatch, capsys, blank, command):
    monkeypatch.chdir(tmp_path)
    words = ["", *(["--output", "out"] if command != "detect" else [])]
    if command in ("swap", "batch"):
        words = ["--source", str(blank), "--target", *words]
    assert cli.main([command, *words]) == 2
    assert "name is empty: expected a picture" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [blank]
