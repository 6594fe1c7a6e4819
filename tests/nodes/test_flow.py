"""From pictures to swapped pictures through all nodes, as artists wire them."""

from __future__ import annotations

import re

import pytest
from wiring import chain, detect, order, pairs, swap

torch = pytest.importorskip("torch")


@pytest.fixture
def image(pair):
    return torch.from_numpy(pair.copy())


def test_two_people_change_faces_and_nothing_else_does(comfy, graph, image):
    given = graph.give(image)
    _, mapped, swapped = chain(graph, given, given, "0,1", "1,0")
    run = comfy.run(
        graph, image=[swapped, 0], faces=[swapped, 1], mask=[swapped, 2], report=[swapped, 3], count=[mapped, 3]
    )
    assert run.error is None
    assert run["count"] == 2
    *lines, time = run["report"].splitlines()
    assert lines == [
        "2 of 2 faces swapped",
        "target 0 ← source 1, target 1 ← source 0",
        "swap_model mesh: licence Apache-2.0",
        "occluder builtin: needs no model file",
        "mesh facemesh: licence Apache-2.0",
    ]
    assert re.fullmatch(r"swapping took \d+\.\d\d s", time)
    assert run.ui[swapped]["mfs_report"] == [run["report"]]
    assert run["image"].shape == image.shape
    assert [face.index for face in run["faces"].frames[0]] == [0, 1]
    outside = run["mask"] == 0
    assert torch.equal(run["image"][outside], image[outside])
    assert (run["image"][~outside] - image[~outside]).abs().mean() > 0.02
    assert 0.02 < (~outside).float().mean() < 0.3


def test_people_are_recognised_wherever_they_stand(comfy, graph, image):
    """A clip whose second picture is mirrored: by number the faces change places, by looks they don't."""
    half = image.shape[2] // 2
    clip = torch.cat([image, image.flip(2)])
    given, reference = graph.give(clip), graph.give(image[:, :, :half])
    targets, sources = order(graph, [detect(graph, given), 0]), order(graph, [detect(graph, graph.give(image)), 0])
    people = detect(graph, reference)
    by_looks = pairs(
        graph, [targets, 0], [sources, 0], "0", "1",
        reference_faces=[people, 0], reference_image=reference, target_image=given,
    )  # fmt: skip
    by_number = pairs(graph, [targets, 0], [sources, 0], "0", "1")
    run = comfy.run(graph, looks=[by_looks, 0], report=[by_looks, 2], number=[by_number, 0])
    assert run.error is None
    assert [[pair.target.index for pair in frame] for frame in run["looks"].frames] == [[0], [1]]
    assert [[pair.target.index for pair in frame] for frame in run["number"].frames] == [[0], [0]]
    assert {pair.source.index for frame in run["looks"].frames for pair in frame} == {1}
    lines = run["report"].splitlines()[3:]
    assert lines[0] == "matched by identity: euclidean distance, threshold 0.6"
    assert lines[1].startswith("reference 0 → source 1: targets 0, 1 in frames 0-1, distance 0.")
    assert "embedder dlib128: licence CC0-1.0" in lines


def test_nobody_is_recognised_below_the_threshold_or_without_pictures(comfy, graph, image):
    given = graph.give(image)
    mirrored = graph.give(image.flip(-2))
    found, people = detect(graph, given), detect(graph, mirrored)
    wired = {"reference_faces": [people, 0], "reference_image": mirrored}
    strict = pairs(graph, [found, 0], [found, 0], "0", "1", target_image=given, threshold=0.01, **wired)
    assert comfy.value(graph, [strict, 3]) == 0
    blind = pairs(graph, [found, 0], [found, 0], "0", "1", **wired)
    error = comfy.run(graph, count=[blind, 3]).error
    assert "target faces carry no identity" in error["exception_message"]


