from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from multifaceswap.models.spec import Model, ModelFile
from multifaceswap.models.store import ENVIRONMENT, Folders, home, locate, missing_text, require
from multifaceswap.pipeline.errors import MissingModelError

FILE = ModelFile(
    "weights.pth",
    ("facerestore_models", "insightface/models/buffalo_l"),
    ("ab" * 32, "cd" * 32),
    (10, 20),
    ("https://one.example/weights.pth", "https://two.example/weights.pth"),
    "research only",
    aliases=("other.pth",),
)
MODEL = Model("model", "restorer", "x:y", (FILE,))


def place(folder, name="weights.pth"):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(b"x")
    return path


def test_nothing_is_found_nowhere():
    assert locate(FILE, Folders({})) is None


@pytest.mark.parametrize("name", ["weights.pth", "other.pth"])
@pytest.mark.parametrize(
    "folder",
    ["", "facerestore_models", "insightface/models/buffalo_l", "models/buffalo_l", "buffalo_l"],
)
def test_plain_folders_are_searched_as_artists_lay_them_out(tmp_path, folder, name):
    path = place(tmp_path / folder, name)
    assert locate(FILE, Folders({}, [tmp_path / "none", tmp_path])) == path


@pytest.mark.parametrize(
    ("key", "folder"), [("facerestore_models", ""), ("insightface", "models/buffalo_l"), ("insightface", "other")]
)
def test_a_hosts_folders_are_searched_by_their_keys(tmp_path, key, folder):
    path = place(tmp_path / "second" / folder)
    folders = Folders({key: [tmp_path / "first", tmp_path / "second"]})
    assert locate(FILE, folders) == (None if folder == "other" else path)


def test_a_folder_of_that_name_is_no_file(tmp_path):
    (tmp_path / "weights.pth").mkdir()
    assert locate(FILE, Folders({}, [tmp_path])) is None


def test_the_environment_names_several_folders(tmp_path, monkeypatch):
    path = place(tmp_path / "b")
    monkeypatch.setenv(ENVIRONMENT, os.pathsep.join([str(tmp_path / "a"), "", str(tmp_path / "b")]))
    assert locate(FILE, Folders.default()) == path
    monkeypatch.delenv(ENVIRONMENT)
    assert Folders.default().plain == [Path.home() / ".cache" / "multifaceswap"]


def test_fetched_files_go_where_they_are_looked_for_first(tmp_path):
    assert home(FILE, Folders({}, [tmp_path])) == tmp_path / "facerestore_models" / "weights.pth"
    hosted = Folders({"facerestore_models": [tmp_path / "host"]}, [tmp_path])
    assert home(FILE, hosted) == tmp_path / "host" / "weights.pth"


def test_a_missing_file_is_told_with_all_that_is_needed(tmp_path):
    pytest.importorskip("torch")
    folders = Folders({"facerestore_models": [tmp_path / "host"]}, [tmp_path / "own"])
    with pytest.raises(MissingModelError) as caught:
        require(MODEL, folders)
    text = str(caught.value)
    for part in (
        "weights.pth",
        str(tmp_path / "host"),
        str(tmp_path / "own" / "insightface" / "models" / "buffalo_l"),
        "https://one.example/weights.pth",
        "https://two.example/weights.pth",
        "ab" * 32,
        "cd" * 32,
        "research only",
        "multifaceswap models get model",
    ):
        assert part in text
    assert text == missing_text(MODEL, FILE, folders)


def test_all_missing_files_are_named_at_once(tmp_path):
    files = tuple(ModelFile(name, ("insightface",)) for name in ("a.onnx", "b.onnx", "c.onnx"))
    place(tmp_path, "b.onnx")
    with pytest.raises(MissingModelError) as caught:
        require(Model("m", "swapper", "x:y", files), Folders({}, [tmp_path]))
    text = str(caught.value)
    assert "m needs a.onnx, which" in text and "m needs c.onnx, which" in text and "b.onnx" not in text


@pytest.mark.parametrize(("name", "told"), [("a.pth", True), ("a.onnx", False)])
def test_where_torch_is_missing_too_this_is_told_before_the_file_is_fetched(monkeypatch, name, told):
    pytest.importorskip("torch")
    model = Model("m", "restorer", "x:y", (ModelFile(name, ("facerestore_models",)),))
    with pytest.raises(MissingModelError) as caught:
        require(model, Folders({}))
    assert "torch" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingModelError) as caught:
        require(model, Folders({}))
    assert ("m also needs the package torch: pip install 'multifaceswap[models]'" in str(caught.value)) == told


def test_a_missing_shipped_file_asks_for_a_new_installation():
    file = ModelFile("gone.onnx", ("builtin",))
    text = missing_text(Model("model", "mesher", "x:y", (file,)), file, Folders({}))
    assert "install the package again" in text and "models get" not in text


def test_all_files_of_a_model_are_found_in_their_order(tmp_path):
    paths = [place(tmp_path, name) for name in ("b.onnx", "a.onnx")]
    files = (ModelFile("b.onnx", ("insightface",)), ModelFile("a.onnx", ("insightface",)))
    assert require(Model("m", "swapper", "x:y", files), Folders({}, [tmp_path])) == paths
