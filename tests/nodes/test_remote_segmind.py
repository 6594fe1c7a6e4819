"""The hosted swap as a node, against a real HTTP server in this process."""

from __future__ import annotations

import io
import json
import logging
import sys
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin
from segmind_api import KEY, MODEL, Faults, serving

torch = pytest.importorskip("torch")

NODE = "MFS_RemoteSegmindSwap"


@pytest.fixture
def api(monkeypatch, tmp_path):
    with serving() as api:
        api.polls = []
        monkeypatch.setenv("SEGMIND_API_KEY", KEY)
        monkeypatch.setenv("SEGMIND_BASE_URL", api.base_url)
        monkeypatch.setenv("MULTIFACESWAP_STATE", str(tmp_path / "state"))
        yield api


@pytest.fixture
def schema(comfy):
    return comfy.schemas()[NODE]


def greys(*values, channels=3, size=(6, 8)):
    """A batch of grey pictures, values in 255ths."""
    batch = torch.tensor(values, dtype=torch.float32) / 255
    return batch.reshape(-1, 1, 1, 1).repeat(1, *size, channels)


@pytest.fixture
def remote(comfy, graph, schema):
    """Adds the node as the frontend does: every widget at its default, quick polls and png unless told otherwise."""

    def add(target, source=None, **settings):
        widgets = {each.id: each.default for each in schema.inputs if each.get_io_type() != "IMAGE"}
        quick = {"poll_interval": 0.1, "timeout": 20.0, "image_format": "png"}
        pictures = {"source_image": greys(0) if source is None else source, "target_image": target}
        given = {name: graph.give(picture) for name, picture in pictures.items()}
        return graph.add(NODE, **given, **{**widgets, **quick, **settings})

    return add


@pytest.fixture
def run(comfy, graph, remote):
    def run(*arguments, **settings):
        node = remote(*arguments, **settings)
        return comfy.run(graph, image=[node, 0], report=[node, 1])

    return run


def payloads(api):
    return [json.loads(call.body) for call in api.calls if call.path.endswith(MODEL)]


def test_swap_gives_the_hosted_picture_and_the_report(api, run, tmp_path):
    result = run(greys(55))
    assert result.error is None
    assert result["image"].dtype == torch.float32
    assert torch.equal(result["image"], greys(200))
    assert result["report"] == "request req-0\ninference took 1.25 s"
    states = [json.loads(path.read_text())["state"] for path in (tmp_path / "state").rglob("*.json")]
    assert states == ["delivered"]


def test_widgets_are_the_apis_settings_with_its_values_ranges_and_defaults(comfy, schema):
    settings = comfy.module("hosted.segmind.settings").SETTINGS
    inputs = {each.id: each for each in schema.inputs}
    assert list(inputs)[: 2 + len(settings)] == ["source_image", "target_image", *settings]
    for name, setting in settings.items():
        assert inputs[name].default == setting.default
        if setting.kind == "choice":
            assert tuple(inputs[name].options) == setting.choices
        if setting.kind in ("number", "integer"):
            assert (inputs[name].min, inputs[name].max) == (setting.low, setting.high)
    kinds = {name: inputs[name].get_io_type() for name in settings}
    assert kinds["input_faces_index"] == "STRING" and kinds["base64"] == "BOOLEAN"
    assert (kinds["image_quality"], kinds["face_restore_weight"]) == ("INT", "FLOAT")


def test_no_widget_takes_the_key(schema):
    assert not [each.id for each in schema.inputs if "key" in each.id or "token" in each.id or "secret" in each.id]


def test_same_settings_have_the_same_names_as_on_this_machine(comfy):
    schemas = comfy.schemas()
    mine = {each.id for each in schemas[NODE].inputs}
    for node, names in {
        "MFS_IndexMap": {"input_faces_index", "source_faces_index"},
        "MFS_SwapFaces": {"source_image", "target_image", "interpolation"},
        "MFS_FaceOrder": {"detection_face_order"},
        "MFS_FaceRestore": {"face_restore", "face_restore_weight"},
        "MFS_FaceDetect": {"facedetection"},
    }.items():
        assert names <= mine & {each.id for each in schemas[node].inputs}
    swaps = {
        node: [(each.id, each.get_io_type()) for each in schemas[node].outputs] for node in (NODE, "MFS_SwapFaces")
    }
    assert set(swaps[NODE]) <= set(swaps["MFS_SwapFaces"])


