"""FaceRestore in the host: exported restorers in the host's folders, and the room that they ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
import standins
from wiring import chain

torch = pytest.importorskip("torch")


@pytest.fixture
def image(pair):
    return torch.from_numpy(pair.copy())


@pytest.fixture
def restorers(comfy):
    """An exported CodeFormer and a detector in the host's folder of restorers."""
    import folder_paths

    folder = Path(folder_paths.folder_names_and_paths["facerestore_models"][0][0])
    standins.restorer(folder / "my codeformer.onnx", size=256, weight="double")
    standins.scrfd(folder / "det_10g.onnx")
    yield folder
    for name in ("my codeformer.onnx", "det_10g.onnx"):
        (folder / name).unlink()


def restore(graph, image, **settings):
    chosen = {"face_restore": "my codeformer.onnx", "face_restore_weight": 0.5, **settings}
    return graph.add("MFS_FaceRestore", image=image, **chosen)


def test_restorers_in_the_folder_are_offered_and_detectors_are_not(comfy, restorers):
    (menu,) = [given for given in comfy.schemas()["MFS_FaceRestore"].inputs if given.id == "face_restore"]
    assert menu.options[:2] == ["disable", "codeformer-v0.1.0.pth (not installed)"]
    assert menu.options[-1] == "my codeformer.onnx"
    assert not [option for option in menu.options if "det_10g" in option]


def test_all_faces_are_restored_where_none_are_connected(comfy, graph, image, restorers):
    given = graph.give(image)
    node = restore(graph, given)
    run = comfy.run(graph, image=[node, 0], mask=[node, 1], report=[node, 2])
    outside = run["mask"][0] == 0
    assert run["image"].shape == image.shape and run["image"].dtype == image.dtype
    assert (run["image"][0][outside] == image[0][outside]).all()
    assert (run["mask"][0, :, :300] == 1).any() and (run["mask"][0, :, 300:] == 1).any()
    assert "my codeformer.onnx runs on CPU" in run["report"]


def test_exactly_the_swapped_faces_are_restored(comfy, graph, image, restorers):
    given = graph.give(image)
    _, _, swapped = chain(graph, given, given, "0", "1")
    node = restore(graph, [swapped, 0], faces=[swapped, 1])
    run = comfy.run(graph, before=[swapped, 0], image=[node, 0], mask=[node, 1])
    outside = run["mask"][0] == 0
    assert (run["image"][0][outside] == run["before"][0][outside]).all()
    assert (run["mask"][0, :, :300] == 1).any() and not run["mask"][0, :, 400:].any()


def test_room_to_work_in_is_asked_for_before_every_run_and_the_restorer_stays_open(
    comfy, graph, image, restorers, monkeypatch
):
    import comfy.model_management as management

    management.unload_all_models()
    asked = []
    loads, frees = management.load_models_gpu, management.free_memory
    monkeypatch.setattr(management, "get_free_memory", lambda *_, torch_free_too=False: (0, 0) if torch_free_too else 0)
    monkeypatch.setattr(
        management, "load_models_gpu", lambda models, **more: (asked.append(more), loads(models, **more))
    )
    monkeypatch.setattr(
        management, "free_memory", lambda room, *args, **more: (asked.append(room), frees(room, *args, **more))[1]
    )
    pool = comfy.module("nodes.host").session().models
    restorer = pool.open("restorer", "my codeformer.onnx")
    room = restorer.session.working_bytes
    assert room == 256 * 256 * 3000
    crop = image[0, :256, :256].numpy()
    restorer.restore([crop], 0.5)
    assert {"memory_required": room} in asked and restorer.session.is_open
    session = restorer.session.open()
    asked.clear()
    restorer.restore([crop], 0.5)
    assert asked and set(asked) == {room}
    assert restorer.session.open() is session
    management.unload_all_models()
    assert not restorer.session.is_open


def test_swap_faces_restores_before_it_puts_back(comfy, graph, image, restorers):
    given = graph.give(image)
    _, _, plain = chain(graph, given, given, "0", "1")
    settings = {"face_restore": "my codeformer.onnx", "face_restore_weight": 1.0}
    _, _, boosted = chain(graph, given, given, "0", "1", **settings)
    run = comfy.run(graph, plain=[plain, 0], image=[boosted, 0], mask=[boosted, 2], report=[boosted, 3])
    outside = run["mask"][0] == 0
    assert (run["image"][0][outside] == image[0][outside]).all()
    assert (run["image"] != run["plain"]).any() and "my codeformer.onnx" in run["report"]