def test_a_threshold_of_zero_is_the_embedders_own(comfy, graph, image):
    given = graph.give(image)
    found, people = detect(graph, given), detect(graph, given)
    wired = {"reference_faces": [people, 0], "reference_image": given, "target_image": given}
    own, written = (
        pairs(graph, [found, 0], [found, 0], "0,1", "1,0", threshold=threshold, **wired) for threshold in (0.0, 0.5)
    )
    run = comfy.run(graph, own=[own, 2], written=[written, 2], count=[own, 3])
    assert run.error is None and run["count"] == 2
    assert run["own"].splitlines()[2] == "matched by identity: euclidean distance, threshold 0.6"
    assert run["written"].splitlines()[2] == "matched by identity: euclidean distance, threshold 0.5"


def test_detection_says_what_it_found_in_every_form(comfy, graph, image):
    found = detect(graph, graph.give(image), gender=True)
    run = comfy.run(graph, **{name: [found, slot] for slot, name in enumerate(("faces", "preview", "mask", "bboxes"))})
    boxes = sorted(run["bboxes"][0], key=lambda box: box["x"])
    assert [len(frame) for frame in run["bboxes"]] == [2]
    assert [(box["x"] + box["width"] / 2) // 300 for box in boxes] == [0, 1]
    assert {box["label"] for box in boxes} == {"face"}
    assert all(type(box[key]) is float for box in boxes for key in ("x", "y", "width", "height", "score"))
    assert {face.gender for face in run["faces"].frames[0]} <= {"female", "male"}
    assert run["preview"].shape == image.shape
    assert run["mask"].shape == image.shape[:3]
    for box in boxes:
        column, row = int(box["x"] + box["width"] / 2), int(box["y"] + box["height"] / 2)
        assert run["mask"][0, row, column] == 1
    assert run["mask"][0, 0].max() == 0
    assert len(run.ui[found]["images"]) == 1


def test_boxes_of_another_detector_stand_in_for_detection(comfy, graph, image):
    found = detect(graph, graph.give(image))
    boxes = comfy.value(graph, [found, 3])
    right = max(boxes[0], key=lambda box: box["x"])
    grown = {**right, "x": right["x"] - 8, "y": right["y"] - 8, "width": right["width"] + 16}
    for given in (grown, [grown], [[grown]]):
        faces = comfy.value(graph, [detect(graph, graph.give(image), bboxes=graph.give(given)), 0])
        (face,) = faces.frames[0]
        assert abs(face.box[0] - right["x"]) < 6
        assert abs(face.box[2] - right["x"] - right["width"]) < 6


def test_no_boxes_are_no_faces_and_wrong_ones_an_error(comfy, graph, image):
    given = graph.give(image)
    assert comfy.value(graph, [detect(graph, given, bboxes=graph.give([])), 4]) == 0
    assert comfy.value(graph, [detect(graph, given, bboxes=graph.give([[]])), 4]) == 0
    for boxes in ([[], []], [{"x": 0, "y": 0}]):
        run = comfy.run(graph, faces=[detect(graph, given, bboxes=graph.give(boxes)), 0])
        assert run.error["exception_message"].startswith("bboxes: expected")


def test_order_numbers_keeps_and_leaves_out(comfy, graph, image):
    found = detect(graph, graph.give(image))
    ordered = order(graph, [found, 0], "right-left", limit=1)
    run = comfy.run(graph, kept=[ordered, 0], rest=[ordered, 1], preview=[ordered, 2], count=[ordered, 3])
    (kept,), (rest,) = run["kept"].frames[0], run["rest"].frames[0]
    assert kept.box[0] > rest.box[2]
    assert (kept.index, rest.index, run["count"]) == (0, 1, 1)
    assert run["preview"].shape == image.shape
    assert run["preview"].std() > 0


def test_gender_that_was_not_detected_is_an_error_that_says_so(comfy, graph, image):
    found = detect(graph, graph.give(image))
    run = comfy.run(graph, faces=[order(graph, [found, 0], gender="female"), 0])
    assert "switch on gender" in run.error["exception_message"]


def test_the_map_reports_who_is_missing_or_stops(comfy, graph, image):
    given = graph.give(image)
    faces = [order(graph, [detect(graph, given), 0]), 0]
    mapped = pairs(graph, faces, faces, "0,5", "1", target_image=given, source_image=given)
    run = comfy.run(graph, map=[mapped, 0], preview=[mapped, 1], report=[mapped, 2], count=[mapped, 3])
    assert run["count"] == 1
    assert run["report"].splitlines()[:-1] == [
        "2 target faces, 2 source faces",
        "target 0 ← source 1",
        "frame 0: target 5 not found (2 faces)",
    ]
    assert run["map"].report == ("frame 0: target 5 not found (2 faces)",)
    assert run["preview"].ndim == 4
    stopped = comfy.run(graph, map=[pairs(graph, faces, faces, "0,5", "1", missing="error"), 0])
    assert stopped.error["exception_message"].startswith("frame 0: target 5 not found")


def test_an_index_list_that_makes_no_sense_is_shown_with_its_place(comfy, graph, image):
    faces = [detect(graph, graph.give(image)), 0]
    run = comfy.run(graph, map=[pairs(graph, faces, faces, "0,x"), 0])
    assert "'0,x', character 3" in run.error["exception_message"]


def test_other_pictures_than_the_faces_were_found_in_are_an_error(comfy, graph, image):
    given, other = graph.give(image), graph.give(image[:, :200].clone())
    _, mapped, _ = chain(graph, given, given)
    run = comfy.run(graph, image=[swap(graph, other, given, [mapped, 0]), 0])
    assert "connect the same target pictures" in run.error["exception_message"]


def test_what_is_computed_once_is_not_computed_again(comfy, graph, image):
    given = graph.give(image)
    found, mapped, swapped = chain(graph, given, given)
    comfy.run(graph, image=[swapped, 0])
    again = comfy.run(graph, image=[swapped, 0])
    assert {found, mapped, swapped} <= again.cached
    graph.prompt[swapped]["inputs"]["strength"] = 0.5
    changed = comfy.run(graph, image=[swapped, 0])
    assert {found, mapped} <= changed.cached
    assert swapped not in changed.cached


def test_lists_of_pictures_run_one_by_one(comfy, graph, image):
    pictures = graph.give([image, image[:, :, :300].clone()], as_list=True)
    run = comfy.run(graph, count=[detect(graph, pictures), 4])
    assert run.values["count"] == [2, 1]


def test_restore_switched_off_gives_the_same_pictures_back(comfy, graph, image):
    given = graph.give(image)
    restored = graph.add("MFS_FaceRestore", image=given, face_restore="disable", face_restore_weight=0.5)
    run = comfy.run(graph, image=[restored, 0], mask=[restored, 1], report=[restored, 2])
    assert run["image"] is image
    assert run["mask"].shape == image.shape[:3]
    assert not run["mask"].any()
    assert "disable" in run["report"]


@pytest.mark.parametrize(
    ("node", "inputs", "error"),
    [
        ("MFS_FaceDetect", {"facedetection": "builtin", "confidence": 2.0}, "value_bigger_than_max"),
        ("MFS_FaceDetect", {"facedetection": "nobody", "confidence": 0.5}, "custom_validation_failed"),
        ("MFS_FaceDetect", {"facedetection": "builtin"}, "required_input_missing"),
        ("MFS_FaceRestore", {"face_restore": "x", "face_restore_weight": 0.5}, "custom_validation_failed"),
        ("MFS_FaceRestore", {"face_restore": "disable", "face_restore_weight": -0.5}, "value_smaller_than_min"),
    ],
)
def test_settings_that_cannot_be_are_refused_before_anything_runs(comfy, graph, image, node, inputs, error):
    graph.add(node, image=graph.give(image), **inputs)
    assert [kind for kind, _ in comfy.errors(graph)] == [error]


def test_a_picture_is_no_list_of_faces(comfy, graph):
    picture = graph.add("MFS_ExampleImage", picture="pair")
    graph.add("MFS_FaceOrder", faces=[picture, 0], detection_face_order="reading", detect_gender="no")
    assert [kind for kind, _ in comfy.errors(graph)] == ["return_type_mismatch"]
