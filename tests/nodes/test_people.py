"""Merge Faces, Save Faces and Load Faces in the host."""

from __future__ import annotations

import re

import numpy as np
import pytest
from harness import ROOT
from wiring import detect, pairs, swap

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")


@pytest.fixture(autouse=True)
def saved(tmp_path, monkeypatch):
    """The folder of saved faces."""
    monkeypatch.setenv("MULTIFACESWAP_FACES", str(tmp_path / "saved"))
    return tmp_path / "saved"


@pytest.fixture(scope="module")
def woman():
    return opened("astronaut.png")


@pytest.fixture(scope="module")
def man():
    return opened("grace_hopper.jpg")


def opened(name):
    """(1, 512, 512, 3) float32."""
    from PIL import Image

    with Image.open(ROOT / "examples" / name) as picture:
        return torch.from_numpy(np.asarray(picture.convert("RGB").crop((0, 0, 512, 512)), np.float32)[None] / 255)


def merge(graph, faces, **given):
    return graph.add("MFS_MergeFaces", faces=faces, **given)


def outcome(comfy, graph, node):
    run = comfy.run(graph, faces=[node, 0], image=[node, 1], report=[node, 2])
    assert run.error is None, run.error
    return run


def save(comfy, image, faces, **given):
    """What Save Faces says, without the time."""
    node = comfy.nodes["MFS_SaveFaces"]
    made = node.execute(faces, image, **{"name": "Eileen", **given})
    return made.ui["mfs_report"][0].splitlines()[:-1], made.ui


def found(comfy, image):
    return comfy.module("nodes.host").session().detect(list(image.numpy()))


def test_faces_of_one_person_become_one_donor_and_others_are_left_out(comfy, graph, woman, man):
    image = graph.give(torch.cat([woman, man, woman.flip(2)]))
    node = merge(graph, [detect(graph, image), 0], image=image, name="Eileen")
    run = outcome(comfy, graph, node)
    (donor,) = run["faces"].flat()
    assert sorted(face.frame for face in donor.person) == [0, 2]
    assert torch.equal(run["image"], torch.cat([woman, man, woman.flip(2)]))
    *lines, time = run["report"].splitlines()
    assert lines == ["Eileen: one donor of 2 faces", "picture 1, face 0: another person, left out"]
    assert re.fullmatch(r"merging took \d+\.\d\d s", time)
    assert run.ui[node]["mfs_report"] == [run["report"]]


def test_settings_say_who_is_another_person(comfy, graph, woman, man):
    image = graph.give(torch.cat([woman, man]))
    node = merge(graph, [detect(graph, image), 0], image=image, threshold=2.0)
    assert len(outcome(comfy, graph, node)["faces"].flat()[0].person) == 2


def test_without_the_pictures_nobody_is_left_out_and_the_report_says_so(comfy, graph, woman, man):
    image = graph.give(torch.cat([woman, man]))
    node = merge(graph, [detect(graph, image), 0])
    run = comfy.run(graph, faces=[node, 0], report=[node, 2])
    assert len(run["faces"].flat()[0].person) == 2
    assert "nobody was left out: the faces carry no identities" in run["report"]


def test_donors_of_different_batches_come_out_as_one_batch(comfy, graph, woman, man):
    """A larger picture of another one is joined in front: places stay, and numbers follow on."""
    wide = torch.nn.functional.pad(man.movedim(3, 1), (0, 100, 0, 60)).movedim(1, 3)
    first, second = graph.give(wide), graph.give(torch.cat([woman, woman.flip(2)]))
    before = merge(graph, [detect(graph, first), 0], image=first)
    node = merge(graph, [detect(graph, second), 0], image=second, more_faces=[before, 0], more_image=[before, 1])
    run = outcome(comfy, graph, node)
    image, donors = run["image"], run["faces"].flat()
    assert image.shape == (3, 572, 612, 3)
    assert torch.equal(image[:1], wide) and torch.equal(image[1:2, :512, :512], woman)
    assert torch.equal(image[1, :512, 512:], woman[0, :, -1:].expand(512, 100, 3))
    assert [sorted(face.frame for face in donor.person) for donor in donors] == [[0], [1, 2]]

    target = graph.give(man)
    mapped = pairs(graph, [detect(graph, target), 0], [node, 0], "0", "1", source_image=[node, 1])
    done = swap(graph, target, [node, 1], [mapped, 0])
    alone = graph.give(torch.cat([woman, woman.flip(2)]))
    direct = merge(graph, [detect(graph, alone), 0], image=alone)
    known = pairs(graph, [detect(graph, target), 0], [direct, 0])
    run = comfy.run(graph, made=[done, 0], meant=[swap(graph, target, alone, [known, 0]), 0])
    assert run.error is None, run.error
    assert (run["made"] - run["meant"]).abs().max() < 1e-6 and (run["made"] - man).abs().max() > 0.1


