"""Save Marked Image: files in the output folder that say what they are, with ComfyUI's own metadata."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from packets import URI
from PIL import Image

torch = pytest.importorskip("torch")


@pytest.fixture
def image():
    return torch.from_numpy(np.random.default_rng(0).random((2, 24, 36, 3), np.float32))


@pytest.fixture
def host(comfy, monkeypatch, tmp_path):
    """The node's modules, and what the host hands to nodes that save."""
    monkeypatch.delenv("MULTIFACESWAP_SIGNING", raising=False)
    shared = comfy.module("app.session").Session(device="cpu", signing=None)
    monkeypatch.setattr(comfy.module("nodes.save_marked"), "session", lambda: shared)
    monkeypatch.setattr("folder_paths.get_output_directory", lambda: str(tmp_path))
    return shared


class Hidden:
    prompt = ("1", "MFS_SaveMarked")
    extra_pnginfo = MappingProxyType({"workflow": {"title": "Ärger 顔"}, "more": [1]})


def save(comfy, image, **given):
    node = comfy.nodes["MFS_SaveMarked"]
    made = type("Made", (node,), {"hidden": Hidden}).execute(image, **{"filename_prefix": "a/b", **given})
    return made.ui["images"], made.ui["mfs_report"][0]


def look(comfy, path):
    return comfy.module("app.marked").look(Path(path))


@pytest.mark.parametrize(("name", "ending"), [("png", "png"), ("jpeg", "jpg"), ("webp", "webp"), ("avif", "avif")])
def test_files_are_marked_and_hold_prompt_and_workflow(comfy, host, image, tmp_path, name, ending):
    saved, report = save(comfy, image, format=name)
    files = [f"b_{number:05}_.{ending}" for number in (1, 2)]
    assert saved == [{"filename": file, "subfolder": "a", "type": "output"} for file in files]
    assert report.startswith("saved 2, marked: XMP\n")
    for file, picture in zip(files, image.numpy(), strict=True):
        path = tmp_path / "a" / file
        assert look(comfy, path).xmp.source_type == f"{URI}compositeWithTrainedAlgorithmicMedia"
        with Image.open(path) as opened:
            if name == "png":
                texts = opened.text
                assert np.abs(np.asarray(opened) / 255 - picture).max() < 0.01
            else:
                values = (value.partition(":") for value in opened.getexif().values() if ":" in str(value))
                texts = {key: text for key, _, text in values}
        assert json.loads(texts["prompt"]) == list(Hidden.prompt)
        assert json.loads(texts["workflow"]) == Hidden.extra_pnginfo["workflow"] and json.loads(texts["more"]) == [1]


def test_files_are_counted_on(comfy, host, image):
    first, second = (save(comfy, image, format="png")[0] for _ in range(2))
    assert [one["filename"] for one in (*first, *second)] == [f"b_{number:05}_.png" for number in (1, 2, 3, 4)]


def test_disable_metadata_is_honoured_and_the_mark_stays(comfy, host, image, tmp_path, monkeypatch):
    from comfy.cli_args import args

    monkeypatch.setattr(args, "disable_metadata", True)
    save(comfy, image[:1], format="png")
    path = tmp_path / "a" / "b_00001_.png"
    assert b"prompt" not in path.read_bytes()
    assert look(comfy, path).xmp.system == "ComfyUI-MultiFaceSwap"


def test_the_source_type_is_what_was_chosen(comfy, host, image, tmp_path):
    save(comfy, image[:1], format="webp", source_type="compositeSynthetic")
    assert look(comfy, tmp_path / "a" / "b_00001_.webp").xmp.source_type == f"{URI}compositeSynthetic"


def test_a_workflow_that_is_too_large_for_jpeg_is_told(comfy, host, image, monkeypatch):
    monkeypatch.setattr(Hidden, "extra_pnginfo", {"workflow": "x" * 70_000})
    _, report = save(comfy, image[:1], format="jpeg")
    assert "jpeg can't hold that much EXIF" in report


