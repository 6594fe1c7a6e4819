from __future__ import annotations

import hashlib

import numpy as np
import pytest
import recipe
import standins
from multifaceswap import cli
from multifaceswap.commands import models as command
from multifaceswap.models import catalog
from multifaceswap.models.spec import DetectorParams, Model, ModelFile
from multifaceswap.pipeline.errors import MissingModelError

GRAPH = "det.onnx"
ANOTHER_DOMAIN = b"\x22\x01x"
"""Behind a graph: changes nothing but the hash."""


def _main(*words: object) -> int:
    return cli.main([str(word) for word in words])


@pytest.fixture
def published(tmp_path, monkeypatch):
    """The catalog with one more detector, its content, and what was fetched."""
    content = standins.scrfd(tmp_path / "made.onnx").read_bytes()
    file = ModelFile(
        GRAPH,
        ("insightface",),
        (hashlib.sha256(content).hexdigest(),),
        (len(content),),
        ("https://huggingface.co/x/resolve/main/det.onnx",),
        "for nobody",
    )
    row = Model("tiny", "detector", "detectors.adapters:scrfd", (file,), DetectorParams(0.5, 640))
    monkeypatch.setattr(catalog, "MODELS", (*catalog.MODELS, row))
    fetched = []

    def download(file, target, progress):
        fetched.append(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        progress(len(content), len(content))

    monkeypatch.setattr(command, "download", download)
    monkeypatch.delenv(command.OFFLINE, raising=False)
    return content, fetched


@pytest.fixture
def folder(tmp_path, monkeypatch):
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setenv("MULTIFACESWAP_MODELS", str(folder))
    return folder


def test_list_says_what_is_there_and_what_is_missing(published, folder, capsys):
    content, _ = published
    (folder / GRAPH).write_bytes(content)
    assert _main("models", "list") == 0
    header, *said = capsys.readouterr().out.splitlines()
    assert header.split() == ["FOR", "MODEL", "FAMILY", "SIZE", "SPEED", "STATE"]
    assert {(model.kind, model.name) for model in catalog.MODELS} == {tuple(line.split()[:2]) for line in said}
    lines = {line.split()[1]: line for line in said}
    for kind in ("detector", "parser"):
        assert [line for line in said if line.startswith(f"{kind} ") and " builtin " in line and " built in, " in line]
    assert lines["tiny"].endswith("found, for nobody")
    assert lines["inswapper_128"].split()[2:6] == ["InSwapper", "729", "MB", "fast"]
    assert lines["ghost_2_256"].split()[2:6] == ["GHOST", "196+", "MB", "fast"]
    assert lines["sharpen"].endswith("-        fast   built in, no file")
    assert "missing: det_10g.onnx (17 MB), InsightFace, non-commercial" in lines["scrfd_10g"]


def test_list_leaves_out_what_is_not_permissive(capsys):
    assert _main("models", "list", "--licence", "permissive") == 0
    names = [line.split()[1] for line in capsys.readouterr().out.splitlines()[1:]]
    assert {"mesh", "sharpen", "retinaface_resnet50"} <= {*names}
    assert not {"inswapper_128", "ghost_1_256", "YOLOv5n", "codeformer-v0.1.0.pth", "bisenet"} & {*names}


def test_list_says_that_a_file_has_another_size_than_the_published_one(published, folder, capsys):
    content, _ = published
    (folder / GRAPH).write_bytes(content[:-9])
    assert _main("models", "list") == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if " tiny " in line)
    told = f"det.onnx has {len(content) - 9:,} bytes, the published file {len(content):,}."
    assert line.endswith(f"found, for nobody, but {told}")


def test_get_says_what_it_fetches_and_where_to(published, folder, capsys):
    _, fetched = published
    target = folder / "insightface" / GRAPH
    assert _main("models", "get", "tiny") == 0
    assert fetched == [target]
    out = capsys.readouterr().out
    assert f"https://huggingface.co/x/resolve/main/det.onnx to {target}" in out
    assert "Licence: for nobody" in out and f"{target} is complete and verified" in out
    assert _main("models", "get", "tiny") == 0
    assert fetched == [target]
    assert f"{target} is already there" in capsys.readouterr().out


def test_get_into_a_folder_of_ones_own(published, folder, tmp_path):
    _, fetched = published
    assert _main("models", "get", "tiny", "--folder", tmp_path / "mine") == 0
    assert fetched == [tmp_path / "mine" / "insightface" / GRAPH]


def test_get_replaces_a_damaged_file_where_it_lies(published, folder, capsys):
    content, fetched = published
    damaged = folder / GRAPH
    damaged.write_bytes(content[:-100])
    assert _main("models", "get", "tiny") == 0
    assert fetched == [damaged] and damaged.read_bytes() == content
    assert "cut short" in capsys.readouterr().err