@pytest.mark.parametrize("lacking", ["more_faces", "more_image", "image"])
def test_what_belongs_together_is_asked_for(comfy, graph, woman, lacking):
    image = graph.give(woman)
    faces = [detect(graph, image), 0]
    given = {"image": image, "more_faces": faces, "more_image": image}
    del given[lacking]
    node = merge(graph, faces, **given)
    message = comfy.run(graph, faces=[node, 0]).error["exception_message"]
    assert ("connect image too" if lacking == "image" else "more_faces and more_image belong together") in message


def test_a_saved_face_is_loaded_with_all_its_views(comfy, graph, woman, man, saved):
    both = torch.cat([woman, woman.flip(2)])
    session = comfy.module("nodes.host").session()
    donor = session.merge(found(comfy, both), list(both.numpy()))
    lines, ui = save(comfy, both, donor, consent="Yes, by mail.")
    size = (saved / "Eileen.safetensors").stat().st_size
    assert lines == [f"face:Eileen: 2 views, 2 with pictures, identities of dlib128, {size:,} bytes"]
    assert len(ui["images"]) == 2

    node = graph.add("MFS_LoadFaces", name="Eileen")
    run = outcome(comfy, graph, node)
    (loaded,) = run["faces"].flat()
    assert len(loaded.person) == 2 and len(run["image"]) == 2
    assert run["faces"].size == (run["image"].shape[2], run["image"].shape[1])
    assert "Eileen: 2 views, 2 with pictures" in run["report"] and "consent: Yes, by mail." in run["report"]
    assert len(run.ui[node]["images"]) == 2

    target = graph.give(man)
    mapped = pairs(graph, [detect(graph, target), 0], [node, 0], source_image=[node, 1])
    given = graph.give(both)
    known = pairs(graph, [detect(graph, target), 0], graph.give(donor), source_image=given)
    made = swap(graph, target, [node, 1], [mapped, 0])
    run = comfy.run(graph, made=[made, 0], meant=[swap(graph, target, given, [known, 0]), 0])
    assert run.error is None, run.error
    assert (run["made"] - run["meant"]).abs().max() <= 2 / 255
    told = comfy.run(graph, report=[made, 3])["report"].splitlines()
    assert [line for line in told if "consent" in line] == ["source 0: consent: Yes, by mail."]


def test_two_saved_people_are_two_donors(comfy, graph, woman, man):
    for name, image in (("Eileen", woman), ("Grace", man)):
        save(comfy, image, found(comfy, image), name=name)
    first = graph.add("MFS_LoadFaces", name="Grace")
    both = graph.add("MFS_LoadFaces", name="Eileen", more_faces=[first, 0], more_image=[first, 1])
    run = outcome(comfy, graph, both)
    assert [face.frame for face in run["faces"].flat()] == [0, 1] and len(run["image"]) == 2
    assert run["faces"].size == (run["image"].shape[2], run["image"].shape[1])


def test_several_donors_are_saved_with_numbers(comfy, pair, saved):
    image = torch.from_numpy(pair.copy())
    lines, _ = save(comfy, image, found(comfy, image), name="pair")
    assert sorted(path.name for path in saved.iterdir()) == ["pair 0.safetensors", "pair 1.safetensors"]
    assert [line.partition(": ")[0] for line in lines] == ["face:pair 0", "face:pair 1"]