def test_nothing_is_saved_outside_of_the_output_folder(comfy, host, image, tmp_path):
    with pytest.raises(Exception, match="outside the output folder"):
        save(comfy, image, filename_prefix="../b", format="png")
    assert list(tmp_path.iterdir()) == []


def test_it_is_signed_where_signing_is_set_up(comfy, host, image, tmp_path):
    pytest.importorskip("c2pa")
    places = comfy.module("marking.places")
    host._signing, host._credentials = places.Signing(*places.set_up(tmp_path / "keys", "Ada"), required=False), ()
    _, report = save(comfy, image[:1], format="png")
    assert "marked: XMP and C2PA" in report
    found = look(comfy, tmp_path / "a" / "b_00001_.png").credentials
    assert (found.state, found.signer) == ("Valid", "Ada")
    assert found.source_types == (f"{URI}compositeWithTrainedAlgorithmicMedia",) and found.ingredients == ()


def test_it_runs_in_a_prompt(comfy, graph, image):
    node = graph.add("MFS_SaveMarked", image=graph.give(image), filename_prefix="mfs/x", format="png")
    assert comfy.backend.validate(graph.prompt) == []
    messages, ui = comfy.backend.execute(graph.prompt, [node])
    assert "execution_error" not in dict(messages), messages
    import folder_paths

    for one in ui[node]["images"]:
        path = Path(folder_paths.get_output_directory()) / one["subfolder"] / one["filename"]
        with Image.open(path) as opened:
            assert json.loads(opened.text["prompt"])[node]["class_type"] == "MFS_SaveMarked"
        assert look(comfy, path).xmp.system == "ComfyUI-MultiFaceSwap"


@pytest.fixture
def portrait(astronaut):
    return torch.from_numpy(astronaut[None, :300].astype(np.float32) / 255)


def test_faces_carry_the_watermark_and_other_pixels_stay(comfy, host, portrait, tmp_path):
    _, report = save(comfy, portrait, format="png")
    assert "watermark in 1 face" in report
    found = comfy.module("app.marked").look(tmp_path / "a" / "b_00001_.png", host)
    assert (found.watermark.faces, found.watermark.marked) == (1, 1)
    before = np.rint(portrait[0].numpy() * 255).astype(int)
    after = np.asarray(Image.open(tmp_path / "a" / "b_00001_.png")).astype(int)
    left, top, right, bottom = host.detect([portrait[0].numpy()]).flat()[0].box
    y, x = np.nonzero((before != after).any(2))
    assert len(y) > 1000 and np.abs(before - after).max() < 20
    assert x.min() > left - 40 and x.max() < right + 40 and y.min() > top - 60 and y.max() < bottom + 40


def test_a_mask_says_where_the_watermark_may_go(comfy, host, portrait, tmp_path):
    mask = torch.zeros(1, *portrait.shape[1:3])
    mask[:, :, :220] = 1
    save(comfy, portrait, format="png", mask=mask)
    before = np.rint(portrait[0].numpy() * 255).astype(int)
    after = np.asarray(Image.open(tmp_path / "a" / "b_00001_.png")).astype(int)
    assert np.array_equal(before[:, 220:], after[:, 220:]) and (before != after).any()


def test_what_carries_it_already_stays(comfy, host, portrait, tmp_path):
    save(comfy, portrait, format="png")
    first = np.asarray(Image.open(tmp_path / "a" / "b_00001_.png"))
    save(comfy, torch.from_numpy(first[None].astype(np.float32) / 255), format="png")
    assert np.array_equal(first, np.asarray(Image.open(tmp_path / "a" / "b_00002_.png")))


def test_of_several_pictures_each_says_what_it_carries(comfy, host, portrait):
    _, report = save(comfy, torch.cat([portrait, torch.zeros_like(portrait)]), format="png")
    assert "picture 0: watermark in 1 face\n" in report and "picture 1: watermark in 0 faces\n" in report
