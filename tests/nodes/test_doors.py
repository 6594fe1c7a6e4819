"""Every setting of the nodes: a changed widget changes what reaches those who do the work, or is refused or reported.

See `tests/doors.py` for the rule; this is that of tests/app for the doors that need a host.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import standins
from doors import Recorder, probe, require_effect

torch = pytest.importorskip("torch")

NODES = {
    "MFS_FaceDetect": "detect",
    "MFS_FaceOrder": "order",
    "MFS_IndexMap": "map",
    "MFS_SwapFaces": "swap",
    "MFS_FaceRestore": "restore",
    "MFS_CropFaces": "crop",
    "MFS_PasteFaces": "paste",
    "MFS_SwapFacesVideo": "clip",
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    standins.swapper(folder / "inswapper_128.onnx")
    standins.pooled(folder / "w600k_r50.onnx", scale=40)
    standins.scrfd(folder / "det_10g.onnx")
    standins.restorer(folder / "GPEN-BFR-512.onnx")
    return folder


@pytest.fixture(scope="module")
def session(comfy, models):
    return comfy.module("app.session").Session([models], "cpu")


@pytest.fixture(scope="module")
def image(pair):
    return torch.from_numpy(np.ascontiguousarray(pair[:, ::2, ::2]))


@pytest.fixture(scope="module")
def people(comfy, session, image):
    found = session.order(session.detect(list(image.numpy()), gender=True, identity=True))
    age = comfy.module("pipeline.types").AgeRange(20, 29)
    return replace(found, frames=tuple(tuple(replace(face, age=age) for face in faces) for faces in found))


@pytest.fixture
def recorder(comfy, monkeypatch, session, people):
    recorder = Recorder(monkeypatch, comfy.module, lambda count: replace(people, frames=people.frames * count))
    names = ["face_detect", "face_order", "index_map", "swap_faces", "face_restore", "swap_faces_video"]
    for name in (*names, "crop_faces", "paste_faces"):
        monkeypatch.setattr(comfy.module(f"nodes.{name}"), "session", lambda: session)
    return recorder


class Video:
    """Stands for a VIDEO; its file is never read."""

    def get_stream_source(self):
        return "in.mp4"


def sockets(node_id, image, people, session, recognised=True):
    index_map = session.map(people, people)
    crops = session.crop(list(image.numpy()), people)
    given = {
        "MFS_FaceDetect": {"image": image},
        "MFS_FaceOrder": {"faces": people},
        "MFS_IndexMap": {"target_faces": people, "source_faces": people, "target_image": image},
        "MFS_SwapFaces": {"target_image": image, "source_image": image, "index_map": index_map},
        "MFS_FaceRestore": {"image": image},
        "MFS_CropFaces": {"image": image, "faces": people},
        "MFS_PasteFaces": {"image": image, "crops": torch.from_numpy(crops.images), "crop_data": crops.crops},
        "MFS_SwapFacesVideo": {"video": Video(), "source_image": image},
    }[node_id]
    more = {"reference_faces": people, "reference_image": image} if node_id == "MFS_IndexMap" and recognised else {}
    return {**given, **more}


def widgets(comfy, node_id):
    """The node's settings by the ids of its inputs, with their defaults."""
    rows = comfy.module("app.settings").SETTINGS[NODES[node_id]]
    ids = {row.node_id or name: row for name, row in rows.items()}
    return {given.id: (ids[given.id], given.default) for given in comfy.schemas()[node_id].inputs if given.id in ids}


def cases():
    from importlib import import_module

    settings = import_module("multifaceswap.app.settings").SETTINGS
    return [
        pytest.param(node_id, row.node_id or name, id=f"{node_id}-{name}")
        for node_id, scope in NODES.items()
        for name, row in settings[scope].items()
        if row.in_nodes
    ]


@pytest.mark.parametrize(("node_id", "widget"), cases())
def test_a_widget_acts(comfy, recorder, session, image, people, monkeypatch, node_id, widget):
    refusal = comfy.module("pipeline.errors").SettingsError
    known = widgets(comfy, node_id)
    row, _ = known[widget]
    base = {name: default for name, (_, default) in known.items()}
    base |= {"face_restore": "GPEN-BFR-512.onnx"} if widget == "face_restore_weight" else {}
    base |= {"face_restore": "GPEN-BFR-512.onnx"} if node_id == "MFS_FaceRestore" else {}
    base |= {"facedetection": "scrfd_10g"} if widget == "detection_size" else {}
    value = "disable" if node_id == "MFS_FaceRestore" and widget == "face_restore" else probe(row)
    given = sockets(node_id, image, people, session)
    monkeypatch.setattr(comfy.module("nodes.swap_faces_video"), "_output", lambda clip: "out.mp4")
    node = comfy.nodes[node_id]

    def work(**changed):
        outputs = node.execute(**given, **{**base, **changed})
        return [text for text in outputs.args if isinstance(text, str)]

    require_effect(
        row.name, recorder.outcome(work, refusal), recorder.outcome(lambda: work(**{widget: value}), refusal)
    )


@pytest.mark.parametrize("widget", ["threshold", "embedder"])
def test_what_needs_references_is_reported_without_them(comfy, recorder, session, image, people, widget):
    row, _ = widgets(comfy, "MFS_IndexMap")[widget]
    node = comfy.nodes["MFS_IndexMap"]
    given = sockets("MFS_IndexMap", image, people, session, recognised=False)
    base = {name: default for name, (_, default) in widgets(comfy, "MFS_IndexMap").items()}
    report = node.execute(**given, **{**base, widget: probe(row)}).args[2]
    assert f"{row.name} {probe(row)} has no effect: there are no reference faces" in report


def test_boxes_leave_detection_without_effect_and_the_report_says_so(comfy, recorder, session, image):
    node = comfy.nodes["MFS_FaceDetect"]
    base = {name: default for name, (_, default) in widgets(comfy, "MFS_FaceDetect").items()}
    boxes = [{"x": 10, "y": 10, "width": 50, "height": 50}]
    report = node.execute(image=image, bboxes=boxes, **{**base, "tiles": False, "facedetection": "scrfd_10g"}).args[5]
    assert "tiles off has no effect: the faces are measured in the boxes" in report
    assert "facedetection scrfd_10g has no effect" in report


def test_every_setting_of_a_scope_has_a_widget(comfy):
    settings = comfy.module("app.settings").SETTINGS
    for node_id, scope in NODES.items():
        wanted = {name for name, row in settings[scope].items() if row.in_nodes}
        assert {row.name for row, _ in widgets(comfy, node_id).values()} == wanted
        for row, default in widgets(comfy, node_id).values():
            assert default == row.default or default == f"{row.default} (not installed)"
