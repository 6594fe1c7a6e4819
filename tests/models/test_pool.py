from __future__ import annotations

import os

import pytest
import recipe
import standins
from multifaceswap import open_model
from multifaceswap.models.detectors import retinaface
from multifaceswap.models.pool import ModelPool
from multifaceswap.models.store import Folders
from multifaceswap.pipeline.errors import DamagedModelError, MissingModelError, SettingsError

DETECTOR, FILE = "retinaface_mobile0.25", "detection_mobilenet0.25_Final.pth"


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("made") / FILE
    return recipe.save_pth(path, recipe.weights("retinaface_mobile025")).read_bytes()


class Attack:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_missing_model_says_what_to_do(tmp_path):
    with pytest.raises(MissingModelError) as caught:
        open_model("detector", DETECTOR, folders=[tmp_path])
    for part in (
        FILE,
        str(tmp_path / "facedetection"),
        str(tmp_path / "facerestore_models"),
        "https://github.com/xinntao/facexlib/releases/download/v0.1.0/detection_mobilenet0.25_Final.pth",
        "2979b33ffafda5d74b6948cd7a5b9a7a62f62b949cef24e95fd15d2883a65220",
        "MIT",
        "multifaceswap models get retinaface_mobile0.25",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_truncated_file_fails_when_it_is_opened(tmp_path, content, share):
    (tmp_path / FILE).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DamagedModelError, match=r"is empty|is cut short") as caught:
        open_model("detector", DETECTOR, folders=[tmp_path])
    assert f"has {int(len(content) * share):,} bytes, the published file 1,789,735" in str(caught.value)


def test_a_web_page_another_network_and_an_attack_are_each_told(tmp_path, content):
    path = tmp_path / FILE
    path.write_bytes(b"<!DOCTYPE html><title>404</title>")
    with pytest.raises(DamagedModelError, match="is a web page, not a model"):
        open_model("detector", DETECTOR, folders=[tmp_path])
    recipe.save_pth(path, recipe.weights("yolov5n_face"))
    with pytest.raises(DamagedModelError, match=r"another network than retinaface_mobile0\.25: 300 of 300 weights"):
        open_model("detector", DETECTOR, folders=[tmp_path])
    torch = pytest.importorskip("torch")
    torch.save({"body.weight": torch.zeros(1), "x": Attack(tmp_path / "trap")}, path)
    with pytest.raises(DamagedModelError, match="is refused"):
        open_model("detector", DETECTOR, folders=[tmp_path])
    assert not (tmp_path / "trap").exists()
    standins.scrfd(path)
    with pytest.raises(DamagedModelError, match="is no torch file"):
        open_model("detector", DETECTOR, folders=[tmp_path])


def test_a_network_is_loaded_once_for_all_options_and_let_go(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    pool = ModelPool(Folders({}, [tmp_path]), "cpu")
    first = pool.open("detector", DETECTOR, confidence=0.5)
    assert pool.open("detector", DETECTOR, confidence=0.5) is first
    other = pool.open("detector", DETECTOR, tiles=True, turns=True, min_size=20, size=320)
    assert other is not first and other.network.network is first.network.network
    assert first.network.side == 640 and other.network.side == 320
    pool.clear()
    assert pool.open("detector", DETECTOR, confidence=0.5) is not first


def test_making_a_network_asks_no_server(monkeypatch):
    pytest.importorskip("torch")

    def refuse(*_):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    assert sum(weight.numel() for weight in retinaface.build("resnet50").parameters()) > 20_000_000


def test_wrong_settings_are_told(tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(SettingsError, match="size: expected 32 or more, got 16"):
        open_model("detector", DETECTOR, folders=[tmp_path], size=16)
    with pytest.raises(SettingsError, match="confidence: expected 0 to 1, got 2"):
        open_model("detector", DETECTOR, folders=[tmp_path], confidence=2)
    with pytest.raises(SettingsError, match="detector: expected one of builtin"):
        open_model("detector", "retinaface", folders=[tmp_path])