def test_settings_reach_the_api(api, run):
    chosen = {
        "input_faces_index": "0,1", "source_faces_index": "1,0", "detection_face_order": "left-right",
        "facedetection": "YOLOv5n", "detect_gender_input": "male", "detect_gender_source": "female",
        "face_restore": "codeformer-v0.1.0.pth", "face_restore_weight": 0.25, "interpolation": "Lanczos",
        "image_format": "webp", "image_quality": 80, "base64": True,
    }  # fmt: skip
    assert run(greys(55), **chosen, mode="synchronous").error is None
    ((payload),) = payloads(api)
    assert {name: payload[name] for name in chosen} == chosen
    assert api.count("sync") == 1


def test_only_required_inputs_are_needed(api, comfy, graph, schema):
    required = {each.id: each for each in schema.inputs if not each.optional}
    assert {"mode", "timeout", "run_again", "source_url"}.isdisjoint(required)
    widgets = {name: each.default for name, each in required.items() if each.get_io_type() != "IMAGE"}
    node = graph.add(NODE, source_image=graph.give(greys(0)), target_image=graph.give(greys(55)), **widgets)
    assert comfy.run(graph, image=[node, 0]).error is None


def test_batch_is_one_call_a_frame_and_stays_in_order(api, run):
    result = run(greys(10, 20, 30, 40, 50), concurrency=3)
    assert torch.equal(result["image"], greys(245, 235, 225, 215, 205))
    assert api.paid() == 5 and api.count("upload-asset") == 6
    lines = result["report"].splitlines()
    assert [line for line in lines if "inference" in line] == [f"frame {n}: inference took 1.25 s" for n in range(5)]


def test_alpha_is_carried_through(api, run):
    target = greys(55, channels=4)
    target[..., 3] = 0.25
    result = run(target)
    assert torch.equal(result["image"][..., :3], greys(200)) and torch.equal(result["image"][..., 3:], target[..., 3:])


def test_half_precision_comes_back_as_it_came(api, run):
    assert run(greys(55).half())["image"].dtype == torch.float16


def test_inputs_are_not_written_to(api, run):
    target, source = greys(55), greys(7)
    run(target, source)
    assert torch.equal(target, greys(55)) and torch.equal(source, greys(7))


def test_urls_stand_for_pictures(api, run):
    buffer = io.BytesIO()
    Image.new("RGB", (8, 6), (55, 55, 55)).save(buffer, "PNG")
    api.assets["https://a.example/target.png"] = buffer.getvalue()
    urls = {"source_url": "https://a.example/source.png", "target_url": " https://a.example/target.png "}
    assert torch.equal(run(greys(0), transport="url", **urls)["image"], greys(200))
    assert api.count("upload-asset") == 0
    assert (
        run(greys(0), transport="url", source_url="https://a.example/x")
        .error["exception_message"]
        .startswith("transport: url needs source and target as http(s) URLs")
    )


@pytest.mark.parametrize(
    ("pictures", "settings", "message"),
    [
        ((greys(1), greys(1, 2)), {}, "source_image: the hosted API takes one source picture, got 2"),
        ((greys(1, 2),), {"target_url": "https://a.example/x"}, "target_url: replaces one target picture, got 2"),
        ((greys(1),), {"input_faces_index": "0-3"}, "the hosted API takes only face numbers separated by commas"),
    ],
)
def test_what_the_api_can_not_do_is_an_error_before_it_costs(api, run, pictures, settings, message):
    assert message in run(*pictures, **settings).error["exception_message"]
    assert api.calls == []