def test_get_keeps_a_sound_file_that_is_not_the_published_one(published, folder, capsys):
    _, fetched = published
    standins.pooled(folder / GRAPH)
    assert _main("models", "get", "tiny") == 0
    assert fetched == [] and "is not the published file, but used" in capsys.readouterr().out


@pytest.mark.parametrize("how", ["option", "environment"])
def test_offline_nothing_is_fetched_and_the_error_says_what_is_missing(published, folder, monkeypatch, capsys, how):
    _, fetched = published
    if how == "environment":
        monkeypatch.setenv(command.OFFLINE, "1")
    assert _main("models", "get", "tiny", *(["--offline"] if how == "option" else [])) == 2
    assert fetched == []
    text = capsys.readouterr().err
    assert "tiny needs det.onnx" in text and "https://huggingface.co" in text and "Licence: for nobody" in text


def test_one_of_several_that_fails_is_1(published, folder, monkeypatch, capsys):
    def fail(*_):
        raise MissingModelError("no such address")

    content, _ = published
    (folder / GRAPH).write_bytes(content)
    monkeypatch.setattr(command, "download", fail)
    assert _main("models", "get", "tiny", "genderage") == 1
    assert _main("models", "get", "genderage") == 2
    assert "no such address" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["get", "verify"])
def test_an_unknown_name_is_2_and_says_where_names_are(folder, capsys, action):
    assert _main("models", action, "yolov8") == 2
    assert "expected names as `multifaceswap models list` gives them, such as yoloface_8n" in capsys.readouterr().err


def test_verify_compares_with_the_published_hashes(published, folder, capsys):
    content, _ = published
    (folder / GRAPH).write_bytes(content)
    assert _main("models", "verify") == 0
    out = capsys.readouterr().out
    assert f"{folder / GRAPH}: intact" in out and "face_landmark_468.onnx: intact" in out
    assert _main("models", "verify", "tiny") == 0
    assert capsys.readouterr().out == f"{folder / GRAPH}: intact\n"


def test_verify_opens_what_is_not_the_published_file(published, folder, capsys):
    standins.scrfd(folder / GRAPH, axes=3)
    assert _main("models", "verify", "tiny") == 1
    assert f"{folder / GRAPH}: opens; det.onnx is not the published file" in capsys.readouterr().out
    standins.pooled(folder / GRAPH)
    assert _main("models", "verify", "tiny") == 1
    assert "another network than SCRFD" in capsys.readouterr().err


def test_verify_opens_what_no_hash_is_known_of(folder, capsys):
    for path in (folder / "blendswap_256.onnx", folder / "scrfd_2.5g.onnx"):
        standins.pooled(path)
    assert _main("models", "verify", "blendswap_256") == 1
    said = capsys.readouterr().err
    assert "holds another network than its name says: expected one that takes a face" in said
    assert " bytes, the published file 1,661,432,957.\n" in said
    assert "3×112×112. blendswap_256.onnx has " in said
    assert _main("models", "verify", "scrfd_2.5g") == 1
    assert "another network than SCRFD" in capsys.readouterr().err
    standins.scrfd(folder / "scrfd_2.5g.onnx")
    assert _main("models", "verify", "scrfd_2.5g") == 0
    assert "sound; no hash is known" in capsys.readouterr().out


def test_verify_finds_damage_and_what_is_missing(published, folder, capsys):
    content, _ = published
    assert _main("models", "verify", "tiny") == 2
    assert "tiny needs det.onnx" in capsys.readouterr().err
    (folder / GRAPH).write_bytes(content[:-100])
    assert _main("models", "verify") == 1
    assert "cut short" in capsys.readouterr().err
    recipe.save_pth(folder / "yolov5n-face.pth", {"a": np.zeros(3)})
    assert _main("models", "verify", "YOLOv5n") == 1
    assert "another network than YOLOv5n" in capsys.readouterr().err


def test_an_action_is_needed(capsys):
    assert _main("models") == 2
    assert "ACTION" in capsys.readouterr().err


def test_what_is_not_the_published_file_is_told_once(published, folder, capsys, caplog):
    (folder / GRAPH).write_bytes(published[0] + ANOTHER_DOMAIN)
    assert _main("models", "verify", "tiny") == 1
    shown = capsys.readouterr()
    assert (shown.out + shown.err + caplog.text).count("is not the published file") == 1


def test_a_pool_warns_once_of_a_file(published, folder, caplog):
    from multifaceswap.models.pool import ModelPool

    (folder / GRAPH).write_bytes(published[0] + ANOTHER_DOMAIN)
    pool = ModelPool()
    for confidence in (0.5, 0.6):
        pool.detector("tiny", confidence=confidence)
    assert caplog.text.count("is not the published file") == 1


def test_an_address_in_place_of_a_folder_is_shown_as_it_was_typed(published, capsys):
    assert _main("models", "get", "tiny", "--offline", "--folder", "http://host.example/x") == 2
    shown = capsys.readouterr().err
    assert "  http://host.example/x\n" in shown and "http:/h" not in shown