def test_identities_alone_and_no_name_twice(comfy, woman, saved):
    faces = found(comfy, woman)
    save(comfy, woman, faces, embeddings_only=True)
    assert (saved / "Eileen.safetensors").stat().st_size < 10_000
    errors = comfy.module("pipeline.errors")
    with pytest.raises(errors.SettingsError, match="is there already"):
        save(comfy, woman, faces)
    save(comfy, woman, faces, overwrite=True)
    assert (saved / "Eileen.safetensors").stat().st_size > 10_000
    blank = torch.full((1, 80, 80, 3), 0.4)
    with pytest.raises(errors.FaceNotFoundError, match="no face to save"):
        save(comfy, blank, found(comfy, blank), name="nobody")


def test_the_menu_lists_saved_faces_and_an_unknown_one_is_refused_before_the_run(comfy, graph, woman):
    def menu():
        (name, *_) = comfy.schemas()["MFS_LoadFaces"].inputs
        return name.options

    assert menu() == ["no face is saved yet"]
    save(comfy, woman, found(comfy, woman), name="Eileen C.M")
    assert menu() == ["Eileen C.M"]
    graph.add("MFS_LoadFaces", name="Grace")
    ((kind, details),) = comfy.errors(graph)
    assert kind == "custom_validation_failed" and "no face is saved as 'Grace'" in details


def test_a_changed_file_is_loaded_again(comfy, woman, man):
    node = comfy.nodes["MFS_LoadFaces"]
    save(comfy, woman, found(comfy, woman))
    before = node.fingerprint_inputs(name="Eileen")
    assert node.fingerprint_inputs(name="Eileen") == before
    save(comfy, man, found(comfy, man), overwrite=True)
    assert node.fingerprint_inputs(name="Eileen") != before


def test_a_linked_name_leads_to_no_other_file(comfy, graph, woman, saved, tmp_path):
    save(comfy, woman, found(comfy, woman))
    (saved / "Eileen.safetensors").rename(tmp_path / "elsewhere.safetensors")
    for name in (str(tmp_path / "elsewhere.safetensors"), "../elsewhere"):
        node = graph.add("MFS_LoadFaces", name=graph.give(name))
        message = comfy.run(graph, faces=[node, 0]).error["exception_message"]
        assert "a saved face's name" in message


def test_saved_faces_lie_among_the_hosts_models(comfy, monkeypatch):
    import folder_paths

    monkeypatch.delenv("MULTIFACESWAP_FACES")
    own = comfy.module("app.faces.folders").FaceFolders.of(comfy.module("nodes.host").folders()).own
    assert str(own) == f"{folder_paths.models_dir}/multifaceswap/faces"


@pytest.fixture
def neural(comfy, tmp_path, monkeypatch):
    """A session with stand-ins of an engine that takes an identity, and of its embedder."""
    standins = pytest.importorskip("standins")
    models = tmp_path / "models"
    models.mkdir()
    standins.swapper(models / "inswapper_128.onnx")
    standins.pooled(models / "w600k_r50.onnx", scale=40)
    with comfy.module("app.session").Session([models], "cpu") as session:
        for module in ("swap_faces", "merge_faces", "swap_faces_video"):
            monkeypatch.setattr(comfy.module(f"nodes.{module}"), "session", lambda: session)
        yield session


def test_average_acts_on_a_merged_donor(comfy, graph, neural, woman, man):
    views = torch.cat([woman, woman.flip(2), woman / 3])
    image, target = graph.give(views), graph.give(man)
    donor = merge(graph, [detect(graph, image), 0], image=image)
    mapped = pairs(graph, [detect(graph, target), 0], [donor, 0])
    nodes = {
        average: swap(graph, target, image, [mapped, 0], swap_model="inswapper_128", average=average)
        for average in ("mean", "median")
    }
    run = comfy.run(graph, **{name: [node, 0] for name, node in nodes.items()}, report=[nodes["median"], 3])
    assert run.error is None, run.error
    assert (run["mean"] - run["median"]).abs().max() > 0.01
    assert "average" not in run["report"]