def test_results_of_several_sizes_are_no_batch(api, run):
    def media(handler, _):
        buffer = io.BytesIO()
        Image.new("RGB", (3, 2)).save(buffer, "PNG")
        handler.reply(200, buffer.getvalue())

    api.fault("media", media)
    assert "several sizes" in run(greys(1, 2)).error["exception_message"]


def test_same_inputs_are_not_run_again_and_run_again_is(api, comfy, graph, remote):
    node = remote(greys(55))
    comfy.run(graph, image=[node, 0])
    assert node in comfy.run(graph, image=[node, 0]).cached
    assert api.paid() == 1
    graph.prompt[node]["inputs"]["run_again"] = 1
    comfy.run(graph, image=[node, 0])
    assert api.paid() == 2


def test_after_an_error_the_next_run_picks_up_what_was_paid(api, comfy, graph, remote):
    api.fault("media", Faults.status(500))
    node = remote(greys(55))
    assert "[request req-0]" in comfy.run(graph, image=[node, 0]).error["exception_message"]
    again = comfy.run(graph, image=[node, 0], report=[node, 1])
    assert torch.equal(again["image"], greys(200)) and api.paid() == 1
    assert "nothing is paid again" in again["report"]


def test_cancel_is_comfyuis_own_interruption(api, run):
    management = sys.modules["comfy.model_management"]
    api.polls = ["QUEUED"] * 1000

    def cancel(handler, body):
        management.interrupt_current_processing()
        handler.status(body)

    api.fault("status", cancel)
    result = run(greys(55))
    assert result.interrupted and result.error is None


def test_no_key_is_an_error_that_says_where_it_goes(api, run, comfy, monkeypatch):
    monkeypatch.delenv("SEGMIND_API_KEY")
    folder = sys.modules["folder_paths"].get_system_user_directory("multifaceswap")
    message = run(greys(55)).error["exception_message"]
    assert "SEGMIND_API_KEY" in message and folder in message and "cloud.segmind.com" in message


def test_key_of_comfyuis_system_user_folder_is_used(api, run, monkeypatch):
    monkeypatch.delenv("SEGMIND_API_KEY")
    monkeypatch.delenv("MULTIFACESWAP_STATE")
    folder = Path(sys.modules["folder_paths"].get_system_user_directory("multifaceswap"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "segmind_api_key.txt").write_text(KEY)
    try:
        assert run(greys(77)).error is None
        assert list((folder / "segmind").glob("*.json"))
    finally:
        (folder / "segmind_api_key.txt").unlink()
        for path in (folder / "segmind").iterdir():
            path.unlink()


@pytest.mark.parametrize("fault", [None, "refused", "reset", "media"])
def test_neither_errors_nor_logs_nor_files_show_the_key(api, comfy, graph, remote, caplog, tmp_path, fault):
    caplog.set_level(logging.DEBUG)
    faults = {
        "refused": ("submit", Faults.status(401, {"error": f"no such key: {KEY}"})),
        "reset": ("submit", Faults.reset),
        "media": ("media", Faults.status(404, {"error": KEY})),
    }
    if fault:
        api.fault(*faults[fault], always=True)
    node = remote(greys(55))
    result = comfy.run(graph, image=[node, 0], report=[node, 1])
    assert (result.error is None) == (fault is None)
    assert any(call.headers.get("x-api-key") == KEY for call in api.calls)
    assert KEY not in repr(result) + caplog.text
    assert KEY not in json.dumps([graph.prompt, result.ui], default=repr)
    assert not [
        path for path in (tmp_path / "state").rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()
    ]


def test_pictures_saved_with_their_workflow_do_not_hold_the_key(api, comfy, graph, remote, tmp_path):
    """A saved PNG holds the prompt, which holds the widgets."""
    node = remote(greys(55))
    image = comfy.value(graph, [node, 0])
    texts = PngImagePlugin.PngInfo()
    texts.add_text("prompt", json.dumps(graph.prompt))
    Image.fromarray((image[0].numpy() * 255).astype("uint8")).save(tmp_path / "x.png", pnginfo=texts)
    assert KEY.encode() not in (tmp_path / "x.png").read_bytes()
