"""Behaviour in the host: folders, memory, progress, Cancel, missing models, locked classes, a light import."""

from __future__ import annotations

import subprocess
import sys

import pytest
from harness import ROOT, STANDIN
from wiring import chain, detect

torch = pytest.importorskip("torch")


@pytest.fixture
def image(pair):
    return torch.from_numpy(pair.copy())


@pytest.fixture
def management(comfy):
    import comfy.model_management as management

    return management


def networks(management):
    """The networks of this pack in the host's list of loaded models."""
    models = [loaded.model for loaded in management.current_loaded_models]
    return [model for model in models if type(model).__name__ == "NetworkPatcher"]


def test_folders_are_added_and_nobody_loses_theirs(comfy):
    import folder_paths

    known = folder_paths.folder_names_and_paths
    for key in ("insightface", "reswapper", "hyperswap", "facerestore_models", "facedetection", "facexlib"):
        paths, suffixes = known[key]
        assert paths.count(f"{folder_paths.models_dir}/{key}") == 1
        assert {".onnx", ".pth"} <= set(suffixes)
    assert known["insightface"][0][0] == "/elsewhere/insightface"
    assert known["facexlib"][0][0] == "/shared/facexlib"
    assert set(folder_paths.supported_pt_extensions) <= set(known["facexlib"][1])
    assert ".onnx" not in folder_paths.supported_pt_extensions
    comfy.module("nodes.host").register_folders()
    assert len(known["insightface"][0]) == 2


def test_a_missing_model_is_marked_and_its_error_says_what_to_do(comfy, graph, image):
    (menu,) = [given for given in comfy.schemas()["MFS_SwapFaces"].inputs if given.id == "swap_model"]
    assert "mesh" in menu.options
    assert "inswapper_128 (not installed)" in menu.options
    given = graph.give(image)
    for name in ("inswapper_128", "inswapper_128 (not installed)"):
        _, _, node = chain(graph, given, given, swap_model=name)
        message = comfy.run(graph, image=[node, 0]).error["exception_message"]
        for part in ("inswapper_128.onnx", "/elsewhere/insightface", "https://", "sha256", "Licence: "):
            assert part in message


def test_networks_are_on_the_hosts_list_and_unloading_closes_them(comfy, graph, image, management):
    management.unload_all_models()
    given = graph.give(image)
    first = comfy.value(graph, [detect(graph, given), 0])
    held = networks(management)
    assert held
    assert all(model.loaded_size() == model.model_size() > 100_000 for model in held)
    management.unload_all_models()
    assert networks(management) == []
    assert [model.loaded_size() for model in held] == [0] * len(held)
    again = comfy.value(graph, [detect(graph, given, identity=True), 0])
    assert {id(model) for model in held} <= {id(model) for model in networks(management)}
    assert [face.box.tolist() for face in again.flat()] == [face.box.tolist() for face in first.flat()]


def test_pressure_from_other_models_closes_networks(comfy, graph, image, management):
    comfy.value(graph, [detect(graph, graph.give(image), turns=True), 0])
    held = networks(management)
    management.free_memory(1e30, torch.device("cpu"))
    assert held and not any(model.loaded_size() for model in held)
    assert networks(management) == []


def test_progress_is_shown_face_by_face(comfy, graph, image, progress_hook):
    given = graph.give(torch.cat([image, image]))
    _, mapped, node = chain(graph, given, graph.give(image), "0,1", "1,0")
    comfy.run(graph, map=[mapped, 0])
    shown = progress_hook()
    comfy.run(graph, image=[node, 0])
    assert shown[0] == (1, 4)
    assert shown[-1] == (4, 4)


def test_cancel_acts_before_the_next_face(comfy, graph, image, management, progress_hook):
    given = graph.give(torch.cat([image] * 4))
    _, mapped, node = chain(graph, given, graph.give(image), "0,1", "1,0")
    comfy.run(graph, map=[mapped, 0])
    shown = progress_hook(management.interrupt_current_processing)
    run = comfy.run(graph, image=[node, 0])
    assert run.interrupted
    assert run.error is None
    assert shown == [(1, 8)]


def test_cancel_acts_within_a_picture_while_faces_are_looked_for(comfy, graph, image, management):
    given = graph.give(torch.cat([image] * 3))
    pool = comfy.module("nodes.host").session().models
    detector = pool.open("detector", "builtin", turns=False, tiles=True, min_size=0, confidence=0.5)
    management.interrupt_current_processing(True)
    with pytest.raises(management.InterruptProcessingException):
        detector.detect(image[0].numpy())
    assert comfy.value(graph, [detect(graph, given), 4]) == 6


@pytest.fixture
def progress_hook():
    """Starts listening to progress: gives the list of (done, total), and calls `once` at the first of them."""
    import comfy.utils

    def listen(once=None):
        shown = []

        def hook(value, total, *_args, **_options):
            shown.append((value, total))
            if once and len(shown) == 1:
                once()

        comfy.utils.set_progress_bar_global_hook(hook)
        return shown

    yield listen
    comfy.utils.set_progress_bar_global_hook(None)


def test_nodes_keep_nothing_on_their_classes(comfy, graph, image):
    before = {name: set(vars(made)) for name, made in comfy.nodes.items()}
    given = graph.give(image)
    _, _, node = chain(graph, given, given)
    comfy.value(graph, [node, 0])
    for name, made in comfy.nodes.items():
        assert {key for key in set(vars(made)) - before[name] if not key.startswith("_")} <= {"SCHEMA"}


def test_loading_the_pack_imports_nothing_heavy_and_opens_nothing():
    code = (
        "import asyncio, importlib.util, sys\n"
        f"sys.path.insert(0, {str(STANDIN)!r})\n"
        f"spec = importlib.util.spec_from_file_location('pack', {str(ROOT / '__init__.py')!r},"
        f" submodule_search_locations=[{str(ROOT)!r}])\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "sys.modules['pack'] = module\n"
        "spec.loader.exec_module(module)\n"
        "extension = asyncio.run(module.comfy_entrypoint())\n"
        "nodes = asyncio.run(extension.get_node_list())\n"
        "print(len([node.GET_SCHEMA() for node in nodes]) >= 6)\n"
        "heavy = {'torch', 'cv2', 'onnxruntime', 'scipy', 'requests', 'spandrel', 'facexlib', 'insightface'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split("\n")[:2] == ["True", "[]"]
